#pragma once

#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/identity.hpp"
#include "core/source_file.hpp"
#include "core/task.hpp"

namespace pawl::storage {

/// What Redis said of an open slice, read before Postgres. Taken from queue::FrontierView by the caller (storage and queue
/// do not know each other).
struct FrontierFact {
    core::SliceId slice = 0;
    std::int64_t seq = -1;      ///< -1: Redis knows nothing of it (it will be asked again from the tip)
    std::int64_t queued = 0;
};

struct Finding {
    bool explained = false;     ///< true: told, but no reason for exit code 4
    std::string where;          ///< "github.stargazers slice 4711 page 3", "table github.stargazer"
    std::string text;           ///< what was expected, what was found, why it may be
};

struct VerifyReport {
    std::int64_t slices = 0, pages = 0, records = 0, tables = 0, dead_letters = 0;
    std::vector<Finding> findings;  ///< at most 1,000; `findings_left_out` tells the rest
    std::int64_t findings_left_out = 0;
    [[nodiscard]] bool clean() const;  ///< no unexplained finding
};

/// Walks every slice's chain of links in the ledger, balances records per page, compares tables with the ledger, and open
/// slices with what Redis holds. Reads the primary in one REPEATABLE READ snapshot.
class Verifier {
  public:
    virtual ~Verifier() = default;
    /// Ids of open slices, to ask Redis about first.
    virtual core::Task<std::vector<core::SliceId>> open_slices(std::string source, std::size_t limit) = 0;
    virtual core::Task<VerifyReport> verify(std::shared_ptr<const core::SourceFile> source, std::string stream,
                                            std::vector<FrontierFact> frontiers) = 0;
};

}  // namespace pawl::storage
