#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "queue/quota.hpp"

namespace pawl::collector {

/// One limit of one owner as it fills and empties in a forecast: units as a fluid. Times are seconds from now.
class Budget {
  public:
    /// As the limit is asked for, unspent. `latency_seconds`: what a request holds its place in a concurrency limit.
    Budget(const queue::LimitAsk& ask, double latency_seconds, std::int64_t now_us);

    /// As the ledger has it.
    void start_from(const queue::LimitView& view);

    [[nodiscard]] bool is(const queue::LimitAsk& ask) const { return name_ == ask.name && owner_ == ask.owner; }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] bool has_rate() const { return units_per_period_ > 0; }
    [[nodiscard]] std::int64_t units_per_period() const { return units_per_period_; }
    [[nodiscard]] double period_seconds() const { return period_; }
    [[nodiscard]] double stock() const { return stock_; }
    /// Units of one request of that cost: never more than there can be.
    [[nodiscard]] double units(std::int64_t cost) const;

    /// Requests of `units` each that can go per second from `at` on, while its stock lasts.
    [[nodiscard]] double requests_per_second(double units, double at) const;
    /// Seconds until its stock is spent at this rate; infinity: not before something else changes.
    [[nodiscard]] double lasts(double units_per_second) const;
    /// When it fills or opens next, after `at`; infinity: not by itself.
    [[nodiscard]] double next_change(double at) const;
    /// Lets `seconds` pass from `at` on, with that consumption.
    void pass(double at, double seconds, double units_per_second);

  private:
    static constexpr double never = std::numeric_limits<double>::infinity();
    void refill(double at);

    std::string name_, owner_;
    queue::Pace pace_ = queue::Pace::sliding;
    std::int64_t units_per_period_ = 0;
    double period_ = 0;        // of a window; of what flows in
    double stock_ = never, most_ = never, flow_ = 0;
    double refill_at_ = never, next_refill_at_ = never;
    double latency_ = 1;       // of a request
    double opens_at_ = 0;      // the API refused: nothing before
    double at_once_per_second_ = never;  // requests, by its bound on those in flight
};

}  // namespace pawl::collector
