// A wall clock of Redis that is set back.
#include "tests/queue/harness.hpp"
#include "tests/queue/stepped_clock.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/server_clock.hpp"

namespace pawl::test {

TEST_CASE("a clock of Redis that is set back holds a limit up for little more than its period", "[quota][clock]") {
    constexpr std::int64_t second_us = 1'000'000;
    ServerClock clock;
    PrivateRedis server({}, clock.env());
    for (const auto pace : {queue::Pace::sliding, queue::Pace::bucket}) {
        RedisHarness real(server);
        queue::LimitAsk limit;
        limit.name = "pace";
        limit.count = 1;
        limit.period_us = second_us;
        limit.pace = pace;
        const std::vector<queue::Payer> payers{{"ann", {limit}}};
        const auto is_granted = [&] {
            return std::holds_alternative<queue::Granted>(real.run(real.quota().reserve(payers, 0)));
        };
        clock.set(begin_us + 3'600 * second_us);
        REQUIRE(is_granted());
        clock.set(begin_us);
        CHECK_FALSE(is_granted());
        clock.set(begin_us + 3 * second_us);
        CHECK(is_granted());
        CHECK_FALSE(is_granted());  // once, as ever
    }
    clock.set(0);
}

}  // namespace pawl::test
