#pragma once

#include <chrono>

#include "core/task.hpp"

namespace pawl::core {

using Micros = std::chrono::microseconds;
using Millis = std::chrono::milliseconds;
using Seconds = std::chrono::seconds;
/// Wall-clock time, UTC, microseconds: what is told to people and stored.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Micros>;
/// Monotonic time: what timers and measured intervals use.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// Port: time. Nothing outside its adapters asks the system for the time. No rule of safety depends on it.
class Clock {
  public:
    virtual ~Clock() = default;
    [[nodiscard]] virtual WallTime now() const = 0;
    [[nodiscard]] virtual SteadyTime steady() const = 0;
    /// Cancel: safe (throws boost::system::system_error operation_aborted).
    virtual Task<> sleep(Micros duration) = 0;
};

/// The system's clocks, with Asio timers on the executor of the coroutine that sleeps.
class SystemClock final : public Clock {
  public:
    [[nodiscard]] WallTime now() const override;
    [[nodiscard]] SteadyTime steady() const override;
    Task<> sleep(Micros duration) override;
};

/// "2026-08-22T14:19:25.123456Z"
[[nodiscard]] std::string format_utc(WallTime time);

}  // namespace pawl::core
