#include <cstdlib>
#include <functional>
#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

TEST_CASE("Redis wiped, killed and set back, Postgres crashed: nothing is lost and nothing doubled",
          "[end_to_end][faults][servers]") {
    const unsigned seed = 411;
    std::cout << "server fault test: seed " << seed << std::endl;
    const auto expected = undisturbed_tables();

    World world({.env = {{"TEST_PACE", "40/s"}}, .fsync = true});
    Crew crew(world, seed);
    const auto later = [&](int low, int high) { pause_for(std::chrono::milliseconds(crew.between(low, high))); };
    const std::vector<std::function<void()>> faults{
        [&] { world.redis().command({"FLUSHALL"}); },
        [&] {
            const auto from = now_us() - fsync_interval_us;
            world.redis().kill();
            later(0, 300);
            world.redis().start();
            world.memory_lost_since(from);
        },
        [&] { set_redis_back(world, std::chrono::milliseconds(crew.between(500, 1500))); },
        [&] {
            world.postgres().kill();
            later(0, 300);
            world.postgres().start();
        },
        [&] { crew.stop_one(1000ms); },
    };
    const std::size_t rounds = std::getenv("PAWL_TEST_FULL") ? 20 : 10;
    for (std::size_t round = 0; round < rounds; ++round) {
        later(300, 1200);
        faults[round % faults.size()]();
    }
    std::cout << "server fault test: ";
    conclude(world, crew, expected);
    // A path that nobody took was not tested.
    const std::vector<std::pair<std::string, std::string>> paths{
        {"fenced", "Page refused, another collector holds"},
        {"duplicate", "verdict=duplicate"},
        {"gap", "verdict=gap"},
        {"fork", "verdict=fork"},
        {"seeded", "Slice seeded again from its tip"},
    };
    for (const auto& [path, sentence] : paths) {
        std::cout << path << " " << world.told(sentence) << "  ";
        CHECK(world.told(sentence) > 0);
    }
    std::cout << std::endl;
}
