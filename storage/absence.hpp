#pragma once

#include <string>
#include <vector>

#include "storage/pq_connection.hpp"
#include "storage/staging.hpp"
#include "storage/tables.hpp"

/// Rows that a whole walk does not show any more, where the source file says what that means (`absent`). A row knows when it
/// was seen last: by its version where `merge` is overwrite, else by `_pawl_seen`. At the last page of a walk, rows that it
/// stands for and that were last seen before its first request are absent: marked, deleted, or, in a table with history, closed.
/// Costs nothing where no emit says so.
///
/// A walk that passed over a dead page stands for nothing, and neither does a replayed dead letter: the next walk tells.
namespace pawl::storage {

/// Inside the caller's transaction, after the rows are in their tables and before the tips move. `by_time`: the batch in the
/// order of its pages' numbers. Deleted rows are counted for the page. Throws SqlError.
void write_absence(PqConnection& connection, Tables& tables, const core::SourceFile& source,
                   const std::vector<BatchPage>& by_time, const std::vector<Stage>& stages);

/// The first half of it: rows that this batch holds were seen, and are not absent.
void write_sightings(PqConnection& connection, const std::vector<BatchPage>& by_time, const std::vector<Stage>& stages);

/// Members of a WITH behind `gone`: partitions that ask for rows of this stage's table, one each, become inactive with the
/// row. What they collected stays; when the row is seen again they are active again. "" where there are none.
[[nodiscard]] std::string retire_children(PqConnection& connection, Tables& tables, const core::SourceFile& source,
                                          const Stage& stage);

}  // namespace pawl::storage
