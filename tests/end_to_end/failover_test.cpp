// Sentinel promotes a replica that has not got the last writes, while the old master lives on and some processes still write
// to it. pawl connects to one address; here the forwarder in front of it plays the part of whatever moves such an address.
#include <cstdlib>
#include <iostream>
#include <memory>
#include <vector>

#include "tests/end_to_end/accounts.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarder.hpp"
#include "tests/support/private_sentinel.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

/// "name:value" of INFO replication.
std::string replication(const PrivateRedis& redis, const std::string& name) {
    const auto info = redis.command({"INFO", "replication"});
    const auto at = info.find(name + ":");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 1;
    return info.substr(begin, info.find_first_of("\r\n", begin) - begin);
}

std::int64_t offset_of(const PrivateRedis& redis) { return std::stoll(replication(redis, "master_repl_offset")); }

}  // namespace

// In full 20 rounds, over ten times as many pages.
TEST_CASE("Redis fails over to a replica that lagged while the old master lives: nothing is lost and nothing doubled",
          "[end_to_end][faults][failover]") {
    const bool full = std::getenv("PAWL_TEST_FULL") != nullptr;
    const auto env = full ? std::map<std::string, std::string>{} : few_pages;
    const auto& expected = undisturbed_tables(env);
    World world({.env = env});
    Forwarder line(world.redis().url());
    world.set_env("PAWL_REDIS_URL", line.url());
    world.set_env("TEST_PACE", "25/s");
    Crew crew(world, 8);
    std::int64_t lost_bytes = 0;
    std::vector<std::unique_ptr<PrivateRedis>> promoted;  // the old masters among them live on
    for (int round = 0; round < (full ? 20 : 3); ++round) {
        auto& master = promoted.empty() ? world.redis() : *promoted.back();
        promoted.push_back(std::make_unique<PrivateRedis>());
        auto& replica = *promoted.back();
        Forwarder between(master.url());  // the replica's and Sentinel's way to the master
        master.command({"CONFIG", "SET", "repl-diskless-sync-delay", "0"});
        replica.command({"REPLICAOF", "127.0.0.1", std::to_string(between.port())});
        REQUIRE(eventually(30s, [&] { return replication(replica, "master_link_status") == "up"; }));
        PrivateSentinel sentinel(between.port());
        REQUIRE(eventually(30s, [&] { return sentinel.replicas() == 1; }));

        const auto from = now_us() - fsync_interval_us;
        between.black_hole(Forwarder::Way::both);
        REQUIRE(eventually(60s, [&] { return sentinel.master_port() == replica.port(); }));
        REQUIRE(replication(replica, "role") == "master");
        CHECK(offset_of(master) > offset_of(replica));
        lost_bytes += offset_of(master) - offset_of(replica);
        line.lead_to(replica.port());
        crew.kill_one();  // this one goes to the new master, the others still write to the old
        pause_for(500ms);
        line.cut();
        world.memory_lost_since(from);
    }
    std::cout << "failover test: " << promoted.size() << " failovers, " << lost_bytes << " bytes of writes lost, ";
    const auto account = conclude(world, crew, expected);
    CHECK(account.causes.contains("lost by a server"));
}
