#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

TEST_CASE("kills and stops at random moments change nothing but the number of requests", "[end_to_end][kill]") {
    const unsigned seed = 20261122;
    std::cout << "kill test: seed " << seed << std::endl;
    const auto expected = undisturbed_tables();

    World world({.env = {{"TEST_PACE", "40/s"}}});
    Crew crew(world, seed);
    for (int i = 0; i < 50; ++i) {
        pause_for(std::chrono::milliseconds(crew.between(50, 500)));
        if (i % 5 == 4) crew.stop_one(1000ms);
        else crew.kill_one();
    }
    crew.end();
    world.set_env("TEST_PACE", "2000/s");  // what is left needs no time
    std::cout << "kill test: " << crew.kills << " kills, " << crew.stops << " stops, ";
    const auto account = check_nothing_lost(world, expected);
    CHECK_FALSE(account.causes.contains("Redis lost"));  // nobody touched Redis here
    CHECK(account.repeat_count() <= static_cast<std::int64_t>(crew.kills + crew.stops) * world.walks_max());
}
