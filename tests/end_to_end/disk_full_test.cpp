// The disk under Postgres or Redis is full: the world's fault and no page's. The WAL of Postgres is on another disk: without
// room for that the server itself goes down, which is a crash like any other.
#include <iostream>
#include <memory>
#include <sstream>
#include <system_error>

#include "tests/end_to_end/accounts.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/small_disk.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

constexpr int disk_megabytes = 96;  // an empty cluster takes 40

std::unique_ptr<SmallDisk> small_disk() {
    try {
        return std::make_unique<SmallDisk>(disk_megabytes);
    } catch (const std::system_error& refused) {
        WARN("SKIPPED, this user may not mount a small disk: " << refused.what());
        return nullptr;
    }
}

/// How often work on any page was begun and not ended: more than once is held against the page.
int most_starts(World& world) {
    std::istringstream counts(world.redis().command({"HVALS", "pawl:{github}:starts"}));
    int most = 0;
    for (int count = 0; counts >> count;) most = std::max(most, count);
    return most;
}

}  // namespace

TEST_CASE("a full disk under Postgres is waited for, and no page is blamed for it", "[end_to_end][faults][disk]") {
    const auto disk = small_disk();
    if (!disk) return;
    const auto& expected = undisturbed_tables(few_pages);
    World world({.env = few_pages, .postgres_disk = disk->path()});
    world.set_env("TEST_PACE", "25/s");
    Crew crew(world, 7);
    REQUIRE(eventually(30s, [&] { return crew.told("Slice finished") > 5; }));

    disk->fill();
    CHECK(eventually(30s, [&] { return crew.told("No space left on device [53100]") > 10; }));
    CHECK(eventually(30s, [&] { return most_starts(world) <= 1; }));  // two workers may have one page for a moment

    disk->free();
    const auto stored = world.pages_stored();
    CHECK(eventually(30s, [&] { return world.pages_stored() > stored; }));
    std::cout << "disk test: " << crew.told("No space left on device [53100]") << " refusals, ";
    conclude(world, crew, expected);
    CHECK(world.redis().command({"HLEN", "pawl:{github}:starts"}) == "0");
}

TEST_CASE("a full disk under the append-only file of Redis is waited for", "[end_to_end][faults][disk]") {
    const auto disk = small_disk();
    if (!disk) return;
    const auto& expected = undisturbed_tables(few_pages);
    World world({.env = few_pages, .redis_config = {{"dir", disk->path().string()}}});
    world.set_env("TEST_PACE", "25/s");
    Crew crew(world, 9);
    REQUIRE(eventually(30s, [&] { return crew.told("Slice finished") > 5; }));

    disk->fill();
    CHECK(eventually(30s, [&] { return crew.told("MISCONF") > 0; }));
    pause_for(1s);  // what was in flight has come back
    const auto asked = world.replica().asked().size();
    pause_for(2s);
    CHECK(world.replica().asked().size() == asked);  // what cannot be kept is not asked for

    disk->free();
    CHECK(eventually(30s, [&] { return world.replica().asked().size() > asked; }));
    std::cout << "disk test: " << crew.told("MISCONF") << " refusals of Redis, ";
    conclude(world, crew, expected);
}
