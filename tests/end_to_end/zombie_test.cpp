// A worker stands still in the middle of its transaction, with the rows of its slices locked, and wakes when others have
// stored its pages.
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarder.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

// A transaction that has written, and has done nothing for longer than any that lives.
constexpr const char* locking_and_idle =
    "select count(*) from pg_stat_activity where state = 'idle in transaction' and backend_xid is not null "
    "and state_change < now() - interval '1 second'";

bool stands_still(pid_t pid) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");  // "pid (name) state …"
    std::string text;
    std::getline(stat, text);
    return text.find(") T ") != std::string::npos;
}

}  // namespace

TEST_CASE("a worker that stands still in its transaction is waited for no longer than Postgres lets it",
          "[end_to_end][faults][zombie]") {
    const bool full = std::getenv("PAWL_TEST_FULL") != nullptr;
    const auto& expected = undisturbed_tables(few_pages);
    World world({.env = few_pages});
    // The bound that pawl sets for its transactions is 30 s; the line makes 8 s of it, but not in full.
    Forwarder line(world.database());
    const std::string bound = "idle_in_transaction_session_timeout = '30s'";
    std::atomic<int> bounds = 0;
    line.watch([&](std::string& sent) {
        const auto at = sent.find(bound);
        if (at != std::string::npos) ++bounds;
        if (at != std::string::npos && !full) sent.replace(at + bound.size() - 4, 2, " 8");
        return Forwarder::Fate::pass;
    });
    world.set_env("PAWL_POSTGRES_URL", line.url());
    world.set_env("TEST_PACE", "25/s");
    // The thread that stops its process may run on for a moment: it comes no further than the delay.
    world.set_env("PAWL_FAILPOINTS", "after_cas=stop@5,before_commit=delay=1000@5");
    auto zombie = world.start({"run", "--role", "worker"}, "zombie");
    world.set_env("PAWL_FAILPOINTS", "");
    auto collector = world.start({"run", "--role", "collector"}, "collector");
    const bool stopped = eventually(60s, [&] { return stands_still(zombie->pid()); });
    INFO(zombie->errors());
    REQUIRE(stopped);
    REQUIRE(bounds > 0);
    CHECK(eventually(20s, [&] { return world.sql(locking_and_idle) != "0"; }));  // two where both its writers were at it
    const auto stored = world.pages_stored();

    auto heir = world.start({"run", "--role", "worker"}, "heir");
    CHECK(eventually(60s, [&] { return world.sql(locking_and_idle) == "0"; }));
    CHECK(eventually(30s, [&] { return world.pages_stored() > stored + 20; }));
    CHECK(stands_still(zombie->pid()));
    zombie->signal(SIGCONT);
    CHECK(eventually(30s, [&] {  // it finds its transaction ended; at COMMIT, it cannot know how
        const auto log = zombie->errors();
        return lines_with(log, "Storing failed, the pages wait") + lines_with(log, "A commit is in doubt") > 0;
    }));

    world.set_env("TEST_PACE", "2000/s");
    for (auto* process : {&collector, &heir, &zombie}) {
        (*process)->signal(SIGTERM);
        (*process)->wait(35s);
        world.end(*process);
    }
    std::cout << "zombie test: " << world.told("verdict=duplicate") << " pages stored by another, ";
    check_nothing_lost(world, expected);
}
