// A database that takes no writes: pawl is led to a hot standby while the primary still lives, then the standby is promoted.
#include <iostream>

#include "tests/end_to_end/accounts.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarder.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

TEST_CASE("a standby takes nothing and loses nothing; once it is promoted everything goes on", "[end_to_end][faults][standby]") {
    const auto& expected = undisturbed_tables(few_pages);
    World world({.env = few_pages});
    Forwarder line(world.database());
    world.set_env("PAWL_POSTGRES_URL", line.url());
    world.set_env("TEST_PACE", "25/s");
    Crew crew(world, 3);
    REQUIRE(eventually(30s, [&] { return crew.told("Slice finished") > 5; }));
    PrivatePostgres standby({.primary = &world.postgres()});

    line.lead_to(standby.port());
    line.cut();
    CHECK(eventually(30s, [&] { return crew.told("Storing failed, the pages wait") > 0; }));
    CHECK(eventually(30s, [&] { return crew.told("read-only") > 1; }));
    const auto stored = world.pages_stored();
    pause_for(1s);
    CHECK(world.pages_stored() == stored);

    world.postgres().stop();  // it sends the standby all it has before it goes
    const auto name = world.database().substr(world.database().rfind('/') + 1);
    world.move_database(standby.url(name));
    CHECK(world.pages_stored() == stored);
    standby.promote();
    CHECK(eventually(30s, [&] { return world.pages_stored() > stored; }));
    std::cout << "standby test: " << crew.told("read-only") << " refusals, " << stored << " pages before, ";
    conclude(world, crew, expected);
}
