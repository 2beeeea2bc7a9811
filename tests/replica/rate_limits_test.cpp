#include "tests/replica/rate_limits.hpp"

#include "tests/support/catch.hpp"

using namespace pawl::replica;
using Verdict = RateLimits::Verdict;

namespace {

RateLimitOptions small() { return {3, 1, 10 * second, 0, 0, 60 * second}; }

Verdict ask(RateLimits& limits, const std::string& owner, Time now) {
    auto verdict = limits.begin(owner, now);
    limits.finish(owner);
    return verdict;
}

}  // namespace

TEST_CASE("a window grants its limit, refuses more, and the next request after it opens a new one",
          "[replica]") {
    RateLimits limits(small());
    for (int i = 0; i < 3; ++i) CHECK(ask(limits, "alice", 100 * second + i) == Verdict::granted);
    CHECK(ask(limits, "alice", 110 * second - 1) == Verdict::exhausted);
    CHECK(ask(limits, "bob", 109 * second) == Verdict::granted);
    CHECK(ask(limits, "alice", 125 * second) == Verdict::granted);
    auto standing = limits.standing("alice", 126 * second);
    CHECK(standing.used == 1);
    CHECK(standing.remaining == 2);
    CHECK(standing.reset == 135);
    const auto& account = limits.accounts().at("alice");
    REQUIRE(account.past.size() == 1);
    CHECK(account.past[0].used == 3);
    CHECK(account.past[0].refused == 1);
    CHECK(account.exhausted == 1);
}

TEST_CASE("the reset told is never before the window's end", "[replica]") {
    RateLimits limits(small());
    CHECK(ask(limits, "alice", 100 * second + 1) == Verdict::granted);
    CHECK(limits.standing("alice", 101 * second).reset == 111);
}

TEST_CASE("a refunded request leaves its place to another", "[replica]") {
    RateLimits limits(small());
    for (int i = 0; i < 10; ++i) {
        CHECK(ask(limits, "alice", 1) == Verdict::granted);
        limits.refund("alice");
    }
    CHECK(limits.standing("alice", 1).remaining == 3);
    CHECK(limits.accounts().at("alice").free == 10);
}

TEST_CASE("requests without a token share a budget of their own", "[replica]") {
    RateLimits limits(small());
    CHECK(ask(limits, RateLimits::anonymous, 1) == Verdict::granted);
    CHECK(ask(limits, RateLimits::anonymous, 2) == Verdict::exhausted);
}

TEST_CASE("more requests at once than allowed are refused without a charge", "[replica]") {
    auto options = small();
    options.concurrent_max = 2;
    RateLimits limits(options);
    CHECK(limits.begin("alice", 1) == Verdict::granted);
    CHECK(limits.begin("alice", 1) == Verdict::granted);
    CHECK(limits.begin("alice", 1) == Verdict::too_many_at_once);
    for (int i = 0; i < 3; ++i) limits.finish("alice");
    CHECK(limits.standing("alice", 1).used == 2);
    CHECK(ask(limits, "alice", 2) == Verdict::granted);
    CHECK(limits.accounts().at("alice").in_flight_max == 3);
}

TEST_CASE("more requests a minute than allowed are refused until the minute has passed",
          "[replica]") {
    auto options = small();
    options.limit = 1'000;
    options.per_minute_max = 5;
    RateLimits limits(options);
    for (int i = 0; i < 5; ++i) CHECK(ask(limits, "alice", i * second) == Verdict::granted);
    CHECK(ask(limits, "alice", 10 * second) == Verdict::too_many_a_minute);
    CHECK(ask(limits, "alice", 71 * second) == Verdict::granted);
}

TEST_CASE("a reset forgets counts and windows but not what is in flight", "[replica]") {
    RateLimits limits(small());
    CHECK(limits.begin("alice", 1) == Verdict::granted);
    limits.reset();
    CHECK(limits.accounts().at("alice").requests == 0);
    limits.finish("alice");
    CHECK(limits.accounts().at("alice").in_flight == 0);
}
