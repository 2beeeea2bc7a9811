// A process is killed at every named place of the protocol, at several of its hits: the next one goes on, and nothing is lost,
// doubled or asked again but what was in flight.
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

// Not among them: in_dlq and in_replay, which no healthy run reaches. in_ddl first: later there are no tables to be made.
const std::vector<std::string> places{"in_ddl",      "in_plan",       "in_seed",           "after_lease",  "before_fetch",
                                      "after_fetch", "after_append_sent", "after_append_ok", "after_read",   "after_start",
                                      "after_parse", "after_begin",   "after_upsert",      "after_cas",    "before_commit",
                                      "after_commit_sent", "after_commit", "after_ack"};

std::vector<int> hits_of(const std::string& place) {
    if (place == "in_ddl") return {1};
    return std::getenv("PAWL_TEST_FULL") ? std::vector{1, 2, 7} : std::vector{2};
}

}  // namespace

TEST_CASE("wherever a process is killed, the next goes on where it was", "[end_to_end][faults][failpoints]") {
    const auto expected = undisturbed_tables(few_pages);
    World world({.env = few_pages});
    world.set_env("TEST_PACE", "20/s");
    int kills = 0;
    for (const auto& place : places)
        for (const int nth : hits_of(place)) {
            INFO(place << " at hit " << nth);
            world.set_env("PAWL_FAILPOINTS", place + "=kill@" + std::to_string(nth));
            auto process = world.start({"backfill", "github"}, "one");
            const auto status = process->wait(60s);
            CHECK(status == 128 + SIGKILL);
            world.end(process);
            ++kills;
        }
    world.set_env("PAWL_FAILPOINTS", "");
    world.set_env("TEST_PACE", "2000/s");
    std::cout << "failpoint test: " << places.size() << " places, " << kills << " kills, ";
    const auto account = check_nothing_lost(world, expected);
    CHECK(account.repeat_count() <= static_cast<std::int64_t>(kills) * world.walks_max());
}
