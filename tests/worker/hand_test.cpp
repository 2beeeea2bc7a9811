#include "worker/hand.hpp"

#include "tests/support/catch.hpp"

using namespace pawl;
using worker::BatchBounds;
using worker::Hand;

namespace {

worker::HeldJobPtr job(core::SliceId slice, std::int64_t seq, std::uint64_t body = 10, bool alone = false) {
    auto held = std::make_shared<worker::HeldJob>();
    held->shard = queue::shard_of(slice);
    held->entry = std::to_string(slice) + "-" + std::to_string(seq);
    held->job.slice = slice;
    held->job.seq = seq;
    held->job.body_size = body;
    held->queue_bytes = 100;
    held->alone = alone;
    return held;
}

std::vector<std::int64_t> seqs(const std::vector<worker::HeldJobPtr>& jobs) {
    std::vector<std::int64_t> out;
    for (const auto& held : jobs) out.push_back(held->job.seq);
    return out;
}

using Seqs = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("an entry is held once", "[hand]") {
    Hand hand(2, 10, 10'000);
    CHECK(hand.take(job(1, 1)));
    CHECK_FALSE(hand.take(job(1, 1)));
    CHECK(hand.jobs_free() == 9);
    CHECK(hand.bytes_free() == 9'900);
}

TEST_CASE("a batch is bounded by pages and bytes and holds at least one job", "[hand]") {
    Hand hand(1, 100, 1'000'000);
    for (int seq = 1; seq <= 5; ++seq) hand.take(job(16, seq, 40));
    CHECK(seqs(hand.next_batch(0, {.pages = 2, .bytes = 1'000})) == Seqs{1, 2});
    CHECK(seqs(hand.next_batch(0, {.pages = 9, .bytes = 50})) == Seqs{3, 4});
    CHECK(seqs(hand.next_batch(0, {.pages = 9, .bytes = 1})) == Seqs{5});
    CHECK_FALSE(hand.has_work(0));
}

TEST_CASE("pages of one slice go to one writer, in order", "[hand]") {
    Hand hand(3, 100, 1'000'000);
    for (int seq = 1; seq <= 3; ++seq)
        for (core::SliceId slice = 1; slice <= 16; ++slice) hand.take(job(slice, seq));
    std::map<core::SliceId, Seqs> seen;
    for (int writer = 0; writer < 3; ++writer)
        for (const auto& held : hand.next_batch(writer, {.pages = 100, .bytes = 100'000})) {
            CHECK(hand.writer_of(held->shard) == writer);
            seen[held->job.slice].push_back(held->job.seq);
        }
    CHECK(seen.size() == 16);
    for (const auto& [slice, order] : seen) CHECK(order == Seqs{1, 2, 3});
}

TEST_CASE("a quarantined job is worked alone", "[hand]") {
    Hand hand(1, 100, 1'000'000);
    hand.take(job(1, 1));
    hand.take(job(1, 2, 10, true));
    hand.take(job(1, 3));
    const BatchBounds bounds;
    CHECK(seqs(hand.next_batch(0, bounds)) == Seqs{1});
    CHECK(hand.batch_is_full(0, bounds));
    CHECK(seqs(hand.next_batch(0, bounds)) == Seqs{2});
    CHECK(seqs(hand.next_batch(0, bounds)) == Seqs{3});
}

TEST_CASE("parked jobs wait aside until their slice moves, in order", "[hand]") {
    Hand hand(1, 100, 1'000'000);
    for (int seq = 2; seq <= 4; ++seq) hand.take(job(1, seq));
    auto batch = hand.next_batch(0, {});
    CHECK(hand.park(batch[2]));
    CHECK(hand.park(batch[0]));
    CHECK(hand.park(batch[1]));
    CHECK(hand.parked_count() == 3);
    CHECK_FALSE(hand.has_work(0));
    hand.take(job(1, 5));
    hand.unpark(2);
    CHECK(hand.parked_count() == 3);
    hand.unpark(1);
    CHECK(hand.parked_count() == 0);
    CHECK(seqs(hand.next_batch(0, {})) == Seqs{2, 3, 4, 5});
}

TEST_CASE("what is parked never fills the hand", "[hand]") {
    Hand hand(1, 8, 1'000'000);
    int parked = 0;
    for (int seq = 2; seq < 12; ++seq) {
        auto held = job(1, seq);
        hand.take(held);
        (void)hand.next_batch(0, {});
        if (hand.park(held)) ++parked;
    }
    CHECK(parked == 2);
    CHECK(hand.jobs_free() == 6);  // the others were let go: they are still on their shard
}

TEST_CASE("a lost shard takes along what no writer has begun", "[hand]") {
    Hand hand(1, 100, 1'000'000);
    hand.take(job(1, 1));
    auto begun = hand.next_batch(0, {});
    hand.take(job(1, 2));
    hand.take(job(2, 1));
    hand.take(job(17, 9));
    auto parked = hand.next_batch(0, {});
    hand.park(parked[2]);
    hand.put_back(0, {parked[0], parked[1]});
    hand.drop_waiting({1});
    CHECK(seqs(hand.next_batch(0, {})) == Seqs{1});
    CHECK(hand.parked_count() == 0);
    CHECK(hand.holds(1, "1-1"));
    CHECK_FALSE(hand.holds(1, "1-2"));
    hand.let_go(begun[0]);
    CHECK_FALSE(hand.holds(1, "1-1"));
}
