#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/source_file.hpp"
#include "core/task.hpp"

namespace pawl::storage {

/// Slices of one stream that are to be walked, and what is known of the requests they take.
struct SliceSum {
    std::int64_t slices = 0;
    std::int64_t told = 0;           ///< of them: those for which `expect` says how many requests they take
    std::int64_t told_requests = 0;  ///< that those still take
    std::int64_t told_longest = 0;   ///< most that one of those still takes
    std::int64_t untold_pages = 0;   ///< pages that the others have already
};

/// What is left to ask for of one stream, and what its walks took in the past.
struct StreamBacklog {
    std::string stream;
    SliceSum open;     ///< slices that wait or are under way
    SliceSum due;      ///< partitions whose next walk is due
    SliceSum resting;  ///< partitions that a new round would make due; looked for where nothing is open or due
    SliceSum rows;     ///< foreach: table: rows that the next scan makes due
    std::int64_t partitions = 0;  ///< active ones, where they come from the source file: list, or none
    std::int64_t ended_slices = 0, ended_pages = 0;  ///< walks that ended otherwise than cancelled, and their pages
};

struct SourceBacklog {
    std::vector<StreamBacklog> streams;     ///< in the order of the file
    std::optional<double> latency_seconds;  ///< of late, from paying for a request to its body; absent: nothing stored
};

/// Port: what a run would ask for, read before anything is asked.
class Backlog {
  public:
    virtual ~Backlog() = default;
    /// Of these streams (empty: all). `patience`: for each of its questions; 0: as long as they take. Changes nothing.
    /// Throws core::TransientError while Postgres is away or takes longer.
    virtual core::Task<SourceBacklog> backlog(std::shared_ptr<const core::SourceFile> source,
                                              std::vector<std::string> streams, core::Millis patience) = 0;
};

}  // namespace pawl::storage
