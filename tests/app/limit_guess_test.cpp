#include "app/limit_guess.hpp"

#include "tests/app/page_samples.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

namespace pawl::app {

using test::has;
using test_samples::sample_moment;
using test_samples::sample_of;

namespace {

LimitGuess limits(const collector::Headers& headers) { return guess_limits(sample_of("[]", headers)); }

}  // namespace

TEST_CASE("headers of an hour's budget make a limit an hour and feedback", "[limit_guess]") {
    const auto guess = limits({{"x-ratelimit-limit", "60"},
                               {"x-ratelimit-remaining", "59"},
                               {"x-ratelimit-reset", std::to_string(sample_moment + 3'000)},
                               {"x-ratelimit-resource", "core"}});
    CHECK(guess.limit == "{name: api, rate: 60/h}");
    CHECK(has(guess.why, "x-ratelimit-limit is 60, and the window ends in 3000 s"));
    CHECK(guess.feedback == std::vector<std::string>{"limit: x-ratelimit-limit", "remaining: x-ratelimit-remaining",
                                                     "reset: {header: x-ratelimit-reset, format: epoch}",
                                                     "resource: {header: x-ratelimit-resource, core: api}"});
}

TEST_CASE("the length of a window is the common one above what is left of it", "[limit_guess]") {
    const auto rate = [](const std::string& reset) {
        return limits({{"x-ratelimit-limit", "100"}, {"x-ratelimit-reset", reset}}).limit;
    };
    CHECK(rate("1") == "{name: api, rate: 100/s}");
    CHECK(rate("40") == "{name: api, rate: 100/m}");
    CHECK(rate("700") == "{name: api, rate: 100/15m}");
    CHECK(rate("3601") == "{name: api, rate: 100/h}");
    CHECK(rate("50000") == "{name: api, rate: 100/d}");
    CHECK(rate("2000000") == "{name: api, rate: 100/month}");
    CHECK(rate(std::to_string((sample_moment + 40) * 1'000)) == "{name: api, rate: 100/m}");
}

TEST_CASE("formats of a reset are told apart", "[limit_guess]") {
    const auto format = [](const std::string& reset) {
        return limits({{"ratelimit-limit", "1"}, {"ratelimit-reset", reset}}).feedback[1];
    };
    CHECK(format("30") == "reset: {header: ratelimit-reset, format: delta}");
    CHECK(format("1700000030") == "reset: {header: ratelimit-reset, format: epoch}");
    CHECK(format("2024-01-01T00:00:00Z") == "reset: {header: ratelimit-reset, format: iso8601}");
    CHECK(format("Tue, 14 Nov 2023 22:13:20 GMT") == "reset: {header: ratelimit-reset, format: http_date}");
}

TEST_CASE("the standard headers are read as such", "[limit_guess]") {
    const auto guess = limits({{"ratelimit-policy", R"("default";q=100;w=60)"}, {"ratelimit", R"("default";r=50;t=30)"}});
    CHECK(guess.feedback == std::vector<std::string>{"standard: ietf"});
    CHECK(guess.limit == "{name: api, rate: 100/60s}");
    CHECK(limits({{"ratelimit-policy", "10;w=1"}, {"ratelimit-limit", "10"}}).limit == "{name: api, rate: 10/1s}");
}

TEST_CASE("without a budget told the limit is a careful one, and says so", "[limit_guess]") {
    const auto none = limits({});
    CHECK(none.limit == "{name: api, rate: 2/s, concurrency: 2}");
    CHECK(has(none.why, "documentation"));
    CHECK(none.feedback.empty());
    for (const std::string odd : {"0", "-1", "many", "999999999999999"}) {
        INFO(odd);
        CHECK(limits({{"x-ratelimit-limit", odd}}).limit == none.limit);
    }
    CHECK(limits({{"retry-after", "5"}}).feedback == std::vector<std::string>{"retry_after: retry-after"});
}

}  // namespace pawl::app
