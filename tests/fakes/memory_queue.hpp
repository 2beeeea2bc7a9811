#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "queue/frontiers.hpp"
#include "queue/page_queue.hpp"
#include "queue/quota.hpp"

namespace pawl::test {

/// What the queue of one source holds, in memory: the adapters below share it as processes share a
/// Redis. It passes the contract of the real one (tests/queue); TIME is the clock's. For tests and
/// simulation, not bounded in what it scans.
class MemoryQueue {
  public:
    struct Queued {
        int shard = 0;
        std::string entry;
        std::int64_t bytes = 0;
        core::Link link;
    };
    struct Slice {
        std::int64_t seq = 0, ack = 0, turn = 0, expiry = 0;
        core::Link link;
        std::optional<std::string> cursor;
        bool done = false, waits = false;
        std::optional<core::Nonce> nonce;
        std::string owner;
        int attempts = 0;
        core::SliceDescriptor descriptor;
    };
    struct Ledger {
        std::string name, owner;
        std::int64_t count = 0, period = 0, burst = 1, concurrency = 0;
        queue::Pace pace = queue::Pace::sliding;
        bool kept = false;  ///< granted or blocked once: view() tells of it
        bool assumed = false, known = false, wanted = false;
        std::int64_t used = 0, blind = 0, dead = 0, dead_us = 0, late = 0, late_us = 0, slack = 0, silent = 0, probe = 0, blocked = 0;
        std::int64_t window = 0, lapsed = 0, last_used = 0, last_limit = 0;
        std::optional<std::int64_t> limit, reset, seen, tat, since;
        std::optional<std::int64_t> rate, slots, wall, halved, grown;  ///< learned; thousandths
        std::optional<double> quick;
        std::map<std::string, std::pair<std::int64_t, std::int64_t>> spent;  ///< by stream: window, units
        struct Flight {
            std::int64_t deadline = 0, cost = 1;
            std::string slot;
        };
        std::map<std::string, Flight> flight;  ///< by reservation; deadline in µs
    };
    struct Room {
        std::int64_t bytes = 0, deadline = 0;
        std::string slot;
    };
    using EntryId = std::pair<std::int64_t, std::int64_t>;
    [[nodiscard]] static EntryId parse_entry(const std::string& entry);  ///< "": before all
    struct Held {
        std::optional<queue::Frontiers::Instance> instance;
        std::optional<std::int64_t> quiet_us;
        std::map<core::SliceId, Slice> slices;
        std::map<core::SliceId, std::map<core::Link, Queued>>
            chains;  ///< by the link of the page before
        std::array<std::map<EntryId, queue::QueuedJob>, queue::shard_count> shards;
        std::array<EntryId, queue::shard_count> last_entry{};
        std::array<std::optional<std::pair<core::Nonce, std::int64_t>>, queue::shard_count> holders;
        std::map<core::Nonce, std::int64_t> workers;
        std::map<core::Link, int> starts;
        std::map<core::SliceId, std::pair<std::int64_t, std::int64_t>>
            ended;  ///< seq of the committed last page, until when (ms) it is known
        std::int64_t bytes = 0, turn = 0, last_us = 0;
        std::map<std::string, Room> rooms;
        std::map<std::pair<std::string, std::string>, Ledger> ledgers;
        std::map<std::string, std::string> quarantine, owners;
        queue::Weights weights;
    };

    /// `queue_bytes_max`: of bodies and envelopes on the queue and reserved for it.
    MemoryQueue(core::Clock& time, core::Random& randomness, std::size_t queue_bytes_max)
        : clock(time), random(randomness), bytes_max(static_cast<std::int64_t>(queue_bytes_max)) {}

    /// Loses everything, as FLUSHALL does. A copy of `held` put back later is a Redis set back to
    /// an older state.
    void wipe() { held = Held(); }

    [[nodiscard]] std::int64_t now_us() const { return clock.now().time_since_epoch().count(); }
    [[nodiscard]] std::int64_t now_ms() const { return now_us() / 1000; }
    [[nodiscard]] std::int64_t jobs() const;
    [[nodiscard]] std::int64_t reserved();
    bool take_off(int shard, const std::string& entry, std::int64_t bytes);
    std::int64_t purge_chain(core::SliceId slice);
    void drop_slice(core::SliceId slice);

    core::Clock& clock;
    core::Random& random;
    std::int64_t bytes_max;
    Held held;
};

class MemoryFrontiers final : public queue::Frontiers {
  public:
    explicit MemoryFrontiers(MemoryQueue& queue) : queue_(queue) {}

    core::Task<std::optional<Instance>> instance() override;
    core::Task<Instance> adopt(core::Token instance, bool override_other, Past past) override;
    core::Task<std::vector<queue::OfferAnswer>> offer(std::vector<queue::Offer> offers) override;
    core::Task<std::vector<queue::Lease>> lease(std::string owner, std::size_t count,
                                                core::Millis ttl, core::SliceClass lowest) override;
    core::Task<std::vector<core::SliceId>> renew(
        std::vector<std::pair<core::SliceId, core::Nonce>> leases, core::Millis ttl) override;
    core::Task<> release(core::SliceId slice, core::Nonce nonce) override;
    core::Task<std::int64_t> reclaim(std::string owner) override;
    core::Task<int> count_attempt(core::SliceId slice, core::Nonce nonce) override;
    core::Task<queue::Advance> advance(core::Job job, core::Nonce nonce, std::string room,
                                       core::Millis ttl) override;
    core::Task<queue::FrontierTotals> totals() override;
    core::Task<std::vector<queue::FrontierView>> view(std::vector<core::SliceId> slices) override;
    core::Task<> forget(std::vector<core::SliceId> slices) override;

  private:
    queue::OfferAnswer offer_one(const queue::Offer& offer);
    queue::Advance advance_now(const core::Job& job, core::Nonce nonce, const std::string& room,
                               core::Millis ttl);

    MemoryQueue& queue_;
};

class MemoryPageQueue final : public queue::PageQueue {
  public:
    explicit MemoryPageQueue(MemoryQueue& queue) : queue_(queue) {}

    core::Task<std::vector<int>> hold_shards(core::Nonce worker, core::Millis ttl) override;
    core::Task<> release_shards(core::Nonce worker) override;
    core::Task<std::vector<queue::QueuedJob>> read(std::map<int, std::string> after,
                                                   std::size_t jobs_max, std::size_t bytes_max,
                                                   core::Millis wait) override;
    core::Task<std::vector<std::string>> oldest(int shard, std::size_t count) override;
    core::Task<std::optional<queue::QueuedJob>> fetch(int shard, std::string entry) override;
    core::Task<std::vector<int>> start(std::vector<core::Link> links) override;
    core::Task<> give_back(std::vector<core::Link> links) override;
    core::Task<> acknowledge(std::vector<queue::Acknowledgement> done) override;
    core::Task<queue::QueueTotals> totals() override;

  private:
    std::vector<queue::QueuedJob> read_now(const std::map<int, std::string>& after,
                                           std::size_t jobs_max, std::size_t bytes_max) const;

    MemoryQueue& queue_;
};

class MemoryQuota final : public queue::Quota {
  public:
    /// `slot`: of the process; "" : none.
    explicit MemoryQuota(MemoryQueue& queue, std::string slot = "") : queue_(queue), slot_(std::move(slot)) {}

    core::Task<std::variant<queue::Granted, queue::Wait>> reserve(std::vector<queue::Payer> payers,
                                                                  std::size_t room_bytes) override;
    core::Task<> settle(queue::Settlement settlement) override;
    core::Task<> quarantine(std::string key, std::string reason) override;
    core::Task<std::map<std::string, std::string>> quarantined() override;
    core::Task<> unquarantine(std::string key) override;
    core::Task<queue::Weights> weights() override;
    core::Task<> set_weight(core::SliceClass slice_class, std::int64_t weight) override;
    core::Task<std::map<std::string, std::string>> owners() override;
    core::Task<> set_owner(std::string fingerprint, std::string owner) override;
    core::Task<std::vector<queue::LimitView>> view() override;

  private:
    MemoryQueue::Ledger& ledger(const queue::LimitAsk& ask);
    std::int64_t in_flight(MemoryQueue::Ledger& ledger) const;
    /// When the limit could grant; nullopt: now. `changed` is what it becomes by granting.
    std::optional<std::int64_t> ask(const queue::LimitAsk& limit, MemoryQueue::Ledger& changed);
    void mend_reset(MemoryQueue::Ledger& ledger) const;
    std::int64_t late(const queue::LimitAsk& limit, const MemoryQueue::Ledger& ledger) const;
    void add_late(const queue::LimitAsk& limit, MemoryQueue::Ledger& ledger, std::int64_t units) const;
    void end_flights_before();
    void note_wanted(std::vector<MemoryQueue::Ledger>& asked);
    void close_window(MemoryQueue::Ledger& ledger) const;
    void settle_told(const queue::LimitAsk& ask, MemoryQueue::Ledger& ledger, bool paid, std::int64_t granted_us,
                     std::int64_t units, const queue::LimitFeedback& told);
    void learn(const queue::LimitAsk& ask, MemoryQueue::Ledger& ledger, const queue::Settlement& settlement,
               std::int64_t flying_before) const;

    MemoryQueue& queue_;
    std::string slot_;
    bool has_asked_ = false;
};

}  // namespace pawl::test
