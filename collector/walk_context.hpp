#pragma once

#include <map>
#include <memory>
#include <string>

#include "collector/accounts.hpp"
#include "collector/cost_memory.hpp"
#include "collector/http.hpp"
#include "collector/room_estimate.hpp"
#include "collector/tokens.hpp"
#include "collector/turnstile.hpp"
#include "collector/wait_log.hpp"
#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/source_file.hpp"
#include "core/telemetry.hpp"
#include "queue/frontiers.hpp"
#include "queue/quota.hpp"
#include "storage/catalogue.hpp"

namespace pawl::collector {

/// Everything a collector talks to. Outlives it.
struct CollectorPorts {
    queue::Frontiers& frontiers;
    queue::Quota& quota;
    storage::Catalogue& catalogue;  ///< validators only; it may be away
    Http& http;
    core::Clock& clock;
    core::Random& random;
    core::Offload& offload;
    core::Telemetry& telemetry;
};

struct CollectorOptions {
    std::string
        owner;  ///< stable slot name of this process: takes its own leases back after a restart
    std::size_t walks_max = 64;  ///< slices walked at once; a quarter more where live ones come while others are walked
    core::Millis lease{30'000};  ///< how long we may be silent before another takes a slice
    core::Millis drain{30'000};  ///< how long a stop waits for pages in hand
    core::Millis connect_timeout{10'000};
    core::Millis request_timeout{60'000};
    std::size_t body_max = 32u << 20;  ///< bytes after decompression
};

/// A lease that this process holds.
struct HeldLease {
    std::string stream;
    core::SliceClass slice_class = core::SliceClass::backfill;
    core::Nonce nonce;
    std::int64_t seq = 0;  ///< of the page that is being asked for
    bool asked = false;    ///< its request was sent, and its page is not on the queue yet
    bool lost = false;     ///< Redis said that it is no longer ours
    core::SteadyTime ours_until;  ///< nobody else can have it before: the last proof was asked for a lease's time earlier
};

/// What the walks of one source in one process share. Used by one thread only.
struct WalkContext {
    WalkContext(CollectorPorts given, CollectorOptions chosen, std::string name,
                std::vector<Account> keys)
        : ports(given),
          options(std::move(chosen)),
          accounts(std::move(keys)),
          waits(name),
          source_name(std::move(name)) {}

    CollectorPorts ports;
    CollectorOptions options;
    Accounts accounts;
    CostMemory costs;
    Turnstile turnstile;
    std::shared_ptr<Tokens> tokens;  ///< null: keys are fixed, and `accounts` has them
    RoomEstimate room;
    WaitLog waits;
    std::string source_name;
    std::map<core::SliceId, HeldLease> held;
    std::int64_t settled = 0;  ///< requests settled: each may have freed a slot
    bool stopping = false;   ///< finish the page in hand, then hand the slice back
    bool abandoned = false;  ///< the time to drain is over: let go of everything
    bool credentials_refused =
        false;  ///< every account is refused: nothing is asked until one is allowed again

    /// Sleeps for `wait` in steps, so that a stop or a lost lease is noticed within a quarter of a
    /// second. False: the walk of `slice` should not go on.
    core::Task<bool> pause(core::SliceId slice, core::Nonce nonce, core::Micros wait);
    [[nodiscard]] bool may_walk(core::SliceId slice, core::Nonce nonce) const;
    /// Whether the slice is ours beyond doubt, and will be until the next renewal. A process that stood still, or whose lease
    /// was long on its way, asks Redis first. False also where Redis does not answer.
    core::Task<bool> is_ours(core::SliceId slice, core::Nonce nonce);
    /// Redis has just confirmed the lease by an answer to what was sent at `asked_at`.
    void note_ours(core::SliceId slice, core::Nonce nonce, core::SteadyTime asked_at);
    void note_lost(core::SliceId slice, core::Nonce nonce);
    /// nullptr when this process does not hold the slice under that nonce.
    [[nodiscard]] HeldLease* find(core::SliceId slice, core::Nonce nonce);
    void note_redis_time(std::int64_t at_us);
    /// Redis TIME by the last answer and our own steady clock, microseconds; 0 before the first.
    [[nodiscard]] std::int64_t redis_now_us() const;
    /// Notes whether Redis answers: one line when it goes and one when it comes back.
    void saw_redis(bool answers, const std::string& reason);

  private:
    bool redis_up_ = true;
    std::int64_t redis_us_ = 0;
    core::SteadyTime redis_seen_at_;
};

}  // namespace pawl::collector
