#pragma once

#include <vector>

#include "storage/pq_connection.hpp"
#include "storage/staging.hpp"
#include "storage/tables.hpp"

namespace pawl::storage {

/// Partitions, and first slices, of the streams that ask for each row that this batch read
/// (`foreach: stream`). Inside the caller's transaction, after the rows are in their tables and
/// before the tips move. `by_time`: the batch in the order of its pages' numbers. Throws SqlError.
void write_children(PqConnection& connection, Tables& tables, const core::SourceFile& source,
                    const std::vector<BatchPage>& by_time, const std::vector<Stage>& stages);

}  // namespace pawl::storage
