#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/page_store.hpp"
#include "storage/staging.hpp"

/// What becomes of pages that do not extend their slice's tip. Pure: every case of protocol step 5
/// is here.
namespace pawl::storage {

/// A slice as Postgres has it.
struct SliceState {
    std::string state;  ///< open, done, cancelled, stuck
    std::int64_t seq = 0;
    core::Link link;
};

/// Why `job` is not the next page of its slice; nullopt when it is. `ledger` is the link of the
/// page that the ledger has at the job's place, where it has one.
[[nodiscard]] std::optional<PageResult> judge(const core::Job& job,
                                              const std::optional<SliceState>& slice,
                                              const std::optional<core::Link>& ledger);

/// Takes from `remaining` (sorted by slice and seq) what can be one transaction: of each slice its
/// first page and those that continue it link by link, up to the walk's last.
[[nodiscard]] std::vector<BatchPage> take_chains(std::vector<BatchPage>& remaining);

}  // namespace pawl::storage
