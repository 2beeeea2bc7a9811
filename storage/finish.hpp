#pragma once

#include <vector>

#include "storage/pq_connection.hpp"
#include "storage/staging.hpp"

/// The end of a walk, in the transaction that stores its last page.
namespace pawl::storage {

/// So often in a row a partition is walked again because its list moved. Then its slice stays marked as `shifted`.
inline constexpr int rewalks_max = 3;

/// Slices of which `pages` holds the last page: they are done, with the outcome of that page, or
/// `ok` when any page of the walk was ok, or `not_modified`. Call it after the ledger has the
/// pages.
void finish_slices(PqConnection& connection, const std::vector<BatchPage>& pages, int writer);

/// Moves finished slices (state and outcome are set) to slice_done, ends their partitions' walks,
/// drops older validators and counts them.
void move_finished(PqConnection& connection, const std::vector<core::SliceId>& slices, int writer);

}  // namespace pawl::storage
