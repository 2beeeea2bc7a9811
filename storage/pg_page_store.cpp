#include "storage/pg_page_store.hpp"

#include <mutex>

#include "storage/batch_writer.hpp"

namespace pawl::storage {

/// A cancelled caller does not stop the work it started: the next batch of the same writer waits
/// for it here.
struct PgPageStore::Writer {
    Writer(BatchWriter::Options options, std::shared_ptr<Tables> tables)
        : batches(std::move(options), std::move(tables)) {}
    std::mutex mutex;
    BatchWriter batches;
};

PgPageStore::PgPageStore(Options options, std::shared_ptr<core::Offload> offload)
    : offload_(std::move(offload)) {
    auto tables = std::make_shared<Tables>();
    for (int number = 0; number < options.writers; ++number)
        writers_.push_back(std::make_shared<Writer>(
            BatchWriter::Options{options.url, number, options.quiet}, tables));
}

core::Task<std::vector<PageResult>> PgPageStore::commit(
    int writer, std::shared_ptr<const core::SourceFile> source,
    std::shared_ptr<std::vector<PageCommit>> batch) {
    auto results = std::make_shared<std::vector<PageResult>>();
    std::function<void()> work = [mine = writers_.at(static_cast<std::size_t>(writer)), source,
                                  batch, results] {
        const std::lock_guard guard(mine->mutex);
        *results = mine->batches.commit(*source, *batch);
    };
    co_await offload_->run(std::move(work));
    co_return std::move(*results);
}

}  // namespace pawl::storage
