#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/task.hpp"
#include "storage/connection.hpp"

namespace pawl::storage {

/// What the catalogue has of one stream, whether a source file still has it or not.
struct KnownStream {
    std::string name;
    std::int64_t partitions = 0, partitions_active = 0;
    std::int64_t slices_open = 0, pages_open = 0;  ///< open slices, and the pages of them that are stored
    std::int64_t slices_ended = 0, pages = 0;      ///< as the running totals have them
    std::int64_t dead_letters = 0;
    std::optional<double> pages_per_walk;  ///< of the last walks; nullopt: none has ended
};

/// A table that streams of a source have written, as pawl.spec has it.
struct KnownTable {
    std::string schema, table;  ///< as in the source file
    bool is_keyed = true;       ///< false: some mapping wrote it without a key
    bool exists = false;
    std::int64_t rows = 0;            ///< an estimate
    std::vector<std::string> others;  ///< "source.stream" that have written it as well
    [[nodiscard]] std::string name() const { return schema + "." + table; }
};

/// Names and numbers of what pawl knows, for commands that are about to undo some of it. Changes nothing. Throws
/// core::TransientError while Postgres is away.
class KnownStreams {
  public:
    explicit KnownStreams(std::shared_ptr<ConnectionPool> pool) : pool_(std::move(pool)) {}

    /// Sources that were registered, or of which something is left.
    core::Task<std::vector<std::string>> sources();
    core::Task<std::vector<std::string>> streams(std::string source);
    /// Counts partitions and open slices: a pass over them.
    core::Task<KnownStream> stream(std::string source, std::string stream);
    /// Tables that any of these streams has written, by any mapping.
    core::Task<std::vector<KnownTable>> tables(std::string source, std::vector<std::string> streams);
    /// Tokens of the source that renew themselves.
    core::Task<std::int64_t> tokens(std::string source);

  private:
    std::shared_ptr<ConnectionPool> pool_;
};

}  // namespace pawl::storage
