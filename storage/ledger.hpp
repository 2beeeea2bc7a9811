#pragma once

#include <string>
#include <vector>

#include "storage/pq_connection.hpp"
#include "storage/staging.hpp"

/// What the transaction that moves the tips writes into pawl's own tables about its pages. A few
/// statements per batch.
namespace pawl::storage {

/// What pawl.page keeps of a page's counts: eight numbers per emit, in the order that the schema's comment tells.
[[nodiscard]] std::string counts_text(const PageResult& result);
/// A row per page in pawl.page, with its counts. Fails with 23505 where a cursor repeats within a
/// slice: a cycle.
void write_ledger(PqConnection& connection, const std::vector<BatchPage>& pages);
/// What later walks may send as If-None-Match.
void write_validators(PqConnection& connection, const std::vector<BatchPage>& pages);
/// Running totals per stream, on this writer's own rows.
void write_totals(PqConnection& connection, const std::string& source,
                  const std::vector<BatchPage>& pages, int writer);
/// Pages with a dead_reason, with envelope and body: core::Job::decode makes them jobs again.
void write_dead_letters(PqConnection& connection, const std::string& source,
                        const std::vector<BatchPage>& pages);

/// A rejected record and where it comes from.
struct RejectedRow {
    const BatchPage* page = nullptr;
    std::string table;
    const core::Rejected* rejected = nullptr;
};
/// All of a batch: those that its pages could not make rows of, those that no column takes, and those without any column.
/// `by_time`: the batch in the order of its pages' numbers.
[[nodiscard]] std::vector<RejectedRow> rejected_of(const std::vector<BatchPage>& pages, const std::vector<BatchPage>& by_time,
                                                   const std::vector<Stage>& stages);
void write_rejected(PqConnection& connection, const std::string& source,
                    const std::vector<RejectedRow>& rows);

}  // namespace pawl::storage
