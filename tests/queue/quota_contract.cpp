// What every adapter of queue/quota.hpp does.
#include <algorithm>
#include <map>

#include "tests/queue/harnesses.hpp"
#include "tests/support/catch.hpp"

namespace pawl::test {

using queue::Granted;
using queue::LimitAsk;
using queue::LimitFeedback;
using queue::Pace;
using queue::Payer;
using queue::Settlement;
using queue::Wait;
using Answer = std::variant<Granted, Wait>;

namespace {

constexpr std::int64_t second = 1'000'000;

LimitAsk window_limit(const std::string& owner, std::int64_t count,
                      std::int64_t period_us = 3600 * second) {
    LimitAsk ask;
    ask.name = "core";
    ask.owner = owner;
    ask.count = count;
    ask.period_us = period_us;
    ask.pace = Pace::told;
    return ask;
}

LimitAsk spaced_limit(std::int64_t count, std::int64_t period_us, std::int64_t burst) {
    LimitAsk ask = window_limit("", count, period_us);
    ask.name = "search";
    ask.burst = burst;
    ask.pace = Pace::sliding;
    return ask;
}

LimitAsk slots(std::int64_t concurrency) {
    LimitAsk ask;
    ask.name = "slots";
    ask.concurrency = concurrency;
    return ask;
}

Payer payer_of(const std::string& owner, std::vector<LimitAsk> limits) {
    return {owner, std::move(limits), owner};
}

bool granted(const Answer& answer) { return std::holds_alternative<Granted>(answer); }
std::string reason(const Answer& answer) {
    return granted(answer) ? "granted" : std::get<Wait>(answer).reason;
}
core::Millis retry_in(const Answer& answer) { return std::get<Wait>(answer).retry_in; }

/// Asks for one payer and settles as an API would make the collector do.
template <typename Harness>
class Client {
  public:
    Client(Harness& queues, Payer payer) : queues_(queues), payer_(std::move(payer)) {}

    Answer reserve() {
        std::vector<Payer> payers{payer_};
        return queues_.run(queues_.quota().reserve(std::move(payers), 0));
    }
    Settlement settlement(const Answer& answer) const {
        Settlement settled;
        settled.reservation = std::get<Granted>(answer).reservation;
        settled.limits = payer_.limits;
        return settled;
    }
    void settle(Settlement settled) { queues_.run(queues_.quota().settle(std::move(settled))); }
    void settle(const Answer& answer) { settle(settlement(answer)); }
    void refund(const Answer& answer) {
        auto settled = settlement(answer);
        settled.refund = true;
        settle(std::move(settled));
    }
    /// The API says how much is left of its window.
    void tell(const Answer& answer, std::int64_t limit, std::int64_t remaining,
              std::int64_t reset_at_us, bool is_free = false) {
        auto settled = settlement(answer);
        LimitFeedback told;
        told.name = payer_.limits.at(0).name;
        told.owner = payer_.limits.at(0).owner;
        told.limit = limit;
        told.remaining = remaining;
        told.reset_at_us = reset_at_us;
        settled.feedback = {told};
        settled.refund = is_free;
        settle(std::move(settled));
    }
    /// Requests that are granted at once, none of them settled.
    int spend(int max = 1000) {
        int count = 0;
        while (count < max && granted(reserve())) ++count;
        return count;
    }

  private:
    Harness& queues_;
    Payer payer_;
};

}  // namespace

TEMPLATE_TEST_CASE("a new window is probed by one request, then spent up to its count", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann", {window_limit("ann", 10)}));
    const auto probe = client.reserve();
    REQUIRE(granted(probe));
    CHECK(reason(client.reserve()) == "core");
    client.tell(probe, 10, 9, queues.now_us() + 600 * second);
    CHECK(client.spend() == 9);
    const auto refused = client.reserve();
    CHECK(reason(refused) == "core");
    CHECK(retry_in(refused) > core::Millis(590'000));
    CHECK(retry_in(refused) < core::Millis(602'000));
}

TEMPLATE_TEST_CASE("a wiped ledger is probed again before it is spent", "[quota]", PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann", {window_limit("ann", 10)}));
    const auto reset = queues.now_us() + 600 * second;
    client.tell(client.reserve(), 10, 9, reset);
    CHECK(client.spend(6) == 6);
    queues.wipe();
    const auto probe = client.reserve();
    REQUIRE(granted(probe));
    CHECK_FALSE(granted(client.reserve()));
    client.tell(probe, 10, 2, reset);
    CHECK(client.spend() == 2);
}

TEMPLATE_TEST_CASE("a probe that was never answered as such does not open the window", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann", {window_limit("ann", 10)}));
    client.refund(client.reserve());  // never sent
    client.settle(client.reserve());  // an answer that told nothing
    const auto probe = client.reserve();
    REQUIRE(granted(probe));
    CHECK_FALSE(granted(client.reserve()));
    client.settle(probe);
    client.settle(client.reserve());  // the third that told nothing: this API does not tell
    CHECK(client.spend() == 7);       // three answers are counted
}

TEMPLATE_TEST_CASE("feedback corrects the ledger upwards and, once all is answered, downwards",
                   "[quota]", PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann", {window_limit("ann", 10)}));
    const auto reset = queues.now_us() + 600 * second;
    client.tell(client.reserve(), 10, 5, reset);  // someone else uses the account too
    const auto a = client.reserve(), b = client.reserve(), c = client.reserve();
    client.tell(c, 10, 4, reset);  // counted first; a and b may or may not be in the 4 yet
    CHECK(client.spend(1) == 1);
    client.tell(a, 10, 4, reset, true);  // a free one
    client.tell(b, 10, 3, reset);
    CHECK(client.spend() == 2);  // 3 left, one of them in flight
}

TEMPLATE_TEST_CASE("responses out of order and of an older window change nothing", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann", {window_limit("ann", 10)}));
    const auto reset = queues.now_us() + 600 * second;
    const auto probe = client.reserve();
    client.tell(probe, 10, 9, reset);
    const auto a = client.reserve(), b = client.reserve();
    client.tell(b, 10, 7, reset);
    client.tell(a, 10, 8, reset);
    client.tell(a, 10, 10, reset - 300 * second);
    client.tell(a, 10, 10, queues.now_us() - 5 * second);
    CHECK(client.spend() == 7);
}

TEMPLATE_TEST_CASE("a window that the API began anew is spent anew, less what is in flight",
                   "[quota]", PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann", {window_limit("ann", 10)}));
    const auto reset = queues.now_us() + 600 * second;
    client.tell(client.reserve(), 10, 9, reset);
    const auto first = client.reserve();
    CHECK(client.spend() == 8);
    client.tell(first, 10, 9, reset + 3600 * second);
    CHECK(client.spend() == 1);  // 10 - 1 told - 8 that may be counted in it
}

TEMPLATE_TEST_CASE(
    "a window ends a second after its reset, and the next is assumed to last a period", "[quota]",
    PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann", {window_limit("ann", 3)}));
    const auto probe = client.reserve();
    client.tell(probe, 3, 2, queues.now_us() + second / 10);
    CHECK(client.spend() == 2);
    queues.pass(core::Millis(200));
    CHECK_FALSE(granted(client.reserve()));
    queues.pass(core::Millis(1'000));
    const auto next = client.reserve();  // two are in flight, and may be counted in this window
    REQUIRE(granted(next));
    const auto refused = client.reserve();
    CHECK(retry_in(refused) > core::Millis(3'500'000));
    client.tell(next, 3, 2, queues.now_us() + 60 * second);  // the guess gives way
    CHECK(retry_in(client.reserve()) < core::Millis(62'000));
}

TEMPLATE_TEST_CASE("the limit that the API tells wins, less the reserve", "[quota]", PAWL_QUEUES) {
    TestType queues;
    auto ask = window_limit("ann", 80);
    ask.reserve = 0.2;
    Client client(queues, payer_of("ann", {ask}));
    client.tell(client.reserve(), 10, 9, queues.now_us() + 600 * second);
    CHECK(client.spend() == 7);
    const auto views = queues.run(queues.quota().view());
    REQUIRE(views.size() == 1);
    CHECK(views[0].limit == 8);
    CHECK(views[0].remaining == 0);
    CHECK(views[0].in_flight == 7);
    CHECK(views[0].owner == "ann");
}

TEMPLATE_TEST_CASE("without feedback no window of a period holds more than the count", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    const std::int64_t period = second / 4;
    const auto burst = GENERATE(1, 3, 6);
    const std::int64_t count = 6;
    Client client(queues, payer_of("", {spaced_limit(count, period, burst)}));
    std::vector<std::int64_t> times;
    const std::size_t enough = 3 * static_cast<std::size_t>(count);
    for (int asked = 0; times.size() < enough && asked < 5'000; ++asked) {
        const auto answer = client.reserve();
        if (granted(answer)) {
            times.push_back(std::get<Granted>(answer).at_us);
            client.settle(answer);
        } else {
            queues.pass(std::min(retry_in(answer), core::Millis(5)));
        }
    }
    for (std::size_t i = 0; i + count < times.size(); ++i)
        CHECK(times[i + count] - times[i] > period);
    CHECK(times.size() == enough);  // it never stops granting
}

TEMPLATE_TEST_CASE("a bucket lets its burst go at once, then all that flows in and no more", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    constexpr std::int64_t rate = 100, burst = 10;  // a second
    auto ask = spaced_limit(rate, second, burst);
    ask.pace = Pace::bucket;
    Client client(queues, payer_of("", {ask}));
    std::vector<std::int64_t> times;
    for (int asked = 0; times.size() < 60 && asked < 20'000; ++asked) {
        const auto answer = client.reserve();
        if (granted(answer)) {
            times.push_back(std::get<Granted>(answer).at_us);
            client.settle(answer);
        } else {
            queues.pass(core::Millis(1));
        }
    }
    REQUIRE(times.size() == 60);
    const std::int64_t interval = second / rate;
    for (std::size_t i = 0; i < times.size(); ++i)  // an API's own bucket, full at the first request, refuses none
        for (std::size_t j = i + burst; j < times.size(); ++j)
            CHECK(times[j] - times[i] >= (static_cast<std::int64_t>(j - i) - burst) * interval - 1'000);
    // Nor is it spaced wider, but for the first, before which nothing is known.
    CHECK(times.back() - times.front() < 60 * interval * 3 / 2);
}

TEMPLATE_TEST_CASE("a fixed window is spent at any pace until the clock ends it", "[quota]", PAWL_QUEUES) {
    TestType queues;
    auto ask = window_limit("ann", 5, 40 * second);  // a guard of 100 ms on either side
    ask.pace = Pace::fixed;
    ask.ends_us = queues.now_us() + second / 4;
    ask.next_ends_us = ask.ends_us + 40 * second;
    Client client(queues, payer_of("ann", {ask}));
    const auto first = client.reserve();
    REQUIRE(granted(first));
    client.settle(first);
    CHECK(client.spend(3) == 3);  // in flight when the window ends
    CHECK(client.spend() == 1);
    CHECK(reason(client.reserve()) == "core");
    queues.pass(core::Millis(180));
    const auto guarded = client.reserve();
    CHECK_FALSE(granted(guarded));
    CHECK(retry_in(guarded) <= core::Millis(200));
    queues.pass(core::Millis(220));
    CHECK(client.spend() == 1);  // four may be counted in the new window
    CHECK(retry_in(client.reserve()) > core::Millis(39'000));
}

TEMPLATE_TEST_CASE("a request that was answered around the end of a fixed window counts in the next one",
                   "[quota]", PAWL_QUEUES) {
    TestType queues;
    auto ask = window_limit("ann", 5, 40 * second);  // a guard of 100 ms on either side
    ask.pace = Pace::fixed;
    ask.ends_us = queues.now_us() + second / 4;
    ask.next_ends_us = ask.ends_us + 40 * second;
    Client client(queues, payer_of("ann", {ask}));
    const auto first = client.reserve();
    REQUIRE(granted(first));
    queues.pass(core::Millis(180));
    client.settle(first);
    queues.pass(core::Millis(220));
    CHECK(client.spend() == 4);
}

TEMPLATE_TEST_CASE("a free request is given back to a fixed window, but not to the one after it", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    auto ask = window_limit("ann", 2, 3600 * second);
    ask.pace = Pace::fixed;
    ask.ends_us = queues.now_us() + 600 * second;
    ask.next_ends_us = ask.ends_us + 3600 * second;
    Client client(queues, payer_of("ann", {ask}));
    const auto first = client.reserve();
    CHECK(client.spend() == 1);
    client.refund(first);
    client.refund(first);
    CHECK(client.spend() == 1);
}

TEMPLATE_TEST_CASE("a request takes as many units as it costs, of each limit its own", "[quota]", PAWL_QUEUES) {
    TestType queues;
    const auto pace = GENERATE(Pace::sliding, Pace::bucket, Pace::fixed);
    auto points = window_limit("ann", 10, 3600 * second);
    points.pace = pace;
    points.burst = 10;
    points.cost = 4;
    points.ends_us = queues.now_us() + 600 * second;
    points.next_ends_us = points.ends_us + 3600 * second;
    Client dear(queues, payer_of("ann", {points}));
    auto cheap_points = points;
    cheap_points.cost = 1;
    Client cheap(queues, payer_of("ann", {cheap_points}));
    auto free_points = points;
    free_points.cost = 0;
    Client free(queues, payer_of("ann", {free_points}));
    // The first request of a bucket of which nothing is known has no burst: it stands for what went before.
    const auto first = dear.reserve();
    REQUIRE(granted(first));
    if (pace == Pace::fixed) {
        CHECK(dear.spend() == 1);
        CHECK(cheap.spend() == 2);
    }
    CHECK_FALSE(granted(dear.reserve()));
    const auto nothing = free.reserve();
    REQUIRE(granted(nothing));
    free.settle(nothing);
    dear.refund(first);
    CHECK(cheap.spend() == 4);
    CHECK_FALSE(granted(dear.reserve()));
}

TEMPLATE_TEST_CASE("what the API tells is counted in units too", "[quota]", PAWL_QUEUES) {
    TestType queues;
    auto points = window_limit("ann", 100);
    points.cost = 10;
    Client client(queues, payer_of("ann", {points}));
    const auto reset = queues.now_us() + 600 * second;
    client.tell(client.reserve(), 100, 90, reset);
    const auto a = client.reserve(), b = client.reserve();
    client.tell(a, 100, 80, reset);
    client.settle(b);              // told nothing: its units are counted all the same
    CHECK(client.spend() == 7);    // 100 - 20 told - 10 untold
}

TEMPLATE_TEST_CASE("what a request really took is known from its answer", "[quota]", PAWL_QUEUES) {
    TestType queues;
    const auto pace = GENERATE(Pace::fixed, Pace::told, Pace::bucket);
    auto points = window_limit("ann", 20, 3600 * second);
    points.pace = pace;
    points.burst = 20;
    points.cost = 2;  // what the source file guesses
    points.ends_us = queues.now_us() + 600 * second;
    points.next_ends_us = points.ends_us + 3600 * second;
    Client client(queues, payer_of("ann", {points}));
    const auto answer = client.reserve();
    auto settled = client.settlement(answer);
    LimitFeedback told;
    told.name = "core";
    told.owner = "ann";
    told.cost = 7;
    if (pace == Pace::told) {  // its window is known, but not what remains after this request
        client.tell(answer, 20, 18, points.ends_us);
        settled = client.settlement(client.reserve());
    }
    settled.feedback = {told};
    client.settle(settled);
    client.settle(settled);  // twice, after a lost reply
    if (pace == Pace::bucket) {
        const auto empty = client.reserve();  // a first request stands for what went before
        REQUIRE_FALSE(granted(empty));
        CHECK(retry_in(empty) > core::Millis((2 + 5) * 179'000));
    } else {
        CHECK(client.spend() == (pace == Pace::fixed ? 6 : 5));  // 20 - 7, and 20 - 2 - 7: two units each
    }
}

TEMPLATE_TEST_CASE("a learned limit starts gently, grows while it is used and halves at trouble", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    auto ask = spaced_limit(1'000, second, 1);
    ask.pace = Pace::learned;
    ask.start = 50;
    Client client(queues, payer_of("", {ask}));
    const auto rate = [&] { return queues.run(queues.quota().view()).at(0).limit; };
    const auto answer_with = [&](queue::Signal signal, std::int64_t latency_us) {
        Answer answer = client.reserve();
        while (!granted(answer)) {
            queues.pass(retry_in(answer));
            answer = client.reserve();
        }
        auto settled = client.settlement(answer);
        settled.signal = signal;
        settled.latency_us = latency_us;
        client.settle(settled);
    };
    answer_with(queue::Signal::clean, 1'000);
    const auto begun = rate();
    CHECK(begun >= 50);
    for (int i = 0; i < 20; ++i) answer_with(queue::Signal::clean, 1'000);
    const auto grown = rate();
    CHECK(grown > begun);
    CHECK(grown < 200);  // a minute to the ceiling
    answer_with(queue::Signal::clean, 900'000);  // slow: no reason to ask faster
    CHECK(rate() == grown);
    answer_with(queue::Signal::trouble, 1'000);
    CHECK(rate() == (grown + 1) / 2);
    answer_with(queue::Signal::trouble, 5 * second);  // was under way already when it was halved
    CHECK(rate() == (grown + 1) / 2);
    answer_with(queue::Signal::none, 1'000);
    CHECK(rate() == (grown + 1) / 2);
}

TEMPLATE_TEST_CASE("requests in flight are learned too", "[quota]", PAWL_QUEUES) {
    TestType queues;
    auto ask = slots(10);
    ask.pace = Pace::learned;
    Client client(queues, payer_of("", {ask}));
    const auto round = [&](queue::Signal signal) {
        std::vector<Answer> answers;
        for (auto answer = client.reserve(); granted(answer); answer = client.reserve())
            answers.push_back(std::move(answer));
        for (const auto& answer : answers) {
            auto settled = client.settlement(answer);
            settled.signal = signal;
            settled.latency_us = signal == queue::Signal::trouble ? second : 1'000;  // all were under way
            client.settle(settled);
        }
        return answers.size();
    };
    CHECK(round(queue::Signal::clean) == 2);
    for (int i = 0; i < 100; ++i) (void)round(queue::Signal::clean);
    CHECK(round(queue::Signal::trouble) == 10);
    CHECK(round(queue::Signal::none) == 5);
}

TEMPLATE_TEST_CASE("what is spent is told by stream, and what others spent", "[quota]", PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann", {window_limit("ann", 100)}));
    const auto spend_on = [&](const std::string& stream, std::int64_t remaining) {
        const auto answer = client.reserve();
        auto settled = client.settlement(answer);
        settled.stream = stream;
        LimitFeedback told;
        told.name = "core";
        told.owner = "ann";
        told.limit = 100;
        told.remaining = remaining;
        told.reset_at_us = queues.now_us() / second * second + 600 * second;
        settled.feedback = {told};
        client.settle(settled);
    };
    spend_on("repos", 99);
    spend_on("users", 98);
    spend_on("users", 77);  // twenty by somebody else
    const auto view = queues.run(queues.quota().view()).at(0);
    CHECK(view.spent == std::map<std::string, std::int64_t>{{"repos", 1}, {"users", 2}});
    CHECK(view.others == 20);
    CHECK(view.remaining == 77);
}

TEMPLATE_TEST_CASE("what is left when a window ends lapsed if work waited for something else", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    const bool waits = GENERATE(true, false);
    auto ask = window_limit("ann", 10, 40 * second);
    ask.pace = Pace::fixed;
    ask.ends_us = queues.now_us() + second / 4;
    ask.next_ends_us = ask.ends_us + 40 * second;
    auto slot = slots(1);
    Client client(queues, payer_of("ann", {ask, slot}));
    const auto first = client.reserve();
    REQUIRE(granted(first));
    if (waits) CHECK(reason(client.reserve()) == "slots");
    client.settle(first);
    queues.pass(core::Millis(400));
    REQUIRE(granted(client.reserve()));
    const auto views = queues.run(queues.quota().view());
    const auto core = std::find_if(views.begin(), views.end(), [](const auto& one) { return one.name == "core"; });
    REQUIRE(core != views.end());
    CHECK(core->last_used == 1);
    CHECK(core->last_limit == 10);
    CHECK(core->lapsed == (waits ? 9 : 0));
}

TEMPLATE_TEST_CASE("weights and the owners of keys are kept for all processes", "[quota]", PAWL_QUEUES) {
    TestType queues;
    CHECK(queues.run(queues.quota().weights()).empty());
    queues.run(queues.quota().set_weight(core::SliceClass::live, 9));
    queues.run(queues.quota().set_weight(core::SliceClass::backfill, 100'000));
    CHECK(queues.run(queues.quota().weights()) ==
          queue::Weights{{core::SliceClass::live, 9}, {core::SliceClass::backfill, queue::weight_max}});
    queues.run(queues.quota().set_owner("3f9a", "ann"));
    CHECK(queues.run(queues.quota().owners()) == std::map<std::string, std::string>{{"3f9a", "ann"}});
}

TEMPLATE_TEST_CASE("an even limit gives a free request back", "[quota]", PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("", {spaced_limit(1, 3600 * second, 1)}));
    const auto first = client.reserve();
    REQUIRE(granted(first));
    CHECK_FALSE(granted(client.reserve()));
    client.refund(first);
    client.refund(first);  // twice, after a lost reply
    CHECK(granted(client.reserve()));
    CHECK_FALSE(granted(client.reserve()));
}

TEMPLATE_TEST_CASE("a free request is not given back once another has gone in its place", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("", {spaced_limit(10, second, 1)}));
    const auto first = client.reserve();
    REQUIRE(granted(first));
    queues.pass(core::Millis(120));
    REQUIRE(granted(client.reserve()));
    client.refund(first);
    CHECK_FALSE(granted(client.reserve()));
}

TEMPLATE_TEST_CASE("a new bucket is full where nothing was ever asked, else it has what flowed in since",
                   "[quota]", PAWL_QUEUES) {
    TestType queues;
    auto ask = spaced_limit(10, second, 6);  // 5 at once, one is left for what arrives late
    ask.pace = Pace::bucket;
    auto other = ask;
    other.name = "other";
    const bool is_first = GENERATE(false, true);
    using Past = queue::Frontiers::Past;
    queues.run(queues.frontiers().adopt(core::Token::random(queues.random), false, is_first ? Past::none : Past::unknown));
    if (!is_first) queues.pass(core::Millis(550));
    CHECK(Client(queues, payer_of("", {ask})).spend(5) == 5);
    CHECK(Client(queues, payer_of("", {other})).spend(5) < 5);  // now somebody did
}

TEMPLATE_TEST_CASE("slots are held until their request is settled", "[quota]", PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("", {slots(2)}));
    const auto first = client.reserve();
    CHECK(granted(client.reserve()));
    const auto refused = client.reserve();
    CHECK(reason(refused) == "slots");
    CHECK(retry_in(refused) <= core::Millis(1'000));
    client.settle(first);
    CHECK(granted(client.reserve()));
}

TEMPLATE_TEST_CASE("what a process had in flight, slots and room, is over soon after another took its place", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    const std::vector<Payer> payers{payer_of("", {slots(1)})}, no_limit{payer_of("", {})};
    const auto is_granted = [&](queue::Quota& quota) { return granted(queues.run(quota.reserve(payers, 0))); };
    const auto has_room = [&](queue::Quota& quota) {
        return granted(queues.run(quota.reserve(no_limit, contract_bytes_max)));
    };
    const auto died = queues.quota_of("one"), other = queues.quota_of("two"), next = queues.quota_of("one");
    CHECK(is_granted(*died));
    CHECK(has_room(*died));
    CHECK_FALSE(is_granted(*other));
    CHECK_FALSE(has_room(*other));
    queues.pass(std::chrono::milliseconds(2'100));
    CHECK_FALSE(is_granted(*other));  // it may live
    CHECK_FALSE(has_room(*other));
    CHECK_FALSE(is_granted(*next));   // its last request may still arrive
    CHECK_FALSE(has_room(*next));
    queues.pass(std::chrono::milliseconds(2'100));
    CHECK(is_granted(*next));
    CHECK(has_room(*next));
}

TEMPLATE_TEST_CASE("all limits grant or none is touched", "[quota]", PAWL_QUEUES) {
    TestType queues;
    auto narrow = slots(1);
    Client both(queues, payer_of("ann", {window_limit("ann", 10), narrow}));
    Client window(queues, payer_of("ann", {window_limit("ann", 10)}));
    Client slot(queues, payer_of("", {narrow}));
    window.tell(window.reserve(), 10, 9, queues.now_us() + 600 * second);
    const auto held = slot.reserve();
    REQUIRE(granted(held));
    for (int i = 0; i < 5; ++i) CHECK(reason(both.reserve()) == "slots");
    slot.settle(held);
    CHECK(granted(both.reserve()));
    CHECK(window.spend() == 8);
}

TEMPLATE_TEST_CASE("the first payer that can pays, else the one that can soonest is told",
                   "[quota]", PAWL_QUEUES) {
    TestType queues;
    const std::vector<Payer> payers{payer_of("ann", {window_limit("ann", 2)}),
                                    payer_of("bob", {window_limit("bob", 2)})};
    const auto ask = [&] { return queues.run(queues.quota().reserve(payers, 0)); };
    Client ann(queues, payers[0]), bob(queues, payers[1]);
    const auto first = ask();
    CHECK(std::get<Granted>(first).payer == 0);
    const auto second_answer = ask();  // ann is being probed
    CHECK(std::get<Granted>(second_answer).payer == 1);
    ann.tell(first, 2, 0, queues.now_us() + 600 * second);
    bob.tell(second_answer, 2, 1, queues.now_us() + 60 * second);
    CHECK(std::get<Granted>(ask()).payer == 1);
    const auto refused = ask();
    CHECK(std::get<Wait>(refused).owner == "bob");
    CHECK(retry_in(refused) < core::Millis(62'000));
}

TEMPLATE_TEST_CASE("a blocked account is not asked for", "[quota]", PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann", {window_limit("ann", 10)}));
    auto refused = client.settlement(client.reserve());
    refused.block = core::Millis(150);
    client.settle(refused);
    const auto blocked = client.reserve();
    CHECK(reason(blocked) == "core");
    CHECK(retry_in(blocked) > core::Millis(50));
    CHECK(queues.run(queues.quota().view()).at(0).blocked);
    queues.pass(core::Millis(170));
    CHECK(granted(client.reserve()));
}

TEMPLATE_TEST_CASE("a quarantined key pays for nothing until it is let go", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("ann-lee", {slots(5)}));
    queues.run(queues.quota().quarantine("ann-lee", "401 Bad credentials"));
    CHECK(queues.run(queues.quota().quarantined()) ==
          std::map<std::string, std::string>{{"ann-lee", "401 Bad credentials"}});
    CHECK(reason(client.reserve()) == "quarantine");
    queues.run(queues.quota().unquarantine("ann-lee"));
    CHECK(queues.run(queues.quota().quarantined()).empty());
    CHECK(granted(client.reserve()));
}

TEMPLATE_TEST_CASE("the time of a grant is later than that of the one before", "[quota]",
                   PAWL_QUEUES) {
    TestType queues;
    Client client(queues, payer_of("", {}));
    std::int64_t last = queues.now_us() - 60 * second;
    for (int i = 0; i < 20; ++i) {
        const auto answer = client.reserve();
        REQUIRE(granted(answer));
        CHECK(std::get<Granted>(answer).at_us > last);
        CHECK(std::get<Granted>(answer).deadline == core::Millis(10'000));
        last = std::get<Granted>(answer).at_us;
    }
}

TEMPLATE_TEST_CASE("room that no page will use is given back", "[quota]", PAWL_QUEUES) {
    TestType queues;
    const std::vector<Payer> payers{payer_of("", {})};
    const auto reserve = [&](std::size_t bytes) {
        return queues.run(queues.quota().reserve(payers, bytes));
    };
    const auto first = reserve(60'000);
    REQUIRE(granted(first));
    CHECK(reason(reserve(60'000)) == "room");
    CHECK(granted(reserve(30'000)));
    Settlement settled;
    settled.reservation = std::get<Granted>(first).reservation;
    settled.release_room = true;
    queues.run(queues.quota().settle(settled));
    queues.run(queues.quota().settle(settled));  // twice, after a lost reply
    CHECK(queues.run(queues.pages().totals()).bytes_reserved == 30'000);
    CHECK(granted(reserve(60'000)));
}

}  // namespace pawl::test
