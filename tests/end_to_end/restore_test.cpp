// Postgres comes back from a backup: what it was some seconds ago, while Redis and the processes have gone on.
#include <cstdlib>
#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

TEST_CASE("Postgres is restored from an older copy while all else goes on: its word counts, nothing is lost or doubled",
          "[end_to_end][faults][restore]") {
    const bool full = std::getenv("PAWL_TEST_FULL") != nullptr;
    const int rounds = full ? 10 : 2;
    const auto env = full ? std::map<std::string, std::string>{} : few_pages;
    const auto& expected = undisturbed_tables(env);
    World world({.env = env});
    world.set_env("TEST_PACE", "40/s");
    Crew crew(world, 13);
    REQUIRE(eventually(30s, [&] { return crew.told("Slice finished") > 5; }));
    for (int round = 1; round <= rounds; ++round) {
        const auto before = world.pages_stored();
        REQUIRE(eventually(30s, [&] { return world.pages_stored() > before + 10; }));
        const auto from = now_us() - 20'000'000;  // whatever was still queued
        world.postgres().kill();
        world.postgres().snapshot();
        world.postgres().start();
        const auto kept = world.pages_stored();
        REQUIRE(eventually(30s, [&] { return world.pages_stored() > kept + 20; }));

        world.postgres().kill();
        world.postgres().restore();
        world.postgres().start();
        world.memory_lost_since(from);
        CHECK(world.pages_stored() < kept + 20);
    }
    CHECK(eventually(30s, [&] { return crew.told("Postgres was set back, its word counts") > 0; }));
    std::cout << "restore test: " << rounds << " rounds, ";
    conclude(world, crew, expected);
}
