#include "core/clock_window.hpp"

#include "core/instant.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;
using namespace std::chrono_literals;

namespace {

WallTime at(const std::string& text) {
    const auto us = parse_instant(text);
    REQUIRE(us);
    return WallTime(Micros(*us));
}

Limit limit_of(Micros period, const std::string& zone = "UTC") {
    Limit limit;
    limit.algorithm = Limit::Algorithm::fixed;
    limit.period = period;
    limit.timezone = zone;
    return limit;
}

}  // namespace

TEST_CASE("a window of a day ends at midnight of its zone", "[clock_window]") {
    const auto limit = limit_of(24h, "America/Los_Angeles");
    CHECK(window_end(limit, at("2026-11-26T12:00:00Z")) == at("2026-11-27T08:00:00Z"));
    CHECK(window_end(limit, at("2026-11-27T07:59:59.999999Z")) == at("2026-11-27T08:00:00Z"));
    CHECK(window_end(limit, at("2026-11-27T08:00:00Z")) == at("2026-11-28T08:00:00Z"));
    CHECK(window_end(limit, at("2026-03-08T09:00:00Z")) == at("2026-03-09T07:00:00Z"));   // a day of 23 hours
    CHECK(window_end(limit, at("2026-11-01T08:00:00Z")) == at("2026-11-02T08:00:00Z"));   // and one of 25
    CHECK(window_end(limit_of(24h, "Asia/Kolkata"), at("2026-11-26T18:29:00Z")) == at("2026-11-26T18:30:00Z"));
}

TEST_CASE("shorter windows follow the clock from midnight on", "[clock_window]") {
    CHECK(window_end(limit_of(15min), at("2026-11-26T12:07:30Z")) == at("2026-11-26T12:15:00Z"));
    CHECK(window_end(limit_of(1s), at("2026-11-26T12:07:30.5Z")) == at("2026-11-26T12:07:31Z"));
    CHECK(window_end(limit_of(6h, "Asia/Seoul"), at("2026-11-26T12:00:00Z")) == at("2026-11-26T15:00:00Z"));
}

TEST_CASE("a month ends with its last day, whatever its length", "[clock_window]") {
    auto limit = limit_of(31 * 24h);
    limit.monthly = true;
    CHECK(window_end(limit, at("2028-02-29T23:59:59Z")) == at("2028-03-01T00:00:00Z"));
    CHECK(window_end(limit, at("2026-12-31T12:00:00Z")) == at("2027-01-01T00:00:00Z"));
    CHECK(window_end(limit, at("2027-01-01T00:00:00Z")) == at("2027-02-01T00:00:00Z"));
    limit.timezone = "America/Los_Angeles";
    CHECK(window_end(limit, at("2026-12-01T07:00:00Z")) == at("2026-12-01T08:00:00Z"));
}

TEST_CASE("windows follow each other without end, clock changes included", "[clock_window]") {
    for (const auto period : {Micros(1h), Micros(12h), Micros(24h), Micros(30min)}) {
        const auto limit = limit_of(period, "America/Los_Angeles");
        auto now = at("2026-01-01T00:00:00Z");
        const auto year_after = now + 365 * 24h;
        int windows = 0;
        while (now < year_after) {
            const auto end = window_end(limit, now);
            REQUIRE(end > now);
            REQUIRE(end - now <= period + 1h);
            now = end;
            ++windows;
        }
        const auto expected = 365 * (Micros(24h) / period);
        CHECK(windows >= expected - 2);
        CHECK(windows <= expected + 2);
    }
}

TEST_CASE("a fixed window's period divides a day", "[clock_window]") {
    for (const auto period : {Micros(1s), Micros(15min), Micros(1h), Micros(24h)}) CHECK(divides_a_day(period));
    for (const auto period : {Micros(0), Micros(7h), Micros(48h), Micros(7s)}) CHECK_FALSE(divides_a_day(period));
}
