// What every adapter of queue/frontiers.hpp does.
#include "tests/queue/harnesses.hpp"
#include "tests/queue/walk.hpp"
#include "tests/support/catch.hpp"

namespace pawl::test {

using queue::Advance;
using queue::OfferAnswer;

TEMPLATE_TEST_CASE("an offered slice is leased with its tip as frontier", "[frontiers]",
                   PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    walk.tip.seq = 4;
    walk.tip.cursor = std::string("page=5\0&x", 9);
    CHECK(walk.offer() == OfferAnswer::offered);
    CHECK(walk.offer() == OfferAnswer::waiting);
    const auto lease = walk.take();
    CHECK(lease.slice.slice == 1);
    CHECK(lease.slice.part == "part/1");
    CHECK(lease.seq == 4);
    CHECK(lease.link == walk.tip.link);
    CHECK(lease.cursor == walk.tip.cursor);
    CHECK_FALSE(lease.lapsed);
    CHECK(lease.attempts == 0);
    CHECK(walk.offer() == OfferAnswer::leased);
    CHECK(queues.run(queues.frontiers().lease("b", 5, long_ttl, core::SliceClass::backfill)).empty());
}

TEMPLATE_TEST_CASE("live slices are leased before backfill ones, in the order of their offers",
                   "[frontiers]", PAWL_QUEUES) {
    TestType queues;
    for (const core::SliceId slice : {30, 20}) {
        CHECK(Walk(queues, slice).offer(core::SliceClass::backfill) == OfferAnswer::offered);
    }
    CHECK(Walk(queues, 10).offer(core::SliceClass::live) == OfferAnswer::offered);
    CHECK(Walk(queues, 15).offer(core::SliceClass::on_demand) == OfferAnswer::offered);
    const auto totals = queues.run(queues.frontiers().totals());
    CHECK(totals.of(core::SliceClass::live) == 1);
    CHECK(totals.of(core::SliceClass::backfill) == 2);
    CHECK(totals.offered() == 4);
    const auto lease = [&](core::SliceClass lowest) {
        std::vector<core::SliceId> order;
        for (const auto& taken : queues.run(queues.frontiers().lease("a", 3, long_ttl, lowest)))
            order.push_back(taken.slice.slice);
        return order;
    };
    CHECK(lease(core::SliceClass::on_demand) == std::vector<core::SliceId>{10, 15});
    CHECK(lease(core::SliceClass::live).empty());
    CHECK(lease(core::SliceClass::backfill) == std::vector<core::SliceId>{30, 20});
    CHECK(queues.run(queues.frontiers().totals()).leased == 4);
}

TEMPLATE_TEST_CASE("a page moves the frontier and lies on the queue", "[frontiers]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues, 17);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    const auto job = walk.step();
    const auto view = walk.view();
    CHECK(view.seq == 1);
    CHECK(view.link == job.link);
    CHECK(view.leased);
    CHECK_FALSE(view.done);
    CHECK(view.chained == 1);
    const auto queued = read_shard(queues, queue::shard_of(17));
    REQUIRE(queued.size() == 1);
    const auto back = core::Job::decode(queued[0].envelope, queued[0].body);
    CHECK(back.link == job.link);
    CHECK(back.body == job.body);
}

TEMPLATE_TEST_CASE("a page sent twice is a duplicate, queued once", "[frontiers]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    const auto last = GENERATE(false, true);
    const auto job = walk.page(last);
    CHECK(walk.advance(job) == Advance::ok);
    CHECK(walk.advance(job) == Advance::duplicate);
    CHECK(read_shard(queues, 1).size() == 1);
}

TEMPLATE_TEST_CASE("a page is fenced by nonce, by number and by link", "[frontiers]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    auto job = walk.page();
    SECTION("another nonce") { walk.lease.nonce = core::Nonce::random(queues.random); }
    SECTION("a page out of order") { job.seq = 2; }
    SECTION("another predecessor") { job.previous = core::Link::random(queues.random); }
    SECTION("a slice that is not known") { job.slice = 99; }
    CHECK(walk.advance(job) == Advance::fenced);
    CHECK(queues.run(queues.pages().totals()).jobs == 0);
    CHECK(walk.view().seq == 0);
}

TEMPLATE_TEST_CASE("a lapsed lease is taken over, and fences the one before", "[frontiers]",
                   PAWL_QUEUES) {
    TestType queues;
    Walk zombie(queues);
    CHECK(zombie.offer() == OfferAnswer::offered);
    zombie.take("a", short_ttl);
    zombie.lease.seq = 0;
    queues.pass(short_ttl + core::Millis(20));
    Walk heir = zombie;
    const auto lease = heir.take("b");
    CHECK(lease.lapsed);
    CHECK(zombie.advance(zombie.page()) == Advance::fenced);
    heir.step();
    std::vector<std::pair<core::SliceId, core::Nonce>> leases{{1, zombie.lease.nonce}};
    CHECK(queues.run(queues.frontiers().renew(leases, long_ttl)) == std::vector<core::SliceId>{1});
}

TEMPLATE_TEST_CASE("a renewed lease does not lapse", "[frontiers]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take("a", short_ttl);
    SECTION("renewed by renew") {
        std::vector<std::pair<core::SliceId, core::Nonce>> leases{{1, walk.lease.nonce}};
        CHECK(queues.run(queues.frontiers().renew(leases, long_ttl)).empty());
    }
    SECTION("renewed by a page") { walk.step(); }
    queues.pass(short_ttl + core::Millis(20));
    CHECK(queues.run(queues.frontiers().lease("b", 1, long_ttl, core::SliceClass::backfill)).empty());
}

TEMPLATE_TEST_CASE("a lapsed lease that nobody took goes on when renewed", "[frontiers]",
                   PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take("a", short_ttl);
    queues.pass(short_ttl + core::Millis(20));
    std::vector<std::pair<core::SliceId, core::Nonce>> leases{{1, walk.lease.nonce}};
    CHECK(queues.run(queues.frontiers().renew(leases, long_ttl)).empty());
    CHECK(walk.advance(walk.page()) == Advance::ok);
}

TEMPLATE_TEST_CASE("a released slice waits again and goes on where it was", "[frontiers]",
                   PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    const auto job = walk.step();
    const auto old = walk.lease.nonce;
    queues.run(queues.frontiers().release(1, old));
    CHECK(queues.run(queues.frontiers().totals()).leased == 0);
    const auto lease = walk.take("b");
    CHECK(lease.seq == 1);
    CHECK(lease.link == job.link);
    CHECK(lease.cursor == job.next_cursor);
    CHECK_FALSE(lease.lapsed);
    queues.run(queues.frontiers().release(1, old));  // of an earlier lease: changes nothing
    CHECK(walk.view().leased);
}

TEMPLATE_TEST_CASE("an owner takes back at once what it held", "[frontiers]", PAWL_QUEUES) {
    TestType queues;
    for (const core::SliceId slice : {1, 2, 3}) {
        CHECK(Walk(queues, slice).offer() == OfferAnswer::offered);
    }
    CHECK(queues.run(queues.frontiers().lease("a", 2, long_ttl, core::SliceClass::backfill)).size() == 2);
    CHECK(queues.run(queues.frontiers().lease("b", 1, long_ttl, core::SliceClass::backfill)).size() == 1);
    CHECK(queues.run(queues.frontiers().reclaim("a")) == 2);
    CHECK(queues.run(queues.frontiers().reclaim("a")) == 0);
    const auto leases = queues.run(queues.frontiers().lease("a", 3, long_ttl, core::SliceClass::backfill));
    REQUIRE(leases.size() == 2);
    CHECK_FALSE(leases[0].lapsed);
    CHECK(queues.run(queues.frontiers().totals()).leased == 3);
}

TEMPLATE_TEST_CASE("failed fetches are counted per page and survive the collector", "[frontiers]",
                   PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    CHECK(queues.run(queues.frontiers().count_attempt(1, walk.lease.nonce)) == 1);
    CHECK(queues.run(queues.frontiers().count_attempt(1, walk.lease.nonce)) == 2);
    CHECK(queues.run(queues.frontiers().count_attempt(1, core::Nonce::random(queues.random))) == 2);
    CHECK(queues.run(queues.frontiers().reclaim("a")) == 1);
    CHECK(walk.take("b").attempts == 2);
    walk.step();
    CHECK(queues.run(queues.frontiers().count_attempt(1, walk.lease.nonce)) == 1);
}

TEMPLATE_TEST_CASE("a page that has no room waits until there is some", "[frontiers]",
                   PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.step(false, contract_bytes_max);  // alone on the queue: it must be possible at all
    const auto job = walk.page();
    CHECK(walk.advance(job) == Advance::full);
    CHECK(walk.view().seq == 1);
    acknowledge(queues, read_shard(queues, 1).at(0));
    CHECK(walk.advance(job) == Advance::ok);
    const auto totals = queues.run(queues.pages().totals());
    CHECK(totals.jobs == 1);
    CHECK(totals.bytes ==
          static_cast<std::int64_t>(job.body.size() + job.encode_envelope().size()));
}

TEMPLATE_TEST_CASE("reserved room pays for a page and is given back with it", "[frontiers]",
                   PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    std::vector<queue::Payer> payers{queue::Payer{}};
    const auto first = queues.run(queues.quota().reserve(payers, 90'000));
    REQUIRE(std::holds_alternative<queue::Granted>(first));
    CHECK(queues.run(queues.pages().totals()).bytes_reserved == 90'000);
    walk.step(false, 5'000);  // the rest is too little for the next without a reservation
    const auto job = walk.page(false, 50'000);
    CHECK(walk.advance(job) == Advance::full);
    CHECK(walk.advance(job, std::get<queue::Granted>(first).reservation) == Advance::ok);
    CHECK(queues.run(queues.pages().totals()).bytes_reserved == 0);
    const auto second = queues.run(queues.quota().reserve(payers, 90'000));
    REQUIRE(std::holds_alternative<queue::Wait>(second));
    CHECK(std::get<queue::Wait>(second).reason == "room");
}

TEMPLATE_TEST_CASE("the last page ends the lease, and its acknowledgement forgets the slice",
                   "[frontiers]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.step();
    walk.step(true);
    const auto view = walk.view();
    CHECK(view.done);
    CHECK_FALSE(view.leased);
    CHECK(view.chained == 2);
    CHECK(queues.run(queues.frontiers().lease("b", 1, long_ttl, core::SliceClass::backfill)).empty());
    for (const auto& queued : read_shard(queues, 1)) acknowledge(queues, queued);
    CHECK(walk.view().seq == -1);
    const auto totals = queues.run(queues.pages().totals());
    CHECK(totals.jobs == 0);
    CHECK(totals.bytes == 0);
    // An offer whose tip was read before the last page was committed must not ask for it again.
    CHECK(walk.offer() == OfferAnswer::behind);
    CHECK(walk.view().seq == -1);
    // Unless Postgres was set back, and says the same again.
    CHECK(walk.offer(core::SliceClass::backfill, true) == OfferAnswer::offered);
}

TEMPLATE_TEST_CASE("an offer changes nothing while a queued page continues the tip",
                   "[frontiers][seed]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    const auto first = walk.step();
    walk.step();
    CHECK(walk.offer() == OfferAnswer::chained);
    walk.commit(first);
    CHECK(walk.offer() == OfferAnswer::chained);
    CHECK(walk.view().seq == 2);
    CHECK(walk.view().chained == 2);
}

TEMPLATE_TEST_CASE(
    "a frontier ahead with nothing queued behind the tip is written anew, its dead branch purged",
    "[frontiers][seed]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.step();
    walk.step();
    walk.step();
    const auto queued = read_shard(queues, 1);
    acknowledge(queues, queued.at(0),
                false);  // page 1 went, uncommitted: 2 and 3 can never be committed
    CHECK(walk.offer() == OfferAnswer::reseeded);
    CHECK(read_shard(queues, 1).empty());
    CHECK(queues.run(queues.pages().totals()).bytes == 0);
    CHECK(walk.view().seq == 0);
    CHECK(walk.view().chained == 0);
    CHECK(walk.advance(walk.page()) == Advance::fenced);  // the lease was revoked
    CHECK(walk.take("b").seq == 0);
    walk.step();
}

TEMPLATE_TEST_CASE("a done frontier whose last page got lost is written anew", "[frontiers][seed]",
                   PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.step(true);
    CHECK(walk.offer() == OfferAnswer::chained);
    acknowledge(queues, read_shard(queues, 1).at(0), false);
    CHECK(walk.offer() == OfferAnswer::reseeded);
    CHECK(walk.take().seq == 0);
}

TEMPLATE_TEST_CASE("a frontier behind the tip is written anew", "[frontiers][seed]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    const auto job = walk.page();
    walk.commit(job);  // Redis was set back: Postgres knows a page that it does not
    walk.tip.seq = 7;
    CHECK(walk.offer() == OfferAnswer::reseeded);
    CHECK(walk.take().seq == 7);
}

TEMPLATE_TEST_CASE("a tip older than what was acknowledged is not believed, unless forced",
                   "[frontiers][seed]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    const auto genesis = walk.tip;
    walk.take();
    const auto job = walk.step();
    walk.commit(job);
    acknowledge(queues, read_shard(queues, 1).at(0));
    CHECK(walk.offer() == OfferAnswer::leased);
    walk.tip = genesis;
    CHECK(walk.offer() == OfferAnswer::behind);
    CHECK(walk.view().seq == 1);
    CHECK(walk.offer(core::SliceClass::backfill, true) == OfferAnswer::reseeded);
    CHECK(walk.view().seq == 0);
    CHECK(walk.offer() == OfferAnswer::waiting);
}

TEMPLATE_TEST_CASE("a queue that lost everything is adopted and filled again", "[frontiers][seed]",
                   PAWL_QUEUES) {
    TestType queues;
    const auto catalogue = core::Token::random(queues.random);
    CHECK_FALSE(queues.run(queues.frontiers().instance()));
    const auto before = queues.run(queues.frontiers().adopt(catalogue, false));
    CHECK(before.instance == catalogue);
    CHECK(queues.run(queues.frontiers().adopt(catalogue, false)).epoch == before.epoch);
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.commit(walk.step());
    queues.wipe();
    CHECK_FALSE(queues.run(queues.frontiers().instance()));
    CHECK(walk.advance(walk.page()) == Advance::fenced);
    CHECK(queues.run(queues.frontiers().adopt(catalogue, false)).epoch != before.epoch);
    CHECK(walk.offer() == OfferAnswer::offered);
    CHECK(walk.take().seq == 1);
    walk.step();
}

TEMPLATE_TEST_CASE("a queue that works for another catalogue is not adopted without being told",
                   "[frontiers]", PAWL_QUEUES) {
    TestType queues;
    const auto mine = core::Token::random(queues.random),
               other = core::Token::random(queues.random);
    CHECK(queues.run(queues.frontiers().adopt(other, false)).instance == other);
    CHECK(queues.run(queues.frontiers().adopt(mine, false)).instance == other);
    CHECK(queues.run(queues.frontiers().adopt(mine, true)).instance == mine);
    CHECK(queues.run(queues.frontiers().instance())->instance == mine);
}

TEMPLATE_TEST_CASE("forgetting a slice leaves nothing of it", "[frontiers]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.step();
    std::vector<core::SliceId> slices{1, 2};
    queues.run(queues.frontiers().forget(slices));
    CHECK(walk.view().seq == -1);
    CHECK(read_shard(queues, 1).empty());
    CHECK(queues.run(queues.frontiers().totals()).leased == 0);
    CHECK(queues.run(queues.pages().totals()).bytes == 0);
    CHECK(walk.advance(walk.page()) == Advance::fenced);
}

}  // namespace pawl::test
