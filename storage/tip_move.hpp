#pragma once

#include <map>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "storage/pq_connection.hpp"
#include "storage/staging.hpp"
#include "storage/tip_verdict.hpp"

/// The statement that is fence, deduplication and order in one: moving the tips of a batch's
/// slices. Runs inside the caller's transaction, after rows are stored; slice rows are locked in
/// the order of their ids.
namespace pawl::storage {

/// Moves the tips of all slices of `pages` (chains, sorted by slice and seq) at once, adds the
/// pages' counts to the slices. Returns true when all moved; otherwise the caller must roll back
/// and judge them.
[[nodiscard]] bool move_tips(PqConnection& connection, const std::vector<BatchPage>& pages,
                             core::Millis quiet);

/// The cheap look before the work: do the tips stand where the chains begin? Takes no locks.
[[nodiscard]] bool tips_stand_ready(PqConnection& connection, const std::vector<BatchPage>& pages);

/// Judges each page by the rows of slice, slice_done and page, in a transaction of its own that
/// first locks the slices: it waits for a commit in doubt that still runs. Results in the order of
/// `pages`; nullopt: it comes next. A page that continues one that comes next comes next as well.
[[nodiscard]] std::vector<std::optional<PageResult>> judge_pages(
    PqConnection& connection, const std::vector<BatchPage>& pages);

/// Marks a slice stuck, because this page asked with a cursor that the ledger has already, in a
/// transaction of its own. False when the slice's tip is no longer before this page.
[[nodiscard]] bool mark_stuck(PqConnection& connection, const core::Job& job, int writer);

}  // namespace pawl::storage
