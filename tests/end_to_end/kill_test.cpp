#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

/// Longest time between two requests, in milliseconds.
std::int64_t longest_silence_ms(const std::vector<Asked>& asked) {
    std::int64_t longest = 0;
    for (std::size_t i = 1; i < asked.size(); ++i) longest = std::max(longest, asked[i].time_us - asked[i - 1].time_us);
    return longest / 1000;
}

}  // namespace

// In full (tests/full): 500 kills and stops, and 20 times in between Redis comes back older, with Postgres durable.
TEST_CASE("kills and stops at random moments change nothing but the number of requests", "[end_to_end][faults][kill]") {
    const unsigned seed = 20261122;
    const bool full = std::getenv("PAWL_TEST_FULL") != nullptr;
    std::cout << "kill test: seed " << seed << std::endl;
    const auto expected = undisturbed_tables();

    World world({.env = {{"TEST_PACE", full ? "12/s" : "40/s"}}, .fsync = full});
    Crew crew(world, seed);
    int set_back = 0;
    for (int i = 0; i < (full ? 500 : 50); ++i) {
        pause_for(std::chrono::milliseconds(crew.between(50, 500)));
        if (i % 5 == 4) crew.stop_one(1000ms);
        else crew.kill_one();
        if (!full || i % 25 != 24) continue;
        set_redis_back(world, std::chrono::milliseconds(crew.between(100, 2000)));
        ++set_back;
    }
    const auto silence = longest_silence_ms(world.replica().asked());
    std::cout << "kill test: " << crew.kills << " kills, " << crew.stops << " stops, Redis set back " << set_back
              << " times, at most " << silence << " ms without a request, ";
    const auto account = conclude(world, crew, expected);
    if (!full) {
        CHECK_FALSE(account.causes.contains("Redis lost"));  // nobody touched Redis here
        CHECK(account.repeat_count() <= static_cast<std::int64_t>(crew.kills + crew.stops) * world.walks_max());
    }
}
