#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "core/errors.hpp"
#include "storage/pg_catalogue.hpp"
#include "storage/pg_page_store.hpp"
#include "tests/fakes/memory_store.hpp"
#include "tests/storage/pages.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

/// The adapters that the contracts of storage/catalogue.hpp and storage/page_store.hpp are run against, and what a planner and
/// a worker do with them.
namespace pawl::test {

using core::SliceClass;
using storage::DueSlice;
using storage::PageCommit;
using storage::PageResult;
using storage::Verdict;

class PostgresStores {
  public:
    storage::Catalogue& catalogue() { return catalogue_; }
    storage::PageStore& pages() { return pages_; }
    template <typename T>
    T run(core::Task<T> task) {
        return database_.run(std::move(task));
    }
    std::unique_ptr<storage::Catalogue> another() { return std::make_unique<storage::PgCatalogue>(database_.pool()); }

  private:
    Database database_;
    storage::PgCatalogue catalogue_{database_.pool()};
    storage::PgPageStore pages_{{database_.url(), 2}, std::make_shared<InlineOffload>()};
};

class MemoryStores {
  public:
    storage::Catalogue& catalogue() { return catalogue_; }
    storage::PageStore& pages() { return pages_; }
    template <typename T>
    T run(core::Task<T> task) {
        return run_task(io_, std::move(task));
    }
    std::unique_ptr<storage::Catalogue> another() { return std::make_unique<MemoryCatalogue>(store_); }

  private:
    boost::asio::io_context io_;
    core::SystemClock clock_;
    core::SeededRandom random_{11};
    MemoryStore store_{clock_, random_};
    MemoryCatalogue catalogue_{store_};
    MemoryPageStore pages_{store_};
};

#define PAWL_STORES PostgresStores, MemoryStores

inline const core::Token epoch_one = *core::Token::parse("11111111-1111-4111-8111-111111111111");
inline const core::Token epoch_two = *core::Token::parse("22222222-2222-4222-8222-222222222222");

inline core::Stream items(std::vector<std::string> entries, const std::string& version = "1") {
    core::Stream stream = stream_named("items", version);
    stream.foreach_.kind = core::Foreach::Kind::list;
    stream.foreach_.factors = {{std::move(entries), std::nullopt, ""}};
    stream.emits = {emit_of("items", {"id"}, {"id", "name"})};
    return stream;
}

inline core::Stream children() {
    core::Stream stream = stream_named("children");
    stream.foreach_.kind = core::Foreach::Kind::stream;
    stream.foreach_.stream = "items";
    stream.parent_columns = {"name"};
    return stream;
}

/// What a planner and a worker do, in one word each.
template <typename Stores>
class Session {
  public:
    storage::Registration register_source(std::vector<core::Stream> streams) {
        source_ = source_of(std::move(streams));
        std::shared_ptr<const core::SourceFile> source = source_;
        return run(stores_.catalogue().register_source(source));
    }
    std::int64_t start(std::size_t limit = 100, SliceClass slice_class = SliceClass::backfill) {
        return run(stores_.catalogue().start_walks("api", {}, limit, slice_class));
    }
    std::vector<DueSlice> due(std::size_t limit = 100, core::Token epoch = epoch_one) {
        return run(stores_.catalogue().due_slices("api", {}, epoch, limit));
    }
    std::vector<core::Tip> tips(std::vector<core::SliceId> slices) {
        return run(stores_.catalogue().open_tips(std::move(slices)));
    }
    std::int64_t fall_due() { return run(stores_.catalogue().fall_due("api", {"items"})); }
    PageResult commit(PageCommit page) {
        auto batch = std::make_shared<std::vector<PageCommit>>();
        batch->push_back(std::move(page));
        std::shared_ptr<const core::SourceFile> source = source_;
        return run(stores_.pages().commit(0, source, batch)).at(0);
    }
    PageCommit page(const core::Job& job, const std::string& json = R"([{"id":1,"name":"a"}])") {
        return page_of(*source_->find(job.stream), job, json);
    }
    PageResult commit(const core::Job& job, const std::string& json = R"([{"id":1,"name":"a"}])") {
        return commit(page(job, json));
    }
    static Chain chain_of(const DueSlice& due) {
        Chain chain;
        chain.slice = due.slice.slice;
        chain.partition = due.slice.partition;
        chain.stream = due.slice.stream;
        chain.seq = due.tip.seq;
        chain.link = due.tip.link;
        chain.cursor = due.tip.cursor.value_or("");
        return chain;
    }
    template <typename T>
    T run(core::Task<T> task) {
        return stores_.run(std::move(task));
    }
    Stores& stores() { return stores_; }

  private:
    Stores stores_;
    std::shared_ptr<core::SourceFile> source_;
};

}  // namespace pawl::test
