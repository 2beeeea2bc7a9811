#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/source_file.hpp"
#include "storage/page_store.hpp"
#include "storage/pq_connection.hpp"
#include "storage/spare_buffers.hpp"
#include "storage/staging.hpp"
#include "storage/tables.hpp"

/// One writer's connection and what it does with a batch: the transaction, and what follows when it
/// cannot be.
namespace pawl::storage {

/// Blocks; one thread at a time.
class BatchWriter {
  public:
    struct Options {
        std::string url;             ///< of Postgres, as the user gave it
        int number = 0;              ///< writer: its rows of the running totals
        core::Millis quiet{60'000};  ///< a slice whose tip moved is not offered anew for so long
    };
    BatchWriter(Options options, std::shared_ptr<Tables> tables)
        : options_(std::move(options)), tables_(std::move(tables)) {}

    /// PageStore::commit. Whatever is thrown, nothing is stored but pages that were committed
    /// before: sent again, they are found to be duplicates.
    [[nodiscard]] std::vector<PageResult> commit(const core::SourceFile& source,
                                                 std::vector<PageCommit>& batch);
    /// Stores the page of a dead letter after all, with the version that its request gave it. Verdicts: committed, duplicate
    /// (it was replayed or dropped before), superseded (a newer walk replaced the whole of what it found), unstorable.
    /// Throws as commit does; core::PermanentError where the source file has no such stream.
    [[nodiscard]] PageResult replay(const core::SourceFile& source, std::int64_t letter, PageCommit& page);

  private:
    using Pages = std::vector<BatchPage>;

    void store(const core::SourceFile& source, Pages pages);
    void store_halves(const core::SourceFile& source, const Pages& pages);
    void write(const core::SourceFile& source, const Pages& pages);
    void write_replay(const core::SourceFile& source, std::int64_t letter, const Pages& pages);
    void write_rows(const core::SourceFile& source, const Pages& by_time,
                    const std::vector<Stage>& stages);
    void write_books(const core::SourceFile& source, const Pages& pages, const Pages& by_time,
                     const std::vector<Stage>& stages);
    Pages judge_and_keep(Pages pages);
    void refuse(const BatchPage& page, const SqlError& error);
    PqConnection& connection();

    Options options_;
    std::shared_ptr<Tables> tables_;
    std::optional<PqConnection> connection_;
    SpareBuffers spare_;
};

}  // namespace pawl::storage
