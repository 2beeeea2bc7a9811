#pragma once

#include <string>
#include <vector>

#include "core/identity.hpp"
#include "storage/pq_door.hpp"

namespace pawl::storage {

/// Partitions of one stream, in the order of their `part`.
struct PartitionBatch {
    std::vector<std::int64_t> ids;
    std::string last;  ///< `part` of the last one: where the next batch goes on
};
/// At most `limit` partitions of the stream behind `after` (nullptr: from the first).
[[nodiscard]] PartitionBatch partitions_after(pqxx::transaction_base& transaction, const std::string& source,
                                              const std::string& stream, const std::string* after, std::size_t limit);

/// The first column.
[[nodiscard]] std::vector<core::SliceId> slice_ids(const pqxx::result& rows);

/// Ends open slices, which the caller has locked in the order of their ids, as `cancelled`: they move to slice_done, and are
/// counted. Their partitions are the caller's to change.
void cancel_slices(pqxx::transaction_base& transaction, const std::vector<core::SliceId>& slices);

/// Ends the open slices of these partitions as `cancelled`, likewise. Locks in the workers' order: slices before partitions. Returns the slices, to forget in Redis.
[[nodiscard]] std::vector<core::SliceId> cancel_walks(pqxx::transaction_base& transaction, const std::string& partitions);

/// Slices of the stream that were cancelled of late: whoever cancelled them may have been killed before Redis was told.
[[nodiscard]] std::vector<core::SliceId> cancelled_of_late(pqxx::transaction_base& transaction, const std::string& source,
                                                           const std::string& stream, std::size_t limit);

}  // namespace pawl::storage
