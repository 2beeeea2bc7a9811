// How long a process that was killed is away. Measures, and is run by hand: build/test_end_to_end "[restart]" prints it.
#include <algorithm>
#include <iostream>
#include <vector>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

// The lease is longer than the test: the new process takes back what the killed one held, by its slot.
TEST_CASE("from the start of a killed process to its first request", "[.][restart]") {
    const auto expected = undisturbed_tables();
    World world({.env = {{"TEST_PACE", "40/s"}}, .lease = "300s"});
    std::vector<std::int64_t> took_us;
    for (int i = 0; i < 40; ++i) {
        const auto started_at = now_us();
        auto process = world.start({"run"}, "one");
        std::int64_t first_at = 0;
        REQUIRE(eventually(1min, [&] {
            const auto asked = world.replica().asked();
            const auto first = std::find_if(asked.begin(), asked.end(), [&](const Asked& one) { return one.time_us > started_at; });
            if (first != asked.end()) first_at = first->time_us;
            return first_at != 0;
        }));
        if (i > 0) took_us.push_back(first_at - started_at);  // the first start makes the schema
        pause_for(300ms);
        world.end(process);  // SIGKILL
    }
    std::sort(took_us.begin(), took_us.end());
    std::cout << "first request after a start: median " << took_us[took_us.size() / 2] / 1000 << " ms, longest " << took_us.back() / 1000
              << " ms, of " << took_us.size() << std::endl;
    world.set_env("TEST_PACE", "2000/s");
    auto rest = world.start({"backfill", "github"}, "one");
    CHECK(rest->wait(2min) == 0);
    world.end(rest);
    check_nothing_lost(world, expected);
}
