#pragma once

#include "core/clock.hpp"

namespace pawl::test {

/// 2026-03-01T00:00:00Z: clocks are put forward in the month that begins then.
inline constexpr std::int64_t begin_us = 1'772'323'200 * std::int64_t{1'000'000};

/// Stands still until it is told to go on.
class SteppedClock final : public core::Clock {
  public:
    [[nodiscard]] core::WallTime now() const override { return core::WallTime(core::Micros(now_us)); }
    [[nodiscard]] core::SteadyTime steady() const override { return core::SteadyTime(core::Micros(now_us)); }
    core::Task<> sleep(core::Micros duration) override {
        now_us += duration.count();
        co_return;
    }
    std::int64_t now_us = begin_us;
};

}  // namespace pawl::test
