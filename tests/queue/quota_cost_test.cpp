// What a reservation costs Redis, without a clock: round trips, keys and bytes. bench/reserve.cpp measures the time.
#include <map>

#include "tests/queue/harness.hpp"
#include "tests/support/catch.hpp"

namespace pawl::test {

using queue::LimitAsk;
using queue::Pace;

namespace {

constexpr int costly_owners = 50, costly_limits = 10;

queue::Payer costly_payer(int index, std::int64_t now_us) {
    queue::Payer payer;
    payer.owner = "owner-" + std::to_string(index);
    constexpr Pace paces[]{Pace::told, Pace::bucket, Pace::sliding, Pace::fixed};
    for (int i = 0; i < costly_limits; ++i) {
        LimitAsk ask;
        ask.name = "limit-" + std::to_string(i);
        ask.owner = payer.owner;
        ask.count = 3'600'000'000;  // one a microsecond
        ask.period_us = 3'600'000'000;
        ask.burst = 1'000;
        ask.concurrency = 100;
        ask.pace = paces[i % 4];
        ask.ends_us = now_us + ask.period_us;
        ask.next_ends_us = ask.ends_us + ask.period_us;
        payer.limits.push_back(std::move(ask));
    }
    return payer;
}

class CostlyLoad {
  public:
    CostlyLoad() : now_us_(redis_.now_us()) {}

    queue::Settlement reserve(int index) {
        std::vector<queue::Payer> payers{costly_payer(index, now_us_)};
        queue::Settlement settled;
        settled.limits = payers[0].limits;
        const auto answer = redis_.run(redis_.quota().reserve(std::move(payers), 0));
        settled.reservation = std::get<queue::Granted>(answer).reservation;
        for (const auto& limit : settled.limits) {
            if (limit.pace != Pace::told) continue;
            queue::LimitFeedback told;
            told.name = limit.name;
            told.owner = limit.owner;
            told.limit = limit.count;
            told.remaining = limit.count - 1;
            told.reset_at_us = now_us_ + limit.period_us;
            settled.feedback.push_back(std::move(told));
        }
        return settled;
    }
    void settle(queue::Settlement settled) { redis_.run(redis_.quota().settle(std::move(settled))); }
    void once_each() {
        for (int owner = 0; owner < costly_owners; ++owner) settle(reserve(owner));
    }
    /// How often Redis has read from a connection: once for each round trip.
    std::int64_t reads() {
        const auto text = redis_.command({"INFO", "stats"}).text();
        return std::stoll(text.substr(text.find("total_reads_processed:") + 22));
    }
    std::int64_t keys() { return redis_.command({"DBSIZE"}).integer(); }
    std::int64_t bytes() {
        std::int64_t sum = 0;
        const auto names = redis_.command({"KEYS", "*"});
        for (const auto& key : names.array())
            sum += redis_.command({"MEMORY", "USAGE", key.text(), "SAMPLES", "0"}).integer();
        return sum;
    }

  private:
    RedisHarness redis_;
    std::int64_t now_us_;
};

}  // namespace

TEST_CASE("a reservation is one round trip, and so is its settlement", "[quota][cost]") {
    CostlyLoad load;
    load.once_each();  // the scripts are known from here on
    std::vector<queue::Settlement> settlements;
    const auto before = load.reads();
    for (int owner = 0; owner < costly_owners; ++owner) settlements.push_back(load.reserve(owner));
    const auto reserved = load.reads();
    for (auto& settlement : settlements) load.settle(std::move(settlement));
    const auto settled = load.reads();
    CHECK(reserved - before == costly_owners + 1);  // the last one asks how many there were
    CHECK(settled - reserved == costly_owners + 1);
}

TEST_CASE("a ledger is one key and does not grow, and a request in flight is an entry of two more", "[quota][cost]") {
    constexpr std::int64_t ledgers = costly_owners * costly_limits;
    CostlyLoad load;
    load.once_each();
    const auto settled_keys = load.keys();
    CHECK(settled_keys >= ledgers);
    CHECK(settled_keys <= ledgers + 5);  // and what a source has once
    for (int i = 0; i < 10; ++i) load.once_each();
    CHECK(load.keys() == settled_keys);
    const auto settled_bytes = load.bytes();
    CHECK(settled_bytes <= ledgers * 500);

    constexpr std::int64_t requests = 3 * costly_owners;
    std::vector<queue::Settlement> flying;
    for (int i = 0; i < 3; ++i)
        for (int owner = 0; owner < costly_owners; ++owner) flying.push_back(load.reserve(owner));
    CHECK(load.keys() == settled_keys + 2);
    CHECK(load.bytes() <= settled_bytes + requests * (300 + 50 * costly_limits));
    for (auto& settlement : flying) load.settle(std::move(settlement));
    CHECK(load.keys() == settled_keys);
}

}  // namespace pawl::test
