#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/end_to_end/crew.hpp"
#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/has.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

void write_key(const fs::path& file, const std::string& key) {
    std::ofstream(file) << key << "\n";
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
}

std::set<std::string> owners_since(const World& world, std::int64_t from_us) {
    std::set<std::string> owners;
    for (const auto& asked : const_cast<World&>(world).replica().asked())
        if (asked.time_us >= from_us) owners.insert(asked.owner);
    return owners;
}

}  // namespace

TEST_CASE("keys come, go and change while pawl runs; a refused one is put aside by its alias", "[end_to_end][keys]") {
    TemporaryDirectory keys;
    write_key(keys.path() / "alice", "key-alice");
    write_key(keys.path() / "mallory", "key-of-nobody");
    World world({.env = {{"TEST_KEYS", keys.path().string()}}, .source = "tests/end_to_end/keys_github.yaml"});
    auto process = world.start({"run"}, "keys");

    const auto status = [&] { return nlohmann::json::parse(world.run({"status", "--json"}).output)["sources"][0]; };
    REQUIRE(eventually(20s, [&] {
        pause_for(300ms);
        return status()["quarantined"].size() == 1;
    }));
    const auto refused = status()["quarantined"].begin().key();
    CHECK(refused.starts_with("mallory/"));
    CHECK_FALSE(has(status().dump(), "key-of-nobody"));
    std::int64_t times = 0;
    for (const auto& asked : world.replica().asked()) times += asked.owner == "unknown" ? 1 : 0;
    CHECK(times >= 2);  // confirmed
    CHECK(times <= 2 * (world.walks_max() + 2));  // each walk may have met it, and once more
    auto quota = world.run({"quota"});
    CHECK(quota.status == 0);
    CHECK(has(quota.output, refused));
    CHECK(has(quota.output, "stargazers"));

    write_key(keys.path() / "bob", "key-bob");
    REQUIRE(eventually(20s, [&] {
        pause_for(200ms);
        return owners_since(world, 0).contains("bob");
    }));
    fs::remove(keys.path() / "alice");
    write_key(keys.path() / "mallory", "key-carol");  // the right one, at last
    REQUIRE(eventually(20s, [&] {
        pause_for(200ms);
        return owners_since(world, 0).contains("carol");
    }));
    pause_for(6s);  // what was under way with the removed key is over
    const auto now = now_us();
    pause_for(1500ms);
    CHECK(owners_since(world, now) == std::set<std::string>{"bob", "carol"});

    CHECK(world.run({"quota", "--weight", "live=3"}).status == 0);
    CHECK(has(world.run({"quota"}).output, "live=3"));
    CHECK(world.run({"quota", "--weight", "live=0"}).status == 2);
    process->signal(SIGTERM);
    CHECK(process->wait(35s) == 0);
    world.end(process);
    CHECK(world.told("The API refuses a key, it is asked once more") >= 1);
    CHECK(world.told("Keys have changed and are read again") >= 2);
    for (const char* secret : {"key-alice", "key-bob", "key-carol", "key-of-nobody"}) CHECK_FALSE(has(world.log(), secret));
}
