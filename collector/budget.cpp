#include "collector/budget.hpp"

#include <algorithm>

namespace pawl::collector {

namespace {

constexpr double microsecond = 1e-6;
constexpr double nothing = 1e-6;  // units: less than this is none
// queue/quota_scripts.hpp: nobody asks within this after the end of a told window, because APIs cut times to seconds …
constexpr double told_margin = 1.0;
// … and that end is rounded up. A window begins with a request just after such a second, so it loses nearly a whole one.
constexpr double told_rounding = 1.0;

}  // namespace

Budget::Budget(const queue::LimitAsk& ask, double latency_seconds, std::int64_t now_us)
    : name_(ask.name), owner_(ask.owner), pace_(ask.pace) {
    latency_ = std::max(latency_seconds, microsecond);
    if (ask.concurrency > 0) at_once_per_second_ = static_cast<double>(ask.concurrency) / latency_;
    if (ask.count <= 0) return;
    units_per_period_ = ask.count;
    period_ = static_cast<double>(ask.period_us) * microsecond;
    const double count = static_cast<double>(ask.count);
    const double guard = static_cast<double>(ask.guard_us()) * microsecond;
    switch (pace_) {
        case queue::Pace::told:
            most_ = stock_ = count;
            break;
        case queue::Pace::fixed:
            most_ = stock_ = count;
            refill_at_ = static_cast<double>(ask.ends_us - now_us) * microsecond + guard;
            next_refill_at_ = static_cast<double>(ask.next_ends_us - now_us) * microsecond + guard;
            break;
        case queue::Pace::sliding:
        case queue::Pace::bucket: {
            const auto burst_used = std::max(ask.burst_used(), ask.cost);
            const double burst = static_cast<double>(std::clamp<std::int64_t>(burst_used, 1, ask.count));
            most_ = burst;
            stock_ = 1;  // a new bucket lets one go, and may have no burst
            flow_ = pace_ == queue::Pace::bucket ? count / period_ : (count - burst + 1) / (period_ + guard);
            break;
        }
        case queue::Pace::learned:
            most_ = stock_ = 1;
            flow_ = static_cast<double>(ask.start) / period_;  // what it will grow to nobody knows
            break;
    }
}

void Budget::start_from(const queue::LimitView& view) {
    if (view.blocked) opens_at_ = view.reset_seconds;
    if (view.concurrency > 0) at_once_per_second_ = static_cast<double>(view.concurrency) / latency_;
    if (!has_rate()) return;
    if (pace_ == queue::Pace::told && view.limit > 0) {
        most_ = static_cast<double>(view.limit);
        units_per_period_ = view.limit;
    }
    if (pace_ == queue::Pace::learned) {
        flow_ = static_cast<double>(view.limit) / period_;
        return;
    }
    stock_ = std::clamp(static_cast<double>(view.remaining), 0.0, most_);
    if (pace_ != queue::Pace::told) return;
    if (view.blocked)
        refill_at_ = view.reset_seconds;  // an API refuses until its window is over
    else if (view.reset_seconds > 0)
        refill_at_ = view.reset_seconds + told_margin;
    else if (stock_ < nothing)
        refill_at_ = period_ + told_margin;
}

double Budget::units(std::int64_t cost) const { return std::min(static_cast<double>(cost), most_); }

double Budget::requests_per_second(double units, double at) const {
    if (at < opens_at_) return 0;
    double rate = at_once_per_second_;
    if (has_rate() && stock_ <= nothing && units > 0) rate = std::min(rate, flow_ / units);
    return rate;
}

double Budget::lasts(double units_per_second) const {
    const double drain = units_per_second - flow_;
    if (!has_rate() || stock_ <= nothing || drain <= 0) return never;
    return stock_ / drain;
}

double Budget::next_change(double at) const {
    double next = never;
    if (refill_at_ > at) next = refill_at_;
    if (opens_at_ > at) next = std::min(next, opens_at_);
    return next;
}

void Budget::pass(double at, double seconds, double units_per_second) {
    if (!has_rate()) return;
    // The API's window begins with the first request after the last one has ended.
    if (pace_ == queue::Pace::told && refill_at_ == never && units_per_second > 0)
        refill_at_ = at + period_ + told_rounding + told_margin;
    stock_ = std::clamp(stock_ + (flow_ - units_per_second) * seconds, 0.0, most_);
    if (stock_ <= nothing) stock_ = 0;
    if (at + seconds >= refill_at_ - nothing) refill(at + seconds);
}

void Budget::refill(double at) {
    stock_ = most_;
    if (pace_ == queue::Pace::told) {
        refill_at_ = never;
        return;
    }
    refill_at_ = std::max(next_refill_at_, at + nothing);
    next_refill_at_ = refill_at_ + period_;
}

}  // namespace pawl::collector
