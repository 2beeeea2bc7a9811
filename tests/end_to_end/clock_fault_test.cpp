// Wall clocks that are an hour off, and jump: those of pawl's processes, then that of Redis.
#include <cstdlib>
#include <iostream>
#include <set>
#include <sstream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/server_clock.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

/// The hours that lines of the log begin with.
std::set<std::string> hours_of(const std::string& log) {
    std::set<std::string> hours;
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);)
        if (line.size() > 3 && line[2] == ':') hours.insert(line.substr(0, 2));
    return hours;
}

}  // namespace

TEST_CASE("clocks of pawl and of Redis jump an hour ahead and back: nothing is lost and nothing doubled",
          "[end_to_end][faults][clocks]") {
    const auto& expected = undisturbed_tables(few_pages);
    ServerClock of_redis, of_pawl;
    World world({.env = few_pages, .redis_env = of_redis.env()});
    for (const auto& [name, value] : of_pawl.env()) world.set_env(name, value);
    world.set_env("TEST_PACE", "6/s");  // on a slow machine, too, there is work left at the end
    Crew crew(world, 21);
    REQUIRE(eventually(30s, [&] { return crew.told("Slice finished") > 5; }));
    const auto redis_seconds = [&] { return std::stoll(world.redis().command({"TIME"})); };
    const auto from = now_us();
    for (const auto off : {1h, 0h, -1h, 0h})
        for (auto* clock : {&of_pawl, &of_redis}) {
            const auto stored = world.pages_stored();
            clock->set_ahead(off);
            CHECK(eventually(30s, [&] { return world.pages_stored() > stored + 5; }));
            if (clock == &of_redis) CHECK(std::abs(redis_seconds() - now_us() / 1'000'000 - off / 1s) < 60);
            if (clock == &of_pawl && off != 0h) crew.kill_one();  // the next of that name begins with this clock
        }
    world.memory_lost_since(from);  // its leases and marks of ends lapsed all at once
    std::cout << "clock test: ";
    conclude(world, crew, expected);
    CHECK(hours_of(world.log()).size() >= 3);  // pawl believed in all of its clocks
}
