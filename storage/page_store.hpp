#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/job.hpp"
#include "core/rows.hpp"
#include "core/source_file.hpp"
#include "core/task.hpp"

namespace pawl::storage {

/// What became of a page that asked to extend its slice's tip (protocol step 5).
enum class [[nodiscard]] Verdict : std::uint8_t {
    committed,   ///< it came next: rows, child slices, validators and ledger row are stored
    duplicate,   ///< this very page is in the ledger: acknowledge
    superseded,  ///< another page took its place: acknowledge and offer the slice anew from the tip
    finished,    ///< the slice is finished, and not by this page: acknowledge, Redis forgets the slice
    fork,        ///< it would come next but continues another page: acknowledge and offer the slice anew from the tip
    gap,         ///< a page before it is missing: park
    cancelled,   ///< the slice was cancelled: acknowledge, Redis forgets the slice
    stuck,       ///< the slice is stuck, or became so by this page (cycle): the same
    unknown,     ///< the catalogue does not know the slice: park, compare instances
    unstorable,  ///< the database refuses its rows for their own sake (`reason`): commit it again as a dead letter
};
[[nodiscard]] std::string_view to_string(Verdict verdict);

/// A page with its rows, ready to be stored.
struct PageCommit {
    core::Job job;
    core::PageRows rows;                     ///< emits empty for pages without a body
    std::optional<std::string> dead_reason;  ///< set: goes to the dead letters, and the tip moves past it
};

struct PageResult {
    Verdict verdict = Verdict::committed;
    std::string reason;
    struct Counts {
        std::int64_t read = 0, inserted = 0, updated = 0, same = 0, stale = 0, duplicate = 0, rejected = 0, deleted = 0;

        Counts& operator+=(const Counts& more);
    };
    std::vector<Counts> emits;               ///< one per emit, when committed
};

/// Port: where pages become steps that hold. One transaction moves the tips and stores everything that belongs to the pages.
class PageStore {
  public:
    virtual ~PageStore() = default;
    /// Stores a batch: pages of one source, those of one slice in order and without gaps. Results in the order given.
    /// Pages that do not come next change nothing. Throws core::TransientError when the world is not ready; after a commit
    /// in doubt it finds out by itself, by running the same statement again. `writer` picks the connection (0 … writers-1).
    virtual core::Task<std::vector<PageResult>> commit(int writer, std::shared_ptr<const core::SourceFile> source,
                                                       std::shared_ptr<std::vector<PageCommit>> batch) = 0;
};

}  // namespace pawl::storage
