// The network between pawl and each of its servers is cut, both ways or one, and healed: by forwarders, since that runs
// everywhere; network namespaces and firewall rules need rights that few have.
#include <cstdlib>
#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarder.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;
using Way = Forwarder::Way;

TEST_CASE("the network to Redis, to Postgres and to the API is cut and healed: nothing is lost and nothing doubled",
          "[end_to_end][network]") {
    const auto& expected = undisturbed_tables(few_pages);
    World world({.env = few_pages});
    Forwarder to_redis(world.redis().url()), to_postgres(world.database()), to_api(world.replica().url());
    world.set_env("PAWL_REDIS_URL", to_redis.url());
    world.set_env("PAWL_REDIS_COMMAND_TIMEOUT", "1s");
    world.set_env("PAWL_POSTGRES_URL", to_postgres.url());
    world.set_env("GITHUB_API", to_api.url());
    world.set_env("PAWL_HTTP_REQUEST_TIMEOUT", "1s");
    world.set_env("TEST_PACE", "15/s");
    Crew crew(world, 23);
    REQUIRE(eventually(30s, [&] { return crew.told("Slice finished") > 5; }));
    const std::size_t rounds = std::getenv("PAWL_TEST_FULL") ? 5 : 1;
    for (std::size_t round = 0; round < rounds; ++round)
        for (const auto way : {Way::both, Way::to_server, Way::to_client})
            for (auto* line : {&to_redis, &to_postgres, &to_api}) {
                const auto held = line->held();
                line->black_hole(way);
                pause_for(1200ms);  // beyond the timeouts of Redis and of the API, and beyond the leases
                CHECK(line->held() > held);
                if (way == Way::both && round % 2 == 0) line->cut();  // else what was held up arrives, late
                line->heal();
                pause_for(300ms);
            }
    std::cout << "network test: ";
    conclude(world, crew, expected);
    const auto redis = world.told("no reply within"), postgres = world.told("Storing failed, the pages wait") +
               world.told("A commit is in doubt"), api = world.told("Asked again");
    std::cout << "network test: " << redis << " calls of Redis without an answer, " << postgres
              << " transactions broken, " << api << " requests made again" << std::endl;
    CHECK(redis > 0);
    CHECK(postgres > 0);
    CHECK(api > 0);
}
