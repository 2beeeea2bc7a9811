// A month of virtual time, for each way in which a budget comes back: an API that counts in the plainest way it can never
// has to refuse, and hardly anything is left unused. The scripts in Redis pass the same contract as the ledger used here.
#include <algorithm>
#include <cstdlib>
#include <map>

#include "core/clock_window.hpp"
#include "core/random.hpp"
#include "tests/fakes/memory_queue.hpp"
#include "tests/queue/plain_apis.hpp"
#include "tests/queue/stepped_clock.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"

namespace pawl::test {

using queue::Granted;
using queue::LimitAsk;
using queue::Pace;

namespace {

constexpr std::int64_t hour = 3600 * std::int64_t{1'000'000}, day = 24 * hour;
/// In full, a month; else its first days, up to the one that is an hour shorter in Los Angeles and two more.
std::int64_t days_tried() {
#ifdef __SANITIZE_ADDRESS__
    return 2;  // ten times as slow there
#else
    return std::getenv("PAWL_TEST_FULL") != nullptr ? 30 : 10;
#endif
}
const std::int64_t days = days_tried(), month = days * day;

struct Outcome {
    std::int64_t units = 0, refused = 0, grants = 0, last_us = 0;
};

/// Asks whenever the ledger lets it, up to `flying_max` requests at once, for `span`. Costs vary from 1 to `cost_max`.
Outcome ask_greedily(LimitAsk ask, Api& api, std::int64_t span, unsigned seed, std::int64_t cost_max = 1,
                     std::int64_t skew_us = 0, const core::Limit* fixed = nullptr) {
    constexpr std::size_t flying_max = 20;
    boost::asio::io_context io;
    core::SeededRandom random{seed};
    SteppedClock clock;
    MemoryQueue held{clock, random, 1u << 20};
    MemoryQuota quota{held};
    std::multimap<std::int64_t, queue::Settlement> flying;  // by when the answer comes
    const auto settle_until = [&](std::int64_t until) {
        while (!flying.empty() && flying.begin()->first <= until) {
            clock.now_us = std::max(clock.now_us, flying.begin()->first);
            run_task(io, quota.settle(flying.begin()->second));
            flying.erase(flying.begin());
        }
        clock.now_us = std::max(clock.now_us, until);
    };
    Outcome outcome;
    while (clock.now_us < begin_us + span) {
        if (flying.size() >= flying_max) settle_until(flying.begin()->first);
        ask.cost = 1 + static_cast<std::int64_t>(random.fraction() * double(cost_max));
        if (fixed != nullptr) {
            const core::WallTime now(core::Micros(clock.now_us - ask.guard_us()));
            const auto end = core::window_end(*fixed, now);
            ask.ends_us = end.time_since_epoch().count();
            ask.next_ends_us = core::window_end(*fixed, end).time_since_epoch().count();
        }
        std::vector<queue::Payer> payers{{"ann", {ask}}};
        const auto answer = run_task(io, quota.reserve(std::move(payers), 0));
        if (const auto* wait = std::get_if<queue::Wait>(&answer)) {
            settle_until(clock.now_us + std::max<std::int64_t>(1'000, wait->retry_in.count() * 1'000));
            continue;
        }
        ++outcome.grants;
        outcome.last_us = clock.now_us;
        if (api.takes(clock.now_us + skew_us, ask.cost)) outcome.units += ask.cost;
        else ++outcome.refused;
        queue::Settlement settled;
        settled.reservation = std::get<Granted>(answer).reservation;
        settled.limits = {ask};
        flying.emplace(clock.now_us + 50'000 + static_cast<std::int64_t>(random.fraction() * 450'000), std::move(settled));
        clock.now_us += 200;
    }
    return outcome;
}

LimitAsk ask_of(Pace pace, std::int64_t count, std::int64_t period, std::int64_t burst) {
    LimitAsk ask;
    ask.name = "core";
    ask.owner = "ann";
    ask.count = count;
    ask.period_us = period;
    ask.burst = burst;
    ask.pace = pace;
    return ask;
}

core::Limit clock_limit(std::int64_t count, core::Micros period, const std::string& zone, bool monthly = false) {
    core::Limit limit;
    limit.count = count;
    limit.period = period;
    limit.algorithm = core::Limit::Algorithm::fixed;
    limit.timezone = zone;
    limit.monthly = monthly;
    return limit;
}

}  // namespace

TEST_CASE("a month under a sliding window: never refused, 99.5 % used", "[quota][month]") {
    const auto burst = GENERATE(1, 3);
    SlidingApi api(500, hour);
    const auto seen = ask_greedily(ask_of(Pace::sliding, 500, hour, burst), api, month, 11);
    CHECK(seen.refused == 0);
    CHECK(double(seen.units) >= 0.995 * 500 * 24 * double(days));
}

TEST_CASE("a month under a token bucket: never refused, 99.5 % used", "[quota][month]") {
    const auto burst = GENERATE(1, 10, 100);
    BucketApi api(500, hour, burst);
    const auto seen = ask_greedily(ask_of(Pace::bucket, 500, hour, burst), api, month, 12);
    CHECK(seen.refused == 0);
    CHECK(double(seen.units) >= 0.995 * 500 * 24 * double(days));
}

TEST_CASE("a month of windows of the clock: never refused, also by a clock that differs, 99.5 % used", "[quota][month]") {
    const auto skew = GENERATE(-900'000, 0, 900'000);
    const auto limit = clock_limit(500, std::chrono::hours(1), "Asia/Kolkata");
    FixedApi api(500, limit);
    const auto seen = ask_greedily(ask_of(Pace::fixed, 500, hour, 1), api, month, 13, 1, skew, &limit);
    CHECK(seen.refused == 0);
    CHECK(double(seen.units) >= 0.995 * 500 * 24 * double(days));
}

TEST_CASE("days of Los Angeles, one of them an hour shorter", "[quota][month]") {
    const auto limit = clock_limit(2'000, std::chrono::hours(24), "America/Los_Angeles");
    FixedApi api(2'000, limit);
    const auto seen = ask_greedily(ask_of(Pace::fixed, 2'000, day, 1), api, month, 14, 1, 0, &limit);
    CHECK(seen.refused == 0);
    CHECK(seen.units == 2'000 * (days + 1));  // they touch one day more of a zone that is behind
}

TEST_CASE("a cap per month is spent once in it", "[quota][month]") {
    const auto limit = clock_limit(5'000, std::chrono::hours(31 * 24), "UTC", true);
    FixedApi api(5'000, limit);
    const auto seen = ask_greedily(ask_of(Pace::fixed, 5'000, 31 * day, 1), api, 40 * day, 15, 1, 0, &limit);
    CHECK(seen.refused == 0);
    CHECK(seen.units == 10'000);  // March and ten days of April
}

TEST_CASE("requests of different cost: never refused, 98 % used", "[quota][month]") {
    const auto seed = GENERATE(21u, 22u, 23u, 24u);
    SECTION("sliding") {
        SlidingApi api(1'000, hour);
        auto ask = ask_of(Pace::sliding, 1'000, hour, 10);
        const auto seen = ask_greedily(ask, api, std::min<std::int64_t>(5, days) * day, seed, 10);
        CHECK(seen.refused == 0);
        CHECK(double(seen.units) >= 0.98 * 1'000 * 24 * double(std::min<std::int64_t>(5, days)));
    }
    SECTION("bucket") {
        BucketApi api(1'000, hour, 30);
        const auto seen = ask_greedily(ask_of(Pace::bucket, 1'000, hour, 30), api, std::min<std::int64_t>(5, days) * day, seed, 10);
        CHECK(seen.refused == 0);
        CHECK(double(seen.units) >= 0.98 * 1'000 * 24 * double(std::min<std::int64_t>(5, days)));
    }
    SECTION("fixed") {
        const auto limit = clock_limit(1'000, std::chrono::hours(1), "UTC");
        FixedApi api(1'000, limit);
        const auto seen = ask_greedily(ask_of(Pace::fixed, 1'000, hour, 1), api, std::min<std::int64_t>(5, days) * day, seed, 10, 0, &limit);
        CHECK(seen.refused == 0);
        CHECK(double(seen.units) >= 0.98 * 1'000 * 24 * double(std::min<std::int64_t>(5, days)));
    }
}

}  // namespace pawl::test
