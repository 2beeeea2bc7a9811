#pragma once

#include <algorithm>
#include <deque>
#include <utility>

#include "core/clock_window.hpp"
#include "tests/queue/stepped_clock.hpp"

/// APIs that count in the plainest way they can.
namespace pawl::test {

/// What an API does with a request of `cost` units at `at_us` on its clock: takes it or refuses.
class Api {
  public:
    virtual ~Api() = default;
    virtual bool takes(std::int64_t at_us, std::int64_t cost) = 0;
};

/// Counts what came in the period before: any period, both ends included.
class SlidingApi final : public Api {
  public:
    SlidingApi(std::int64_t count, std::int64_t period) : count_(count), period_(period) {}
    bool takes(std::int64_t at_us, std::int64_t cost) override {
        while (!seen_.empty() && seen_.front().first < at_us - period_) {
            sum_ -= seen_.front().second;
            seen_.pop_front();
        }
        if (sum_ + cost > count_) return false;
        sum_ += cost;
        seen_.emplace_back(at_us, cost);
        return true;
    }

  private:
    std::int64_t count_, period_, sum_ = 0;
    std::deque<std::pair<std::int64_t, std::int64_t>> seen_;
};

class BucketApi final : public Api {
  public:
    BucketApi(std::int64_t count, std::int64_t period, std::int64_t burst)
        : rate_(double(count) / double(period)), burst_(double(burst)) {}
    bool takes(std::int64_t at_us, std::int64_t cost) override {
        level_ = std::max(0.0, level_ - rate_ * double(at_us - last_));
        last_ = at_us;
        if (level_ + double(cost) > burst_ + 1e-6) return false;
        level_ += double(cost);
        return true;
    }

  private:
    double rate_, burst_, level_ = 0;
    std::int64_t last_ = begin_us;
};

class FixedApi final : public Api {
  public:
    FixedApi(std::int64_t count, const core::Limit& limit) : count_(count), limit_(limit) {}
    bool takes(std::int64_t at_us, std::int64_t cost) override {
        if (at_us >= end_) {
            end_ = core::window_end(limit_, core::WallTime(core::Micros(at_us))).time_since_epoch().count();
            used_ = 0;
        }
        if (used_ + cost > count_) return false;
        used_ += cost;
        return true;
    }

  private:
    std::int64_t count_;
    core::Limit limit_;
    std::int64_t end_ = 0, used_ = 0;
};

/// Its window begins with the first request after the one before ended; it tells how much is left of it.
class ToldApi final : public Api {
  public:
    ToldApi(std::int64_t count, std::int64_t period) : count_(count), period_(period) {}
    bool takes(std::int64_t at_us, std::int64_t cost) override {
        if (at_us >= end_) {
            end_ = at_us + period_;
            used_ = 0;
        }
        if (used_ + cost > count_) return false;
        used_ += cost;
        return true;
    }
    [[nodiscard]] std::int64_t count() const { return count_; }
    [[nodiscard]] std::int64_t remaining() const { return count_ - used_; }
    /// On its clock, in whole seconds: by then the window has ended.
    [[nodiscard]] std::int64_t reset_at_us() const { return (end_ + 999'999) / 1'000'000 * 1'000'000; }

  private:
    std::int64_t count_, period_, end_ = 0, used_ = 0;
};

}  // namespace pawl::test
