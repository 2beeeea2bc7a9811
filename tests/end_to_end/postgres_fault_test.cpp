// What Postgres may do beside dying: refuse, hold locks, kill connections in the middle of a commit. None of it is a page's own
// fault, so none of it makes a dead letter.
#include <cstdlib>
#include <functional>
#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

TEST_CASE("Postgres kills connections, holds locks, refuses writes: nothing is lost, nothing is a dead letter",
          "[end_to_end][faults][postgres_faults]") {
    const unsigned seed = 53;
    std::cout << "Postgres fault test: seed " << seed << std::endl;
    const auto expected = undisturbed_tables(few_pages);
    World world({.env = few_pages});
    world.set_env("TEST_PACE", "15/s");
    Crew crew(world, seed);
    const auto kill_some = [&] {
        for (int i = 0; i < 10; ++i) {
            try_sql(world, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and "
                    "pid <> pg_backend_pid() and query ~* '(commit|copy|insert|update)' order by random() limit 2");
            pause_for(std::chrono::milliseconds(crew.between(20, 120)));
        }
    };
    const std::vector<std::function<void()>> faults{
        [&] { crew.kill_one(); },
        kill_some,
        [&] { try_sql(world, "begin; lock table github.stargazer in access exclusive mode; select pg_sleep(6); commit"); },  // > lock_timeout
        [&] {
            set_read_only(world, true);
            pause_for(2s);
            set_read_only(world, false);
        },
        [&] {  // rows in another order than pawl takes them, and its running totals
            for (int i = 0; i < 20; ++i)
                try_sql(world, "begin; update pawl.stream_total set pages = pages; select pg_sleep(0.02); "
                        "update github.gh_user set login = login; commit");
        },
        [&] { try_sql(world, "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname is not null"); },
    };
    const std::size_t rounds = std::getenv("PAWL_TEST_FULL") ? 4 : 1;
    for (std::size_t round = 0; round < rounds * faults.size(); ++round) {
        pause_for(std::chrono::milliseconds(crew.between(300, 900)));
        faults[round % faults.size()]();
    }
    std::cout << "Postgres fault test: ";
    conclude(world, crew, expected);
    const auto doubts = world.told("A commit is in doubt");
    std::cout << "Postgres fault test: " << doubts << " commits in doubt" << std::endl;
    CHECK(world.told("Storing failed, the pages wait") + doubts > 0);
}
