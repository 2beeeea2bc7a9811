#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/job.hpp"
#include "queue/page_queue.hpp"

namespace pawl::worker {

/// A job that this worker has taken from a shard and not yet acknowledged.
struct HeldJob {
    int shard = 0;
    std::string entry;
    core::Job job;
    std::size_t queue_bytes = 0;  ///< envelope and body, as the queue counts them
    bool alone = false;           ///< in quarantine: work on it in a batch of its own
    int unknown_seen = 0;         ///< how often the catalogue did not know its slice
};
using HeldJobPtr = std::shared_ptr<HeldJob>;

struct BatchBounds {
    std::size_t pages = 64;
    std::size_t bytes = 4u << 20;  ///< of bodies before compression
};

/// What one worker holds: jobs ready for a writer, jobs in work, jobs parked behind a gap. Pure bookkeeping, no I/O.
/// A slice's pages lie on one shard and a shard belongs to one writer, so pages of a slice meet in one inbox, in order.
class Hand {
  public:
    Hand(int writers, std::size_t jobs_max, std::size_t bytes_max);

    [[nodiscard]] int writer_of(int shard) const { return shard % static_cast<int>(inboxes_.size()); }
    [[nodiscard]] bool holds(int shard, const std::string& entry) const;
    /// False for an entry that is held already.
    bool take(HeldJobPtr job);
    /// Room for more, in jobs and in bytes on the queue.
    [[nodiscard]] std::size_t jobs_free() const;
    [[nodiscard]] std::size_t bytes_free() const;
    [[nodiscard]] bool has_work(int writer) const { return !inboxes_[static_cast<std::size_t>(writer)].empty(); }
    [[nodiscard]] bool batch_is_full(int writer, const BatchBounds& bounds) const;
    /// The next batch: in the order of arrival, a quarantined job alone; at least one job when there is work.
    [[nodiscard]] std::vector<HeldJobPtr> next_batch(int writer, const BatchBounds& bounds);
    /// Work on it did not end (database away): first in line again.
    void put_back(int writer, const std::vector<HeldJobPtr>& jobs);
    /// A page before it is missing: it waits aside. False when too much is parked: then it is let go and stays on its shard.
    bool park(const HeldJobPtr& job);
    /// Parked jobs of this slice are tried again (its tip has moved).
    void unpark(core::SliceId slice);
    [[nodiscard]] std::vector<HeldJobPtr> parked() const;
    /// Acknowledged, or not ours to hold any more.
    void let_go(const HeldJobPtr& job);
    /// Jobs of these shards that no writer has begun are let go (the shard was lost, or we stop).
    void drop_waiting(const std::set<int>& shards);

    [[nodiscard]] bool empty() const { return held_.empty(); }
    [[nodiscard]] std::size_t parked_count() const { return parked_count_; }

  private:
    using Place = std::pair<int, std::string>;

    std::size_t jobs_max_, bytes_max_;
    std::size_t bytes_ = 0;
    std::set<Place> held_;
    std::vector<std::deque<HeldJobPtr>> inboxes_;
    std::map<core::SliceId, std::map<std::int64_t, std::vector<HeldJobPtr>>> parked_;
    std::size_t parked_count_ = 0;
};

}  // namespace pawl::worker
