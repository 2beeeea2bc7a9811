#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/identity.hpp"
#include "core/task.hpp"
#include "storage/connection.hpp"
#include "storage/known_streams.hpp"

namespace pawl::storage {

/// `pawl forget`: removes what the catalogue has of streams, a bounded transaction at a time. Any step may be the last that is
/// made: what is left is whole, and the same calls from the start go on with it. The order: `drop_tables` where wanted,
/// `retire` all, `remove` all, `remove_rest`, and `remove_source` where all of it goes. Throws core::TransientError while
/// Postgres is away.
class StreamRemoval {
  public:
    struct Bounds {
        std::size_t partitions = 200;  ///< of a step
        std::size_t slices = 500;
        std::int64_t pages = 10'000;
    };
    struct Retired {
        std::optional<std::string> after;      ///< where the next step goes on; nullopt: the last partition was seen
        std::vector<core::SliceId> cancelled;  ///< forget them in Redis
    };
    struct Removed {
        std::optional<std::string> after;  ///< where the next step goes on
        bool is_done = false;
        std::int64_t partitions = 0, slices = 0, pages = 0;
        std::vector<core::SliceId> cancelled;  ///< begun since they were retired: forget them in Redis
    };

    explicit StreamRemoval(std::shared_ptr<ConnectionPool> pool) : StreamRemoval(std::move(pool), Bounds()) {}
    StreamRemoval(std::shared_ptr<ConnectionPool> pool, Bounds bounds) : pool_(std::move(pool)), bounds_(bounds) {}

    /// All of these in one transaction, with what is known of their columns, their drift and the mappings that named them.
    /// Throws core::PermanentError where something depends on one.
    core::Task<> drop_tables(std::string source, std::vector<std::string> streams, std::vector<KnownTable> tables);
    /// Their walks end, and no planner begins another: so a worker finds its pages `cancelled`, and a collector is stopped.
    core::Task<Retired> retire(std::string source, std::string stream, std::optional<std::string> after);
    /// Pages, slices, dead letters, rejected records, validators, then the partitions. The rows that the pages left in tables
    /// are kept in mind with the mapping: `verify` counts them.
    core::Task<Removed> remove(std::string source, std::string stream, std::optional<std::string> after);
    /// What has no partition: totals, how it was asked for, drift of tables that no other stream of the source writes.
    core::Task<> remove_rest(std::string source, std::vector<std::string> streams);
    /// The source itself, its configurations and its tokens.
    core::Task<> remove_source(std::string source);

  private:
    std::shared_ptr<ConnectionPool> pool_;
    Bounds bounds_;
};

}  // namespace pawl::storage
