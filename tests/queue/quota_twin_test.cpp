// The scripts in Redis and the ledger in memory give the same answers, step by step, for any sequence of reservations and
// settlements: so what is proved of the one in virtual time holds for the other. Redis's clock is the test's.
#include <fmt/format.h>

#include <vector>

#include "tests/fakes/memory_queue.hpp"
#include "tests/queue/harness.hpp"
#include "tests/queue/stepped_clock.hpp"
#include "tests/support/property.hpp"
#include "tests/support/server_clock.hpp"

namespace pawl::test {

using queue::LimitAsk;
using queue::Pace;

namespace {

struct TwinStep {
    enum class Kind : std::uint8_t { reserve, settle } kind = Kind::reserve;
    std::int64_t advance_us = 0;
    int pick = 0;          ///< of the open reservations, or, of a reservation, the cost
    int room = 0;          ///< bytes
    bool refund = false, told = false, twice = false, keep_open = false;
    int left = 0;          ///< of a hundred, as told
    int reset_s = 0;       ///< as told, from now
    int block_ms = 0;
};

std::ostream& operator<<(std::ostream& out, const TwinStep& step) {
    if (step.kind == TwinStep::Kind::reserve)
        return out << fmt::format("\n+{} us reserve, cost {} room {}", step.advance_us, step.pick, step.room);
    return out << fmt::format("\n+{} us settle {}, refund {} told {} left {} reset {} s twice {} keep {} block {} ms",
                              step.advance_us, step.pick, step.refund, step.told, step.left, step.reset_s, step.twice,
                              step.keep_open, step.block_ms);
}

rc::Gen<TwinStep> any_step() {
    using rc::gen::element;
    using rc::gen::inRange;
    using rc::gen::set;
    const auto rarely = rc::gen::map(inRange(0, 10), [](int n) { return n == 0; });
    // Mostly a moment; sometimes across windows, past what a dead collector left, or back.
    const auto advance = rc::gen::oneOf(inRange<std::int64_t>(0, 1'000), inRange<std::int64_t>(0, 300'000),
                                        inRange<std::int64_t>(0, 20'000'000),
                                        element<std::int64_t>(0, 125'000'000, 3'700'000'000, -5'000'000, -7'200'000'000));
    return rc::gen::build<TwinStep>(
        set(&TwinStep::kind, rc::gen::weightedElement<TwinStep::Kind>({{3, TwinStep::Kind::reserve},
                                                                       {2, TwinStep::Kind::settle}})),
        set(&TwinStep::advance_us, advance), set(&TwinStep::pick, inRange(0, 6)),
        set(&TwinStep::room, element(0, 0, 100, 60'000)), set(&TwinStep::refund, rarely),
        set(&TwinStep::told, rc::gen::arbitrary<bool>()), set(&TwinStep::twice, rarely),
        set(&TwinStep::keep_open, rarely), set(&TwinStep::left, inRange(0, 101)),
        set(&TwinStep::reset_s, inRange(-5, 90)), set(&TwinStep::block_ms, element(0, 0, 0, 0, 700)));
}

LimitAsk any_limit(int index) {
    LimitAsk ask;
    ask.name = "limit-" + std::to_string(index);
    ask.pace = *rc::gen::element(Pace::sliding, Pace::bucket, Pace::fixed, Pace::told);
    ask.count = *rc::gen::element<std::int64_t>(0, 1, 3, 10, 10, 100);
    ask.period_us = *rc::gen::element<std::int64_t>(250'000, 1'000'000, 60'000'000, 3'600'000'000);
    ask.burst = *rc::gen::inRange<std::int64_t>(1, 12);
    ask.concurrency = *rc::gen::element<std::int64_t>(0, 0, 2);
    ask.reserve = *rc::gen::element(0.0, 0.0, 0.2);
    return ask;
}

/// A reservation of both, not settled yet.
struct TwinGrant {
    std::string real, fake;
    std::vector<LimitAsk> limits;
};

class Twins {
  public:
    Twins(RedisHarness& real, ServerClock& server, std::vector<LimitAsk> limits)
        : real_(real), server_(server), limits_(std::move(limits)) {
        server_.set(begin_us);
        real_.wipe();
        if (*rc::gen::arbitrary<bool>()) {
            const auto instance = core::Token::random(random_);
            const auto past = *rc::gen::element(queue::Frontiers::Past::unknown, queue::Frontiers::Past::none);
            real_.run(real_.frontiers().adopt(instance, false, past));
            run_task(io_, frontiers_.adopt(instance, false, past));
        }
    }

    void take(const TwinStep& step) {
        clock_.now_us += step.advance_us;
        server_.set(clock_.now_us);
        if (step.kind == TwinStep::Kind::reserve) reserve(step);
        else if (!open_.empty()) settle(step);
    }

    void compare_views() {
        const auto real = real_.run(real_.quota().view());
        const auto fake = run_task(io_, quota_.view());
        RC_ASSERT(text_of(real) == text_of(fake));
    }

  private:
    std::vector<queue::Payer> payers(std::int64_t cost) const {
        std::vector<queue::Payer> payers;
        for (const std::string owner : {"ann", "bob"}) {
            auto limits = limits_;
            for (std::size_t i = 0; i < limits.size(); ++i) {
                auto& limit = limits[i];
                limit.owner = i == 0 ? owner : "";
                limit.cost = cost;
                limit.ends_us = (clock_.now_us / limit.period_us + 1) * limit.period_us;
                limit.next_ends_us = limit.ends_us + limit.period_us;
            }
            payers.push_back({owner, std::move(limits)});
        }
        return payers;
    }

    void reserve(const TwinStep& step) {
        const auto asked = payers(step.pick);
        const auto bytes = static_cast<std::size_t>(step.room);
        const auto real = real_.run(real_.quota().reserve(asked, bytes));
        const auto fake = run_task(io_, quota_.reserve(asked, bytes));
        RC_ASSERT(text_of(real) == text_of(fake));
        if (const auto* granted = std::get_if<queue::Granted>(&real))
            open_.push_back({granted->reservation, std::get<queue::Granted>(fake).reservation,
                             asked[granted->payer].limits});
    }

    void settle(const TwinStep& step) {
        const auto at = open_.begin() + step.pick % static_cast<int>(open_.size());
        queue::Settlement settled;
        settled.limits = at->limits;
        settled.refund = step.refund;
        settled.release_room = step.refund;
        if (step.block_ms > 0) settled.block = core::Millis(step.block_ms);
        for (const auto& limit : at->limits) {
            if (!step.told) continue;
            queue::LimitFeedback told;
            told.name = limit.name;
            told.owner = limit.owner;
            if (step.left % 3 > 0) told.limit = limit.count;
            told.remaining = limit.count * step.left / 100;
            if (step.left % 5 > 0) told.reset_at_us = (clock_.now_us / 1'000'000 + step.reset_s) * 1'000'000;
            settled.feedback.push_back(std::move(told));
        }
        for (int i = 0; i < (step.twice ? 2 : 1); ++i) {
            settled.reservation = at->real;
            real_.run(real_.quota().settle(settled));
            settled.reservation = at->fake;
            run_task(io_, quota_.settle(settled));
        }
        if (!step.keep_open) open_.erase(at);
    }

    static std::string text_of(const std::variant<queue::Granted, queue::Wait>& answer) {
        if (const auto* granted = std::get_if<queue::Granted>(&answer))
            return fmt::format("granted to {} at {}, send in {}", granted->payer, granted->at_us,
                               granted->deadline.count());
        const auto& wait = std::get<queue::Wait>(answer);
        return fmt::format("wait {} ms for {} of '{}'", wait.retry_in.count(), wait.reason, wait.owner);
    }
    static std::string text_of(const std::vector<queue::LimitView>& views) {
        std::string text;
        for (const auto& view : views)
            text += fmt::format("{} of '{}': limit {} used {} remaining {} reset {:.6f} in flight {} blocked {}\n",
                                view.name, view.owner, view.limit, view.used, view.remaining, view.reset_seconds,
                                view.in_flight, view.blocked);
        return text;
    }

    RedisHarness& real_;
    ServerClock& server_;
    std::vector<LimitAsk> limits_;
    boost::asio::io_context io_;
    core::SeededRandom random_{3};
    SteppedClock clock_;
    MemoryQueue held_{clock_, random_, contract_bytes_max};
    MemoryFrontiers frontiers_{held_};
    MemoryQuota quota_{held_};
    std::vector<TwinGrant> open_;
};

}  // namespace

TEST_CASE("the scripts and their twin in memory give the same answers to the same steps", "[quota][twin]") {
    ServerClock server_clock;
    PrivateRedis server({}, server_clock.env());
    RedisHarness real(server);
    check_property(300, [&] {
        std::vector<LimitAsk> limits;
        const auto count = *rc::gen::inRange(1, 4);
        for (int i = 0; i < count; ++i) limits.push_back(any_limit(i));
        for (const auto& limit : limits)
            RC_LOG() << fmt::format("pace {} count {} period {} burst {} concurrency {} reserve {}\n",
                                    static_cast<int>(limit.pace), limit.count, limit.period_us, limit.burst,
                                    limit.concurrency, limit.reserve);
        Twins twins(real, server_clock, limits);
        const auto steps = *rc::gen::container<std::vector<TwinStep>>(any_step());
        for (const auto& step : steps) {
            twins.take(step);
            twins.compare_views();
        }
    });
    server_clock.set(0);
}

}  // namespace pawl::test
