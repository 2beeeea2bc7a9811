#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/task.hpp"

namespace pawl::queue {

/// How a limit's budget comes back.
enum class Pace : std::uint8_t {
    sliding,  ///< at most `count` in any period: evenly spaced (GCRA), but for `burst`
    bucket,   ///< `count` flow in per period, at most `burst` are kept
    fixed,    ///< `count` until `ends_us`, then again
    told,     ///< the API tells remaining and reset: its window is spent, at any pace
};

/// One limit as it applies to one request of one owner (or of the source as a whole).
struct LimitAsk {
    std::string name;               ///< "core"
    std::string owner;              ///< alias of the account; "" for a limit per source
    std::int64_t count = 0;         ///< units per period, reserve already taken off; 0: no rate here
    std::int64_t period_us = 0;
    std::int64_t burst = 1;         ///< sliding, bucket: units at once
    std::int64_t concurrency = 0;   ///< requests in flight; 0: no bound here
    std::int64_t cost = 1;          ///< units that the request takes
    Pace pace = Pace::sliding;
    /// fixed: ends of a window and of the next one, on Redis's clock; the first of them is not over for longer than the guard.
    std::int64_t ends_us = 0, next_ends_us = 0;

    /// fixed: so long before and after the end of a window nobody asks, since the API's clock is not ours. sliding: so much
    /// longer than its period a window is kept, since requests arrive less evenly than they were granted. At most 1 s, and at
    /// most half a percent of the window in all.
    [[nodiscard]] std::int64_t guard_us() const { return std::min<std::int64_t>(1'000'000, period_us / 400); }
    /// bucket: units that go at once. What flows in within 80 ms, but at most half of the burst, is left for requests that
    /// arrive later than others that were granted after them.
    [[nodiscard]] std::int64_t burst_used() const {
        if (pace != Pace::bucket || period_us <= 0) return burst;
        constexpr double late_us = 80'000;  // two collectors on a machine that is busy
        const auto flows = std::ceil(late_us * static_cast<double>(count) / static_cast<double>(period_us));
        return burst - std::min(burst / 2, static_cast<std::int64_t>(flows));
    }
    double reserve = 0;             ///< share left unused; taken off the limits that the API tells, as it is off `count`
};

/// An account that could pay for a request, with all limits that match it.
struct Payer {
    std::string owner;              ///< alias, never the key; "" when the request needs no credentials
    std::vector<LimitAsk> limits;
};

struct Granted {
    std::string reservation;        ///< random id: settles quota, and pays for the page's room in Frontiers::advance
    std::size_t payer = 0;          ///< index into the payers asked about
    std::int64_t at_us = 0;         ///< Redis TIME, microseconds; strictly increasing per source: the version of the page's rows
    core::Millis deadline{0};       ///< do not send later than this from now
};

struct Wait {
    core::Millis retry_in{0};
    std::string reason;             ///< name of the limit that binds, "room" for a full queue
    std::string owner;
};

/// What a response said about one limit. Absent: not told.
struct LimitFeedback {
    std::string name, owner;
    std::optional<std::int64_t> limit, remaining;
    std::optional<std::int64_t> reset_at_us;  ///< on Redis's clock
};

struct Settlement {
    std::string reservation;
    std::vector<LimitAsk> limits;        ///< those of the granted payer
    std::vector<LimitFeedback> feedback;
    bool refund = false;                 ///< the response cost nothing, or the request was never sent
    bool release_room = false;           ///< no page will follow for this reservation
    std::optional<core::Millis> block;   ///< the API refused: nobody asks for this owner's limits (those in `limits`) so long
};

/// State of one limit of one owner, for status and metrics.
struct LimitView {
    std::string name, owner;
    std::int64_t limit = 0, used = 0, remaining = 0;
    double reset_seconds = 0;            ///< until the window ends or, blocked, until the block does
    std::int64_t in_flight = 0;
    bool blocked = false;
};

/// Port: one source's quota ledger in Redis, shared by all processes and hosts. Fails closed: no Redis, no request.
/// Throws core::TransientError as queue/frontiers.hpp says.
class Quota {
  public:
    virtual ~Quota() = default;
    /// In one step: room for `room_bytes` on the queue (0: none wanted) and one request in all limits of the first payer
    /// that grants; payers are tried in order. Entries carry a deadline, so a killed collector leaks nothing for long.
    virtual core::Task<std::variant<Granted, Wait>> reserve(std::vector<Payer> payers, std::size_t room_bytes) = 0;
    virtual core::Task<> settle(Settlement settlement) = 0;
    /// Accounts refused by the API (401 …): shared by all processes, until `unquarantine`.
    virtual core::Task<> quarantine(std::string owner, std::string reason) = 0;
    virtual core::Task<std::vector<std::string>> quarantined() = 0;
    virtual core::Task<> unquarantine(std::string owner) = 0;
    virtual core::Task<std::vector<LimitView>> view() = 0;
};

}  // namespace pawl::queue
