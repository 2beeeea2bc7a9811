// The network between pawl and each of its servers is cut, both ways or one, and healed: by forwarders, since that runs
// everywhere; network namespaces and firewall rules need rights that few have.
#include <cstdlib>
#include <iostream>
#include <vector>

#include "tests/end_to_end/accounts.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarder.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;
using Way = Forwarder::Way;

namespace {

struct Break {
    Forwarder* line;
    Way way;
    bool cut;  ///< what is held up never arrives; else it does, late
};

/// Two ways for each server; in full, all of them with both ends, twice, and ten times as many pages.
std::vector<Break> breaks_of(Forwarder& redis, Forwarder& postgres, Forwarder& api) {
    if (std::getenv("PAWL_TEST_FULL") == nullptr)
        return {{&redis, Way::both, true},          {&postgres, Way::to_server, false}, {&api, Way::to_client, false},
                {&redis, Way::to_client, false},    {&postgres, Way::to_client, true},  {&api, Way::to_server, true}};
    std::vector<Break> breaks;
    for (int round = 0; round < 2; ++round)
        for (const bool cut : {true, false})
            for (const auto way : {Way::both, Way::to_server, Way::to_client})
                for (auto* line : {&redis, &postgres, &api}) breaks.push_back({line, way, cut});
    return breaks;
}

}  // namespace

TEST_CASE("the network to Redis, to Postgres and to the API is cut and healed: nothing is lost and nothing doubled",
          "[end_to_end][faults][network]") {
    const auto env = std::getenv("PAWL_TEST_FULL") ? std::map<std::string, std::string>{} : few_pages;
    const auto& expected = undisturbed_tables(env);
    World world({.env = env});
    Forwarder to_redis(world.redis().url()), to_postgres(world.database()), to_api(world.replica().url());
    world.set_env("PAWL_REDIS_URL", to_redis.url());
    world.set_env("PAWL_REDIS_COMMAND_TIMEOUT", "1s");
    world.set_env("PAWL_POSTGRES_URL", to_postgres.url());
    world.set_env("GITHUB_API", to_api.url());
    world.set_env("PAWL_HTTP_REQUEST_TIMEOUT", "1s");
    world.set_env("TEST_PACE", "10/s");
    Crew crew(world, 23);
    REQUIRE(eventually(30s, [&] { return crew.told("Slice finished") > 5; }));
    for (const auto& one : breaks_of(to_redis, to_postgres, to_api)) {
        const auto held = one.line->held();
        one.line->black_hole(one.way);
        CHECK(eventually(30s, [&] { return one.line->held() > held + 2; }));
        pause_for(1200ms);  // beyond the timeouts of Redis and of the API, and beyond the leases
        if (one.cut) one.line->cut();
        const auto stored = world.pages_stored();
        one.line->heal();
        CHECK(eventually(30s, [&] { return world.pages_stored() > stored; }));
    }
    std::cout << "network test: ";
    conclude(world, crew, expected);
    const auto redis = world.told("no reply within"), api = world.told("Asked again");
    const auto postgres = world.told("Storing failed, the pages wait") + world.told("A commit is in doubt");
    std::cout << "network test: " << redis << " calls of Redis without an answer, " << postgres
              << " transactions broken, " << api << " requests made again" << std::endl;
    CHECK(redis > 0);
    CHECK(postgres > 0);
    CHECK(api > 0);
}
