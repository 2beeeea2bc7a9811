// The ledger against APIs that count in the plainest way, in virtual time: several collectors, several limits, answers out
// of order, free ones, silent ones, settlements that are lost, clocks that differ. Nothing may ever be refused. The scripts
// in Redis are held to the same steps by quota_twin_test.cpp.
#include <fmt/format.h>

#include <functional>
#include <map>
#include <memory>

#include "core/random.hpp"
#include "tests/fakes/memory_queue.hpp"
#include "tests/queue/plain_apis.hpp"
#include "tests/support/property.hpp"
#include "tests/support/run_task.hpp"

namespace pawl::test {

using queue::LimitAsk;
using queue::Pace;

namespace {

constexpr std::int64_t a_second = 1'000'000, a_minute = 60 * a_second;

/// A limit on both sides: as asked of the ledger, and as the API keeps it.
struct Agreement {
    LimitAsk ask;
    core::Limit clock;       ///< fixed: whose windows they are
    std::int64_t cost_max = 1;
    std::int64_t skew_us = 0;  ///< the API's clock less ours
    std::unique_ptr<Api> api;

    [[nodiscard]] std::string text() const {
        return fmt::format("pace {} count {} period {} s burst {} cost {} skew {} us", static_cast<int>(ask.pace),
                           ask.count, ask.period_us / a_second, ask.burst, cost_max, skew_us);
    }
    /// How much sooner than another a request may arrive that was granted as late.
    [[nodiscard]] std::int64_t jitter_allowed_us() const {
        if (ask.pace == Pace::sliding) return ask.guard_us();
        if (ask.pace == Pace::bucket) return (ask.burst - ask.burst_used()) * (ask.period_us / ask.count);
        return 3 * a_second;
    }
};

struct Weather {
    int collectors = 1, slots = 1;        ///< requests in flight of each
    std::int64_t delay_us = 0, jitter_us = 0;  ///< until a request arrives
    std::int64_t answer_us = 0;           ///< at most, from there until it is settled
    double free = 0, silent = 0, lost = 0;  ///< shares of the answers
    unsigned seed = 1;

    [[nodiscard]] std::string text() const {
        return fmt::format("{} collectors x {}, delay {} + {} us, answer {} us, free {} silent {} lost {}, seed {}",
                           collectors, slots, delay_us, jitter_us, answer_us, free, silent, lost, seed);
    }
};

/// Collectors that ask whenever the ledger lets them.
class Traffic {
  public:
    Traffic(std::vector<Agreement>& agreements, Weather weather)
        : agreements_(agreements), weather_(weather), random_(weather.seed) {
        for (int i = 0; i < weather_.collectors; ++i) ask_at(i, begin_us);
    }

    /// Until `span` is over, so many requests were granted, or, where hardly any are, so much has happened.
    void run(std::int64_t span, int grants_max) {
        for (int i = 0; i < 10 * grants_max && !events_.empty() && events_.begin()->first < begin_us + span; ++i) {
            if (grants >= grants_max) return;
            auto event = events_.extract(events_.begin());
            clock_.now_us = event.key();
            event.mapped()();
        }
    }

    int grants = 0, refused = 0;
    std::int64_t units = 0;  ///< of the first limit, that the API took

  private:
    void at(std::int64_t when, std::function<void()> what) { events_.emplace(when, std::move(what)); }
    /// One that is to come sooner stays.
    void ask_at(int collector, std::int64_t when) {
        auto& next = next_ask_[collector];
        if (next > 0 && next <= when) return;
        next = when;
        at(when, [this, collector, when] {
            if (next_ask_[collector] == when) ask(collector);
        });
    }
    std::int64_t within(std::int64_t most) { return static_cast<std::int64_t>(random_.fraction() * double(most)); }
    bool happens(double share) { return random_.fraction() < share; }

    std::vector<LimitAsk> asks() {
        std::vector<LimitAsk> asks;
        for (auto& agreement : agreements_) {
            auto ask = agreement.ask;
            ask.cost = 1 + within(agreement.cost_max);
            if (ask.pace == Pace::fixed) {
                const core::WallTime now(core::Micros(clock_.now_us - ask.guard_us()));
                const auto end = core::window_end(agreement.clock, now);
                ask.ends_us = end.time_since_epoch().count();
                ask.next_ends_us = core::window_end(agreement.clock, end).time_since_epoch().count();
            }
            asks.push_back(std::move(ask));
        }
        return asks;
    }

    void ask(int collector) {
        next_ask_[collector] = 0;
        if (flying_[collector] >= weather_.slots) return;  // asks again when one is settled
        const auto limits = asks();
        std::vector<queue::Payer> payers{{"ann", limits}};
        const auto answer = run_task(io_, quota_.reserve(std::move(payers), 0));
        if (const auto* wait = std::get_if<queue::Wait>(&answer)) {
            ask_at(collector, clock_.now_us + wait->retry_in.count() * 1'000);
            return;
        }
        ++grants;
        ++flying_[collector];
        queue::Settlement settled;
        settled.reservation = std::get<queue::Granted>(answer).reservation;
        settled.limits = limits;
        at(clock_.now_us + weather_.delay_us + within(weather_.jitter_us),
           [this, collector, settled = std::move(settled)]() mutable { arrive(collector, std::move(settled)); });
        ask_at(collector, clock_.now_us + 100);
    }

    void arrive(int collector, queue::Settlement settled) {
        settled.refund = happens(weather_.free);
        const bool silent = happens(weather_.silent);
        for (std::size_t i = 0; i < agreements_.size(); ++i) {
            auto& agreement = agreements_[i];
            const auto cost = settled.limits[i].cost;
            if (!settled.refund && !agreement.api->takes(clock_.now_us + agreement.skew_us, cost)) ++refused;
            else if (!settled.refund && i == 0) units += cost;
            const auto* told = dynamic_cast<const ToldApi*>(agreement.api.get());
            if (told == nullptr || silent) continue;
            queue::LimitFeedback feedback;
            feedback.name = agreement.ask.name;
            feedback.owner = agreement.ask.owner;
            feedback.limit = told->count();
            feedback.remaining = told->remaining();
            feedback.reset_at_us = told->reset_at_us();
            settled.feedback.push_back(std::move(feedback));
        }
        at(clock_.now_us + within(weather_.answer_us),
           [this, collector, settled = std::move(settled)] { settle(collector, settled); });
    }

    void settle(int collector, const queue::Settlement& settled) {
        --flying_[collector];
        if (!happens(weather_.lost)) run_task(io_, quota_.settle(settled));
        ask_at(collector, clock_.now_us + 100);
    }

    std::vector<Agreement>& agreements_;
    Weather weather_;
    core::SeededRandom random_;
    boost::asio::io_context io_;
    SteppedClock clock_;
    MemoryQueue held_{clock_, random_, 1u << 20};
    MemoryQuota quota_{held_};
    std::multimap<std::int64_t, std::function<void()>> events_;
    std::map<int, int> flying_;
    std::map<int, std::int64_t> next_ask_;  ///< 0: none to come
};

Agreement agreement_of(Pace pace, std::int64_t count, std::int64_t period_us, std::int64_t burst, int index = 0) {
    Agreement made;
    made.ask.name = "limit-" + std::to_string(index);
    made.ask.owner = "ann";
    made.ask.count = count;
    made.ask.period_us = period_us;
    made.ask.burst = burst;
    made.ask.pace = pace;
    made.clock.count = count;
    made.clock.period = core::Micros(period_us);
    made.clock.algorithm = core::Limit::Algorithm::fixed;
    made.clock.timezone = "UTC";
    if (pace == Pace::sliding) made.api = std::make_unique<SlidingApi>(count, period_us);
    if (pace == Pace::bucket) made.api = std::make_unique<BucketApi>(count, period_us, burst);
    if (pace == Pace::told) made.api = std::make_unique<ToldApi>(count, period_us);
    if (pace == Pace::fixed) made.api = std::make_unique<FixedApi>(count, made.clock);
    return made;
}

Agreement any_agreement(int index) {
    const auto pace = *rc::gen::element(Pace::sliding, Pace::bucket, Pace::fixed, Pace::told);
    const auto count = *rc::gen::inRange<std::int64_t>(1, 60);
    const auto burst = pace == Pace::told || pace == Pace::fixed ? 1 : *rc::gen::inRange<std::int64_t>(1, count + 1);
    auto period_us = *rc::gen::inRange<std::int64_t>(1, 300) * a_second;
    if (pace == Pace::fixed) period_us = *rc::gen::element<std::int64_t>(1, 5, 60, 1440) * a_minute;
    // Resets are told in seconds: windows shorter than a few of them cannot be told apart.
    if (pace == Pace::told) period_us = std::max(period_us, 10 * a_second);
    auto made = agreement_of(pace, count, period_us, burst, index);
    if (pace == Pace::fixed) {
        made.clock.timezone = *rc::gen::element<std::string>("UTC", "Asia/Kolkata", "America/Los_Angeles");
        made.clock.monthly = period_us == 1440 * a_minute && *rc::gen::arbitrary<bool>();
        if (made.clock.monthly) made.ask.period_us = 31 * 1440 * a_minute;
        made.api = std::make_unique<FixedApi>(count, made.clock);
    }
    const bool is_spaced = pace == Pace::sliding || pace == Pace::bucket;
    made.cost_max = *rc::gen::inRange<std::int64_t>(1, (is_spaced ? made.ask.burst_used() : count) + 1);
    if (pace == Pace::fixed) made.skew_us = *rc::gen::inRange<std::int64_t>(-made.ask.guard_us(), made.ask.guard_us());
    if (pace == Pace::told) made.skew_us = *rc::gen::inRange<std::int64_t>(-900'000, 900'000);
    return made;
}

Weather any_weather(const std::vector<Agreement>& agreements) {
    Weather weather;
    weather.collectors = *rc::gen::inRange(1, 5);
    weather.slots = *rc::gen::inRange(1, 8);
    weather.delay_us = *rc::gen::inRange<std::int64_t>(0, 2 * a_second);
    auto jitter = 3 * a_second;
    for (const auto& agreement : agreements) jitter = std::min(jitter, agreement.jitter_allowed_us());
    weather.jitter_us = *rc::gen::inRange<std::int64_t>(0, jitter + 1);
    weather.answer_us = *rc::gen::inRange<std::int64_t>(0, 5 * a_second);
    weather.free = *rc::gen::element(0.0, 0.3, 0.9);
    weather.silent = *rc::gen::element(0.0, 0.1);
    weather.lost = *rc::gen::element(0.0, 0.02);
    weather.seed = *rc::gen::arbitrary<unsigned>();
    return weather;
}

}  // namespace

TEST_CASE("an API of several limits never has to refuse, whatever is lost or late", "[quota][model]") {
    check_property(400, [] {
        std::vector<Agreement> agreements;
        const auto limits = *rc::gen::inRange(1, 4);
        for (int i = 0; i < limits; ++i) agreements.push_back(any_agreement(i));
        const auto weather = any_weather(agreements);
        for (const auto& agreement : agreements) RC_LOG() << agreement.text() << "\n";
        RC_LOG() << weather.text() << "\n";
        Traffic traffic(agreements, weather);
        traffic.run(30 * 24 * 60 * a_minute, 400);
        RC_ASSERT(traffic.grants > 0);
        RC_ASSERT(traffic.refused == 0);
    });
}

TEST_CASE("of any plain limit 99.5 % is used", "[quota][model]") {
    check_property(24, [] {
        const auto pace = *rc::gen::element(Pace::sliding, Pace::bucket, Pace::fixed, Pace::told);
        const auto count = *rc::gen::inRange<std::int64_t>(20, 60);
        constexpr std::int64_t periods = 100, period_us = 60 * a_minute;
        const auto burst = pace == Pace::bucket ? *rc::gen::inRange<std::int64_t>(1, count + 1) : 1;
        std::vector<Agreement> agreements;
        agreements.push_back(agreement_of(pace, count, period_us, burst));
        Weather weather;
        weather.collectors = *rc::gen::inRange(1, 5);
        weather.slots = 8;
        weather.delay_us = *rc::gen::inRange<std::int64_t>(0, a_second);
        weather.answer_us = a_second;
        weather.seed = *rc::gen::arbitrary<unsigned>();
        RC_LOG() << agreements[0].text() << "\n" << weather.text() << "\n";
        Traffic traffic(agreements, weather);
        traffic.run(periods * period_us, 1'000'000);
        RC_ASSERT(traffic.refused == 0);
        RC_ASSERT(double(traffic.units) >= 0.995 * double(count * periods));
    });
}

}  // namespace pawl::test
