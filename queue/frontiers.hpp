#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/identity.hpp"
#include "core/job.hpp"
#include "core/task.hpp"

namespace pawl::queue {

/// What offering a slice found (protocol steps 1 and 6). Offering is idempotent and repairs: it is also SEED.
enum class [[nodiscard]] OfferAnswer : std::uint8_t {
    offered,   ///< it was unknown here: frontier written from the tip, now waiting for a collector
    waiting,   ///< it already waits, its frontier is at the tip
    leased,    ///< a collector holds it; nothing was changed
    chained,   ///< a queued page continues the tip: a worker will come to it; nothing was changed
    same,      ///< frontier at the tip but neither waiting nor leased: made to wait again
    reseeded,  ///< the frontier was ahead, behind or done with nothing queued to show for it: the dead branch was purged
               ///< from the queue and the frontier written anew from the tip, lease revoked
    behind,    ///< the tip given is older than one already acknowledged here: read it again (unless `force`)
};
[[nodiscard]] std::string_view to_string(OfferAnswer answer);

struct Offer {
    core::SliceDescriptor slice;
    core::Tip tip;
    bool force = false;  ///< believe this tip even where a later one was acknowledged (Postgres was set back)
};

/// The right to walk a slice for a while, and where to go on.
struct Lease {
    core::SliceDescriptor slice;
    core::Nonce nonce;
    std::int64_t seq = 0;               ///< last page on the queue; the next is seq + 1
    core::Link link;                    ///< of that page (genesis at seq 0)
    std::optional<std::string> cursor;  ///< asks for the next page; nullopt: the first request
    int attempts = 0;                   ///< failed fetches of that next page so far
    bool lapsed = false;                ///< another collector held it before and did not finish: its request may be repeated
};

enum class [[nodiscard]] Advance : std::uint8_t {
    ok,
    duplicate,  ///< this very page was already accepted (a lost reply): go on
    fenced,     ///< another collector holds the slice, or the frontier was written anew: drop it
    full,       ///< the queue is over its bound: hold the page, renew, try again
};
[[nodiscard]] std::string_view to_string(Advance answer);

/// How far a slice is in Redis, for `verify` and `status`.
struct FrontierView {
    core::SliceId slice = 0;
    std::int64_t seq = 0;
    core::Link link;
    bool done = false, leased = false;
    std::int64_t chained = 0;  ///< entries in its index of queued pages
};

struct FrontierTotals {
    std::int64_t offered_live = 0, offered_backfill = 0, leased = 0;
};

/// Port: slice offers, leases and frontiers of one source in Redis. Every call is one script, hence atomic.
/// All throw core::TransientError when Redis cannot be reached or refuses for now (`outcome_unknown` when the reply was lost).
/// Times are Redis TIME; `ttl` is how long a lease lasts without a sign of life.
class Frontiers {
  public:
    virtual ~Frontiers() = default;

    struct Instance {
        core::Token instance;  ///< of the Postgres catalogue this Redis works for
        core::Token epoch;     ///< drawn anew each time the source's keys are found missing
    };
    /// What is known of the time before this Redis: none where nothing was ever asked for this source, so that its budgets
    /// begin full; else they begin empty.
    enum class Past : std::uint8_t { unknown, none };
    /// What the source's keys belong to; nullopt when Redis holds none (new or wiped).
    virtual core::Task<std::optional<Instance>> instance() = 0;
    /// Marks this Redis as belonging to `instance` with a new random epoch, unless it is marked already; returns what holds.
    virtual core::Task<Instance> adopt(core::Token instance, bool override_other, Past past = Past::unknown) = 0;

    /// Offers up to 500 slices in one call; answers in order.
    virtual core::Task<std::vector<OfferAnswer>> offer(std::vector<Offer> offers) = 0;
    /// Leases up to `count` slices for `owner`, highest class first: lapsed leases, then offers.
    virtual core::Task<std::vector<Lease>> lease(std::string owner, std::size_t count, core::Millis ttl) = 0;
    /// Extends leases; returns those that are no longer ours.
    virtual core::Task<std::vector<core::SliceId>> renew(std::vector<std::pair<core::SliceId, core::Nonce>> leases, core::Millis ttl) = 0;
    /// Hands a slice back unfinished (stopping): it waits again at once.
    virtual core::Task<> release(core::SliceId slice, core::Nonce nonce) = 0;
    /// After a restart: what `owner` held is free at once, without waiting for the leases to lapse. Returns how many.
    virtual core::Task<std::int64_t> reclaim(std::string owner) = 0;
    /// Counts a failed fetch of the slice's next page; returns the count so far. Survives the collector.
    virtual core::Task<int> count_attempt(core::SliceId slice, core::Nonce nonce) = 0;

    /// APPEND: checks nonce, sequence number and link, puts the job on the page queue, moves the frontier and renews the
    /// lease, all or nothing. `room` is the reservation (Quota::reserve) whose room this page uses up; "" : none.
    virtual core::Task<Advance> advance(core::Job job, core::Nonce nonce, std::string room, core::Millis ttl) = 0;

    virtual core::Task<FrontierTotals> totals() = 0;
    /// Frontiers of these slices, in order; seq -1 where Redis knows none.
    virtual core::Task<std::vector<FrontierView>> view(std::vector<core::SliceId> slices) = 0;
    /// Forgets a cancelled slice: its offer, frontier and queued pages.
    virtual core::Task<> forget(std::vector<core::SliceId> slices) = 0;
};

}  // namespace pawl::queue
