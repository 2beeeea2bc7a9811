#pragma once

#include <vector>

#include "storage/pq_connection.hpp"
#include "storage/staging.hpp"

/// What became of each page's records, kept in BatchPage::result: read = inserted + updated + same
/// + stale + duplicate + rejected, for each emit.
namespace pawl::storage {

/// read and rejected are known before anything is written. A record without any column is one more
/// rejected.
void begin_counts(const std::vector<BatchPage>& pages);

/// Adds what the result of upsert_sql tells. `by_time`: the batch in the order of its pages'
/// numbers. Throws SqlError 40001 where rows changed under the writer.
void count_upsert(const Stage& stage, const PqResult& rows, const std::vector<BatchPage>& by_time);

}  // namespace pawl::storage
