#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/source_file.hpp"
#include "storage/page_store.hpp"
#include "storage/pg_page_store.hpp"
#include "tests/storage/database.hpp"

namespace pawl::test {

/// A slice under way: makes its next pages, linked one to the other.
struct Chain {
    core::SliceId slice = 0;
    std::int64_t partition = 0;
    std::string stream;
    std::int64_t seq = 0;
    core::Link link;
    std::string cursor;  ///< "" : the first request

    /// A job that extends the chain; the chain then stands at it. `requested_at` 0: later than all
    /// before.
    core::Job next(bool last = false, std::int64_t requested_at = 0);
};

/// An emit into `table` with these columns, taken from the record's fields of the same names.
core::Emit emit_of(const std::string& table, std::vector<std::string> key,
                   std::vector<std::string> columns);

/// Stream `thing` into table `thing` (id, name).
core::Stream thing_stream();

/// A page whose rows for `emit` of `stream` are the objects of `json` (an array), column by column.
/// `v` of a record is its version where the emit merges by `newest`.
storage::PageCommit page_of(const core::Stream& stream, core::Job job, const std::string& json,
                            std::size_t emit = 0);

/// A page store on a database of its own.
class Store {
  public:
    Store() : store_({database_.url(), 2}, std::make_shared<InlineOffload>()) {}

    /// An open slice of a new partition, or the next walk of one.
    Chain open(const core::SourceFile& source, const std::string& stream,
               const std::string& part = "");
    std::vector<storage::PageResult> commit(std::shared_ptr<const core::SourceFile> source,
                                            std::vector<storage::PageCommit> pages, int writer = 0);
    /// One page; returns its result.
    storage::PageResult commit_one(std::shared_ptr<const core::SourceFile> source,
                                   storage::PageCommit page);
    std::string sql(const std::string& text) { return database_.sql(text); }
    Database& database() { return database_; }

  private:
    Database database_;
    storage::PgPageStore store_;
};

/// "read inserted updated same stale duplicate rejected deleted"
std::string counts_of(const storage::PageResult& result, std::size_t emit = 0);

}  // namespace pawl::test
