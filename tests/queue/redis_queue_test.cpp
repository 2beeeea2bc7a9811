// What only a real Redis can show: no memory left, scripts forgotten, reservations that lapse after
// minutes, a server set back to an older state.
#include "core/errors.hpp"
#include "tests/queue/harness.hpp"
#include "tests/queue/walk.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

namespace pawl::test {

using core::TransientError;
using queue::Advance;
using queue::OfferAnswer;

TEST_CASE("while Redis is out of memory pages are refused and everything that frees it works",
          "[redis][oom]") {
    PrivateRedis server(PrivateRedis::Config{{"maxmemory", "6mb"}});
    RedisHarness queues(server, 1u << 30);
    Walk walk(queues), dead(queues, 2), fresh(queues, 4);
    for (auto* one : {&dead, &walk}) {
        CHECK(one->offer() == OfferAnswer::offered);
        one->take();
    }
    const auto first_of_dead = dead.step(false, 1000);
    dead.step(false, 1000);
    std::vector<core::Job> jobs;
    bool is_full = false;
    while (!is_full && jobs.size() < 1000) {
        try {
            jobs.push_back(walk.step(false, 50'000));
        } catch (const TransientError& error) {
            CHECK_FALSE(error.outcome_unknown);
            is_full = true;
        }
    }
    REQUIRE(is_full);
    REQUIRE(jobs.size() > 3);
    // What was refused took memory itself, and gave it back: now there is none for anyone.
    server.command({"CONFIG", "SET", "maxmemory", "5mb"});
    std::vector<queue::Payer> payers{queue::Payer{}};
    CHECK_THROWS_AS(queues.run(queues.quota().reserve(payers, 100)), TransientError);

    CHECK(fresh.offer() == OfferAnswer::offered);
    fresh.take();
    CHECK(queues.run(queues.frontiers().count_attempt(4, fresh.lease.nonce)) == 1);
    queues.run(queues.frontiers().release(4, fresh.lease.nonce));
    CHECK(queues.run(queues.frontiers().reclaim("a")) == 2);
    const auto worker = core::Nonce::random(queues.random);
    CHECK(queues.run(queues.pages().hold_shards(worker, long_ttl)).size() == 16);
    std::vector<core::Link> links{jobs[0].link};
    CHECK(queues.run(queues.pages().start(links)) == std::vector<int>{0});
    acknowledge(queues, read_shard(queues, 2).at(0), false);
    CHECK(dead.offer() == OfferAnswer::reseeded);
    queue::Settlement settlement;
    settlement.reservation = "none";
    queues.run(queues.quota().settle(settlement));

    const auto queued = read_shard(queues, 1);
    for (const auto& one : queued) acknowledge(queues, one);
    CHECK(queues.run(queues.pages().totals()).jobs ==
          static_cast<std::int64_t>(jobs.size() - queued.size()));
    server.command({"CONFIG", "SET", "maxmemory", "6mb"});
    walk.take("b");
    walk.step(false, 1000);  // there is memory again
}

TEST_CASE("what the queue decides is counted", "[redis]") {
    RedisHarness queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take("a", short_ttl);
    const auto job = walk.page();
    CHECK(walk.advance(job, "", short_ttl) == Advance::ok);
    CHECK(walk.advance(job, "", short_ttl) == Advance::duplicate);
    const auto first = core::Nonce::random(queues.random),
               second = core::Nonce::random(queues.random);
    CHECK(queues.run(queues.pages().hold_shards(first, short_ttl)).size() == 16);
    queues.pass(short_ttl + core::Millis(20));
    CHECK(walk.take("b").lapsed);
    CHECK(walk.advance(walk.page()) == Advance::ok);
    CHECK(walk.advance(walk.page()) == Advance::fenced);
    CHECK(queues.run(queues.pages().hold_shards(second, short_ttl)).size() == 16);
    CHECK(queues.run(queues.frontiers().reclaim("b")) == 1);
    acknowledge(queues, read_shard(queues, 1).at(0), false);
    CHECK(walk.offer() == OfferAnswer::reseeded);
    const auto& counts = queues.telemetry;
    using core::Metric;
    CHECK(counts.total(Metric::leases, "taken") == 1);
    CHECK(counts.total(Metric::leases, "lapsed") == 1);
    CHECK(counts.total(Metric::leases, "resumed") == 1);
}

TEST_CASE("the scripts work after SCRIPT FLUSH", "[redis]") {
    RedisHarness queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.step();
    [[maybe_unused]] const auto flushed = queues.command({"SCRIPT", "FLUSH"});
    walk.step();
    CHECK(read_shard(queues, 1).size() == 2);
}

TEST_CASE("a Redis set back to an older state is brought to the tip", "[redis]") {
    PrivateRedis server;
    RedisHarness queues(server);
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.commit(walk.step());
    acknowledge(queues, read_shard(queues, 1).at(0));
    server.snapshot("early");
    walk.commit(walk.step());
    walk.step();
    for (const auto& queued : read_shard(queues, 1)) acknowledge(queues, queued);
    server.stop();
    server.restore("early");
    server.start();
    CHECK(eventually(std::chrono::seconds(5), [&] {
        try {
            return walk.view().seq == 1;
        } catch (const TransientError&) {
            return false;
        }
    }));
    CHECK(walk.offer() ==
          OfferAnswer::reseeded);  // Postgres has page 2, which this Redis never saw
    const auto job = walk.page();
    CHECK(walk.advance(job) == Advance::fenced);
    CHECK(walk.take("b").seq == 2);
    walk.step();
}

TEST_CASE("entries deleted under the index do not stop a slice", "[redis]") {
    RedisHarness queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.step();
    CHECK(walk.offer() == OfferAnswer::chained);
    [[maybe_unused]] const auto deleted = queues.command({"DEL", "pawl:{test}:queue:1"});
    CHECK(walk.offer() == OfferAnswer::reseeded);
    CHECK(walk.take().seq == 0);
    walk.step();
}

TEST_CASE("a slot and room held by a collector that died are free after their deadline",
          "[redis][quota]") {
    RedisHarness queues;
    queue::LimitAsk ask;
    ask.name = "slots";
    ask.concurrency = 1;
    const std::vector<queue::Payer> payers{queue::Payer{"", {ask}}};
    const auto reserve = [&] { return queues.run(queues.quota().reserve(payers, 90'000)); };
    const auto first = reserve();
    REQUIRE(std::holds_alternative<queue::Granted>(first));
    REQUIRE(std::holds_alternative<queue::Wait>(reserve()));
    const auto& id = std::get<queue::Granted>(first).reservation;
    // Two minutes pass.
    [[maybe_unused]] const auto flight =
        queues.command({"ZADD", "pawl:{test}:flight", "1", id});
    [[maybe_unused]] const auto room = queues.command({"ZADD", "pawl:{test}:room:held", "1", id});
    CHECK(std::holds_alternative<queue::Granted>(reserve()));
    CHECK(queues.run(queues.pages().totals()).bytes_reserved == 90'000);
}

TEST_CASE("requests of a collector that died count as sent", "[redis][quota]") {
    RedisHarness queues;
    queue::LimitAsk ask;
    ask.name = "core";
    ask.owner = "ann";
    ask.count = 5;
    ask.period_us = 3'600'000'000;
    ask.pace = queue::Pace::told;
    const std::vector<queue::Payer> payers{queue::Payer{"ann", {ask}}};
    const auto reserve = [&] { return queues.run(queues.quota().reserve(payers, 0)); };
    const auto settle = [&](const std::variant<queue::Granted, queue::Wait>& answer,
                            std::int64_t remaining) {
        queue::Settlement settled;
        settled.reservation = std::get<queue::Granted>(answer).reservation;
        settled.limits = {ask};
        settled.feedback = {{"core", "ann", 5, remaining, queues.now_us() + 600'000'000}};
        queues.run(queues.quota().settle(settled));
    };
    settle(reserve(), 4);
    const auto died = reserve(), lives = reserve();
    const auto& id = std::get<queue::Granted>(died).reservation;
    [[maybe_unused]] const auto flight =
        queues.command({"ZADD", "pawl:{test}:flight", "1", id});
    settle(lives, 3);  // the API has not counted the other one when it says so
    CHECK(std::holds_alternative<queue::Granted>(reserve()));
    CHECK(std::holds_alternative<queue::Granted>(reserve()));
    CHECK(std::holds_alternative<queue::Wait>(reserve()));
}

TEST_CASE("the time of a grant does not go back with the clock of Redis", "[redis][quota]") {
    RedisHarness queues;
    const std::string ahead = std::to_string(queues.now_us() + 3'600'000'000);
    [[maybe_unused]] const auto set =
        queues.command({"HSET", "pawl:{test}:meta", "last_us", ahead});
    const std::vector<queue::Payer> payers{queue::Payer{}};
    const auto answer = queues.run(queues.quota().reserve(payers, 0));
    CHECK(std::get<queue::Granted>(answer).at_us == std::stoll(ahead) + 1);
}

TEST_CASE("a key of the wrong type is for a person to mend, and nothing is half done", "[redis]") {
    RedisHarness queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    const auto* key = GENERATE("pawl:{test}:chain:1", "pawl:{test}:queue:1", "pawl:{test}:room");
    [[maybe_unused]] const auto set = queues.command({"SET", key, "x"});
    CHECK_THROWS_AS(walk.advance(walk.page()), core::ConfigError);
    CHECK(queues.command({"HGET", "pawl:{test}:slice:1", "seq"}).integer() == 0);
    [[maybe_unused]] const auto deleted = queues.command({"DEL", key});
    CHECK(read_shard(queues, 1).empty());
    walk.step();
}

}  // namespace pawl::test
