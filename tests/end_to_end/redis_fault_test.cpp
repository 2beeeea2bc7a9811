// What Redis may do beside dying: stand still, forget its scripts, lose a part of its keys, be full.
#include <cstdlib>
#include <functional>
#include <iostream>
#include <thread>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

std::size_t requests_of(World& world) { return world.replica().asked().size(); }

/// Redis refuses writes for memory: nobody asks the API, and what is queued is stored all the same.
void fill_up(World& world) {
    world.redis().command({"CONFIG", "SET", "maxmemory", "1"});
    pause_for(1s);
    const auto before = requests_of(world);
    pause_for(1s);
    CHECK(requests_of(world) == before);
    int queued = 0;
    for (int shard = 0; shard < 16; ++shard) queued += std::stoi(world.redis().command({"XLEN", queue_key(shard)}));
    CHECK(queued == 0);
    world.redis().command({"CONFIG", "SET", "maxmemory", "0"});
}

}  // namespace

TEST_CASE("Redis stands still, forgets scripts and keys, is full: nothing is lost and nothing doubled", "[end_to_end][faults][redis_faults]") {
    const unsigned seed = 97;
    std::cout << "Redis fault test: seed " << seed << std::endl;
    const auto expected = undisturbed_tables(few_pages);
    World world({.env = few_pages});
    world.set_env("TEST_PACE", "15/s");
    Crew crew(world, seed);
    // While nothing can be stored pages gather on the queue, so that something is lost.
    const auto lose = [&](const std::function<void()>& what) {
        std::thread holding([&] { (void)world.sql("begin; lock table pawl.page in share mode; select pg_sleep(2); commit"); });
        pause_for(1s);
        const auto from = now_us() - 60'000'000;  // whatever was still queued
        what();
        world.memory_lost_since(from);
        holding.join();
    };
    const auto each_shard = [&](std::vector<std::string> command) {
        for (int shard = 0; shard < 16; ++shard) {
            command[1] = queue_key(shard);
            world.redis().command(command);
        }
    };
    const std::vector<std::function<void()>> faults{
        [&] { world.redis().command({"CLIENT", "PAUSE", "2500", "ALL"}); },
        [&] { world.redis().command({"SCRIPT", "FLUSH"}); },
        [&] { lose([&] { each_shard({"DEL", ""}); }); },
        [&] { lose([&] { each_shard({"XTRIM", "", "MAXLEN", "0"}); }); },
        [&] {
            world.redis().pause();
            pause_for(2s);
            world.redis().resume();
        },
        [&] { world.redis().command({"CLIENT", "KILL", "TYPE", "normal"}); },
        [&] { fill_up(world); },
        [&] { lose([&] { world.redis().command({"DEL", "pawl:{github}:leased"}); }); },
        [&] { crew.kill_one(); },
    };
    const std::size_t rounds = std::getenv("PAWL_TEST_FULL") ? 4 : 1;
    for (std::size_t round = 0; round < rounds * faults.size(); ++round) {
        pause_for(std::chrono::milliseconds(crew.between(200, 800)));
        faults[round % faults.size()]();
    }
    std::cout << "Redis fault test: ";
    const auto account = conclude(world, crew, expected);
    CHECK(account.repeat_count() > 0);
}
