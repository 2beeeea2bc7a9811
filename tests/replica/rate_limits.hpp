#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace pawl::replica {

/// Microseconds since the epoch.
using Time = std::int64_t;
inline constexpr Time second = 1'000'000;

struct RateLimitOptions {
    std::int64_t limit = 5'000;  ///< requests per window and owner. GitHub REST: 5,000 an hour
    std::int64_t anonymous_limit = 60;  ///< for all requests without a token together
    Time window = 3'600 * second;
    std::int64_t concurrent_max =
        100;  ///< GitHub's secondary limit: requests at once of one owner; 0: none
    std::int64_t per_minute_max =
        900;  ///< GitHub's secondary limit: REST points a minute of one owner; 0: none
    Time retry_after = 60 * second;  ///< told when a secondary limit refuses
};

/// What one owner is allowed: a fixed window that starts with the first request after the last one
/// ended, and GitHub's secondary limits. Counts what was used, what was refused, and what was
/// broken. Takes the time as an argument; owns no clock.
class RateLimits {
  public:
    enum class [[nodiscard]] Verdict : std::uint8_t{granted, exhausted, too_many_at_once,
                                                    too_many_a_minute};
    struct Standing {  ///< the numbers of the x-ratelimit headers
        std::int64_t limit = 0, used = 0, remaining = 0;
        std::int64_t reset = 0;  ///< epoch seconds, rounded up: at that time the window has ended
    };
    struct Window {
        Time start = 0, end = 0;
        std::int64_t used = 0, refused = 0;
    };
    struct Account {
        std::int64_t limit = 0;
        Window window;                 ///< the present one; end 0: none yet
        std::vector<Window> past;      ///< the last 10,000
        std::deque<Time> last_minute;  ///< arrivals, refused ones too
        std::int64_t in_flight = 0, in_flight_max = 0, used_max = 0;
        std::int64_t requests = 0, charged = 0, free = 0;
        std::int64_t exhausted = 0, too_many_at_once = 0,
                     too_many_a_minute = 0;  ///< refusals: each is a violation
    };

    explicit RateLimits(RateLimitOptions options) : options_(options) {}

    /// Counts a request that arrives. Granted ones cost one request of the window at once; `refund`
    /// gives it back. Every call is paired with one `finish`.
    Verdict begin(const std::string& owner, Time now);
    /// The response costs nothing (304).
    void refund(const std::string& owner);
    void finish(const std::string& owner);
    /// The numbers as they are, without a request.
    [[nodiscard]] Standing standing(const std::string& owner, Time now);

    [[nodiscard]] const std::map<std::string, Account>& accounts() const { return accounts_; }
    [[nodiscard]] const RateLimitOptions& options() const { return options_; }
    /// Forgets all counts and windows; requests in flight are kept.
    void reset();

    static inline const std::string anonymous = "anonymous";

  private:
    Account& account(const std::string& owner, Time now);

    RateLimitOptions options_;
    std::map<std::string, Account> accounts_;
};

}  // namespace pawl::replica
