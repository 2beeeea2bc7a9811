// The connection to Postgres breaks while COMMIT is on its way: nobody can know whether it took effect, and no row is stored
// twice, also in the table whose key would not hide it.
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/end_to_end/accounts.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarder.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;
using Fate = Forwarder::Fate;

namespace {

// A simple query (PostgreSQL, "Message Formats"): 'Q', its length with itself, the text with its zero. Only those who store
// pages write it small.
constexpr std::string_view commit_message("Q\0\0\0\x0b" "commit\0", 12);
constexpr Fate breaks[] = {Fate::cut, Fate::pass_cut, Fate::answer_cut};

}  // namespace

// In full 200 times, over ten times as many pages.
TEST_CASE("the connection breaks before, at and after COMMIT: no row is lost and none doubled", "[end_to_end][faults][doubt]") {
    const bool full = std::getenv("PAWL_TEST_FULL") != nullptr;
    const int rounds = full ? 201 : 12;
    const auto env = full ? std::map<std::string, std::string>{} : few_pages;
    const auto& expected = undisturbed_tables(env);
    World world({.env = env});
    Forwarder line(world.database());
    world.set_env("PAWL_POSTGRES_URL", line.url());
    world.set_env("TEST_PACE", full ? "40/s" : "25/s");
    std::atomic<int> commits = 0, broken = 0;
    line.watch([&](std::string& sent) {
        if (sent != commit_message || ++commits % 2 == 0 || broken == rounds) return Fate::pass;
        return breaks[broken++ % 3];
    });
    Crew crew(world, 5);
    CHECK(eventually(full ? 200s : 60s, [&] { return broken == rounds; }));
    std::cout << "doubt test: " << broken << " of " << commits << " COMMITs broken, ";
    conclude(world, crew, expected);
    const auto doubts = world.told("A commit is in doubt"), stored = world.told("verdict=duplicate");
    std::cout << "doubt test: " << doubts << " in doubt, " << stored << " pages had been stored" << std::endl;
    CHECK(doubts + world.told("Storing failed, the pages wait") >= rounds);
    CHECK(stored >= rounds / 6);  // a third of the COMMITs was carried out and not answered, some of them the planner's
}
