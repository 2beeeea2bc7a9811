// What every adapter of queue/page_queue.hpp does.
#include <numeric>

#include "tests/queue/harnesses.hpp"
#include "tests/queue/walk.hpp"
#include "tests/support/catch.hpp"

namespace pawl::test {

using queue::Advance;
using queue::OfferAnswer;

namespace {

std::vector<int> all_shards() {
    std::vector<int> shards(queue::shard_count);
    std::iota(shards.begin(), shards.end(), 0);
    return shards;
}

template <typename Harness>
std::vector<int> hold(Harness& queues, core::Nonce worker, core::Millis ttl = long_ttl) {
    auto held = queues.run(queues.pages().hold_shards(worker, ttl));
    std::ranges::sort(held);
    return held;
}

/// A leased slice with some pages on the queue.
template <typename Harness>
Walk<Harness> walk_with_pages(Harness& queues, core::SliceId slice, int pages,
                              std::size_t body_size = 10) {
    Walk walk(queues, slice);
    if (walk.offer() != OfferAnswer::offered) throw std::runtime_error("not offered");
    walk.take();
    for (int i = 0; i < pages; ++i) walk.step(false, body_size);
    return walk;
}

}  // namespace

TEMPLATE_TEST_CASE("a lone worker holds all shards, two share them", "[page_queue]", PAWL_QUEUES) {
    TestType queues;
    const auto first = core::Nonce::random(queues.random),
               second = core::Nonce::random(queues.random);
    CHECK(hold(queues, first) == all_shards());
    CHECK(hold(queues, second).empty());  // until the first one gives up what is too much
    const auto kept = hold(queues, first);
    CHECK(kept.size() == 8);
    const auto taken = hold(queues, second);
    CHECK(taken.size() == 8);
    std::vector<int> both;
    std::ranges::set_union(kept, taken, std::back_inserter(both));
    CHECK(both == all_shards());
}

TEMPLATE_TEST_CASE("shards of a worker that is silent or gone go to another", "[page_queue]",
                   PAWL_QUEUES) {
    TestType queues;
    walk_with_pages(queues, 3, 2);
    const auto first = core::Nonce::random(queues.random),
               second = core::Nonce::random(queues.random);
    SECTION("silent past its lease") {
        CHECK(hold(queues, first, short_ttl).size() == 16);
        queues.pass(short_ttl + core::Millis(20));
        CHECK(hold(queues, second) == all_shards());
        CHECK(hold(queues, first).empty());
    }
    SECTION("gone in good order") {
        CHECK(hold(queues, first).size() == 16);
        queues.run(queues.pages().release_shards(first));
        CHECK(hold(queues, second) == all_shards());
    }
}

TEMPLATE_TEST_CASE("a shard is read from the start until its entries are acknowledged",
                   "[page_queue]", PAWL_QUEUES) {
    TestType queues;
    walk_with_pages(queues, 5, 3);
    const auto first = read_shard(queues, 5);
    REQUIRE(first.size() == 3);
    CHECK(read_shard(queues, 5, first[2].entry).empty());
    CHECK(read_shard(queues, 5, first[0].entry).size() == 2);
    CHECK(read_shard(queues, 6).empty());
    acknowledge(queues, first[0]);
    CHECK(read_shard(queues, 5).size() == 2);  // a worker that takes the shard over
}

TEMPLATE_TEST_CASE("a read keeps to its bounds and comes to every shard", "[page_queue]",
                   PAWL_QUEUES) {
    TestType queues;
    std::map<int, std::string> after;
    for (const core::SliceId slice : {1, 2, 3}) {
        walk_with_pages(queues, slice, 4, 2'000);
        after[queue::shard_of(slice)] = "";
    }
    std::size_t read = 0;
    const auto jobs_max = GENERATE(std::size_t{1}, std::size_t{2}, std::size_t{100});
    const auto bytes_max = GENERATE(std::size_t{1}, std::size_t{6'000}, std::size_t{1} << 20);
    for (int turn = 0; turn < 12 && read < 12; ++turn) {
        const auto jobs =
            queues.run(queues.pages().read(after, jobs_max, bytes_max, core::Millis(0)));
        REQUIRE_FALSE(jobs.empty());
        CHECK(jobs.size() <= jobs_max);
        std::size_t bytes = 0;
        for (const auto& job : jobs) {
            bytes += job.envelope.size() + job.body.size();
            CHECK(queue::entry_before(after[job.shard].empty() ? "0-0" : after[job.shard],
                                      job.entry));
            after[job.shard] = job.entry;
        }
        if (jobs.size() > 1) CHECK(bytes <= bytes_max);
        read += jobs.size();
    }
    CHECK(read == 12);
}

TEMPLATE_TEST_CASE("a read waits for a page and no longer than told", "[page_queue]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    std::map<int, std::string> after{{0, ""}, {1, ""}};
    CHECK(queues.run(queues.pages().read(after, 10, 1000, core::Millis(20))).empty());
    bool has_read = false;
    boost::asio::co_spawn(queues.io, queues.pages().read(after, 10, 1000, core::Millis(10'000)),
                          [&](std::exception_ptr error, std::vector<queue::QueuedJob> jobs) {
                              has_read = !error && jobs.size() == 1;
                          });
    queues.pass(core::Millis(20));
    CHECK_FALSE(has_read);
    walk.step();  // the connection that waits blocks no one
    run_until(queues.io, core::Millis(5'000), [&] { return has_read; });
    CHECK(has_read);
}

TEMPLATE_TEST_CASE("the oldest entries of a shard are found, and one by its id", "[page_queue]",
                   PAWL_QUEUES) {
    TestType queues;
    walk_with_pages(queues, 4, 3);
    const auto jobs = read_shard(queues, 4);
    const auto oldest = queues.run(queues.pages().oldest(4, 2));
    CHECK(oldest == std::vector<std::string>{jobs.at(0).entry, jobs.at(1).entry});
    const auto found = queues.run(queues.pages().fetch(4, jobs[1].entry));
    REQUIRE(found);
    CHECK(found->envelope == jobs[1].envelope);
    CHECK(found->body == jobs[1].body);
    acknowledge(queues, jobs[1]);
    CHECK_FALSE(queues.run(queues.pages().fetch(4, jobs[1].entry)));
}

TEMPLATE_TEST_CASE("starts without an end are counted until the page is acknowledged",
                   "[page_queue]", PAWL_QUEUES) {
    TestType queues;
    walk_with_pages(queues, 1, 1);
    const auto queued = read_shard(queues, 1).at(0);
    const auto link = acknowledgement_of(queued).link;
    std::vector<core::Link> links{link, core::Link::random(queues.random)};
    CHECK(queues.run(queues.pages().start(links)) == std::vector<int>{0, 0});
    CHECK(queues.run(queues.pages().start(links)) == std::vector<int>{1, 1});
    queues.run(queues.pages().give_back(links));
    CHECK(queues.run(queues.pages().start(links)) == std::vector<int>{1, 1});
    acknowledge(queues, queued);
    CHECK(queues.run(queues.pages().start(links)) == std::vector<int>{0, 2});
}

TEMPLATE_TEST_CASE("bytes on the queue are counted and never fall below none", "[page_queue]",
                   PAWL_QUEUES) {
    TestType queues;
    walk_with_pages(queues, 1, 2, 1'000);
    auto totals = queues.run(queues.pages().totals());
    CHECK(totals.jobs == 2);
    CHECK(totals.bytes > 2'000);
    CHECK(totals.oldest_seconds < 60);
    const auto jobs = read_shard(queues, 1);
    auto too_much = acknowledgement_of(jobs.at(0));
    too_much.bytes = 1'000'000;
    std::vector<queue::Acknowledgement> done{too_much};
    queues.run(queues.pages().acknowledge(done));
    totals = queues.run(queues.pages().totals());
    CHECK(totals.jobs == 1);
    CHECK(totals.bytes == 0);
    acknowledge(queues, jobs.at(1));
    acknowledge(queues, jobs.at(1));  // twice, after a lost reply
    totals = queues.run(queues.pages().totals());
    CHECK(totals.jobs == 0);
    CHECK(totals.bytes == 0);
}

TEMPLATE_TEST_CASE("acknowledging a page of a dead branch leaves the index of the new one alone",
                   "[page_queue]", PAWL_QUEUES) {
    TestType queues;
    auto walk = walk_with_pages(queues, 1, 1);
    const auto dead = read_shard(queues, 1).at(0);
    std::vector<core::SliceId> slices{1};
    queues.run(queues.frontiers().forget(slices));
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.step();
    acknowledge(queues, dead, false);
    CHECK(walk.view().chained == 1);
    CHECK(walk.offer() == OfferAnswer::chained);
}

TEMPLATE_TEST_CASE("the committed last page ends a slice, whatever a later branch believes",
                   "[page_queue]", PAWL_QUEUES) {
    TestType queues;
    Walk walk(queues);
    CHECK(walk.offer() == OfferAnswer::offered);
    walk.take();
    walk.step(true);
    const auto last = acknowledgement_of(read_shard(queues, 1).at(0));
    acknowledge(queues, read_shard(queues, 1).at(0), false);
    CHECK(walk.offer() == OfferAnswer::reseeded);
    walk.take("b");
    walk.step();
    std::vector<queue::Acknowledgement> done{last};
    queues.run(queues.pages().acknowledge(done));
    CHECK(walk.view().seq == -1);
    CHECK(read_shard(queues, 1).empty());
    CHECK(walk.advance(walk.page()) == Advance::fenced);
}

TEMPLATE_TEST_CASE("a slice that was finished before its page came is forgotten, and can be offered",
                   "[page_queue]", PAWL_QUEUES) {
    TestType queues;
    auto walk = walk_with_pages(queues, 1, 2);  // after a wipe, say, of a slice that Postgres has finished
    auto late = acknowledgement_of(read_shard(queues, 1).at(0));
    late.committed = false;
    late.ended = true;
    std::vector<queue::Acknowledgement> done{late};
    queues.run(queues.pages().acknowledge(done));
    CHECK(walk.view().seq == -1);
    CHECK(read_shard(queues, 1).empty());
    CHECK(walk.advance(walk.page()) == Advance::fenced);
    CHECK(walk.offer() == OfferAnswer::offered);  // it was not told that this branch was stored
}

}  // namespace pawl::test
