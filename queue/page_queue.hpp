#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/job.hpp"
#include "core/task.hpp"

namespace pawl::queue {

inline constexpr int shard_count = 16;  // fixed at creation: a slice's pages stay on one shard, in order
[[nodiscard]] constexpr int shard_of(core::SliceId slice) { return static_cast<int>(slice % shard_count); }

/// Order of two entry ids ("1692000000000-0"); "" is before all. Ids are compared as numbers, not as text.
[[nodiscard]] bool entry_before(const std::string& a, const std::string& b);

/// A job as it lies on the queue.
struct QueuedJob {
    int shard = 0;
    std::string entry;      ///< Redis entry id "1692000000000-0"
    std::string envelope;   ///< core::Job::decode makes a job of these two
    std::string body;
};

/// One entry to take off the queue, after the transaction that dealt with it has committed.
struct Acknowledgement {
    int shard = 0;
    std::string entry;
    core::SliceId slice = 0;
    std::int64_t seq = 0;
    core::Link link, previous;
    std::size_t bytes = 0;      ///< body + envelope, as counted by advance
    bool committed = true;      ///< false: superseded, fork, cancelled …: the slice's acknowledged seq does not move
    bool ended = false;         ///< the slice is finished, by this page where it is committed: its frontier is forgotten
};

struct QueueTotals {
    std::int64_t jobs = 0, bytes = 0, bytes_reserved = 0;
    double oldest_seconds = 0;
};

/// Port: the worker's side of the page queue of one source. Entries stay until they are acknowledged; a worker that takes
/// over a shard reads it from the start, so whatever a dead worker held comes again by the ordinary path.
/// All throw core::TransientError as queue/frontiers.hpp says. Acknowledging works while Redis refuses writes for memory.
class PageQueue {
  public:
    virtual ~PageQueue() = default;

    /// Renews this worker's shards and takes free ones up to its fair share among live workers; gives surplus ones back.
    /// Returns the shards held. `worker` is a random nonce drawn at start.
    virtual core::Task<std::vector<int>> hold_shards(core::Nonce worker, core::Millis ttl) = 0;
    virtual core::Task<> release_shards(core::Nonce worker) = 0;
    /// Entries behind `after` (shard → entry id; "" : from the start) of these shards, at most `jobs_max` and about
    /// `bytes_max` in all; waits up to `wait` when there are none. One connection of its own, so that waiting blocks no one.
    virtual core::Task<std::vector<QueuedJob>> read(std::map<int, std::string> after, std::size_t jobs_max,
                                                    std::size_t bytes_max, core::Millis wait) = 0;
    /// Ids of the oldest entries of a shard, at most `count`: to find what a worker never saw.
    virtual core::Task<std::vector<std::string>> oldest(int shard, std::size_t count) = 0;
    /// One entry by id; nullopt when it is gone.
    virtual core::Task<std::optional<QueuedJob>> fetch(int shard, std::string entry) = 0;

    /// Poison counting: notes that work on these pages starts. Returns, in order, how many starts before this one had no end.
    virtual core::Task<std::vector<int>> start(std::vector<core::Link> links) = 0;
    /// The start had an end that was not the page's fault (database down, shutdown): the count is taken back.
    virtual core::Task<> give_back(std::vector<core::Link> links) = 0;
    /// Takes entries off the queue, with their index entries and start counts.
    virtual core::Task<> acknowledge(std::vector<Acknowledgement> done) = 0;

    virtual core::Task<QueueTotals> totals() = 0;
};

}  // namespace pawl::queue
