#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/outcome.hpp"
#include "core/task.hpp"

namespace pawl::storage {

/// How far one stream is, from counters kept in the transactions that move tips: no COUNT(*) over large tables.
struct StreamProgress {
    std::string source, stream;
    std::int64_t partitions = 0, partitions_due = 0;
    std::int64_t slices_open = 0;
    std::map<std::string, std::int64_t> slices_by_outcome;  ///< finished ones; words of core::Outcome
    std::int64_t pages = 0, records = 0, inserted = 0, updated = 0, rejected = 0;
    std::int64_t dead_letters = 0;                          ///< now, not replayed or dropped
    std::optional<core::WallTime> last_commit;
};

struct TableProgress {
    std::string source, table;
    std::int64_t rows = 0;  ///< inserted - deleted, by the ledger
};

/// A page that a person should look at.
struct Problem {
    std::string source, stream, part;
    core::Outcome outcome = core::Outcome::failed;
    std::string reason;
    std::int64_t count = 1;
};

class Progress {
  public:
    virtual ~Progress() = default;
    virtual core::Task<std::vector<StreamProgress>> streams(std::string source) = 0;   ///< "" : all sources
    virtual core::Task<std::vector<TableProgress>> tables(std::string source) = 0;
    virtual core::Task<std::vector<Problem>> problems(std::string source, std::size_t limit) = 0;
};

}  // namespace pawl::storage
