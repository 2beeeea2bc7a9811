#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <map>
#include <set>

#include "core/clock.hpp"
#include "core/task.hpp"

namespace pawl::simulation {

/// The world's time, in µs since the run began. Passes only when nobody can go on without it.
class Timeline {
  public:
    struct Sleeper {
        core::asio::steady_timer* timer = nullptr;
        const void* loop = nullptr;  ///< event loop that it sleeps on
    };
    using Sleepers = std::multimap<std::int64_t, Sleeper>;

    [[nodiscard]] std::int64_t now_us() const { return now_us_; }
    [[nodiscard]] std::int64_t now_ms() const { return now_us_ / 1000; }
    [[nodiscard]] std::optional<std::int64_t> next_us() const {
        return sleepers_.empty() ? std::nullopt : std::optional(sleepers_.begin()->first);
    }
    /// Puts the time forward and wakes who slept until then.
    void advance_to(std::int64_t at_us) {
        now_us_ = std::max(now_us_, at_us);
        while (!sleepers_.empty() && sleepers_.begin()->first <= now_us_) {
            const auto sleeper = sleepers_.begin()->second;
            sleepers_.erase(sleepers_.begin());
            sleeper.timer->cancel();
            awake_.insert(sleeper.loop);
        }
    }
    void add(std::int64_t until_us, Sleeper sleeper) { sleepers_.emplace(until_us, sleeper); }
    void remove(std::int64_t until_us, core::asio::steady_timer* timer) {
        const auto [begin, end] = sleepers_.equal_range(until_us);
        for (auto one = begin; one != end; ++one)
            if (one->second.timer == timer) {
                sleepers_.erase(one);
                return;
            }
    }

    /// Whether something may be ready on this loop: to ask the loop itself is a system call.
    [[nodiscard]] bool is_awake(const void* loop) const { return awake_.contains(loop); }
    void wake(const void* loop) { awake_.insert(loop); }
    void lull(const void* loop) { awake_.erase(loop); }

  private:
    std::int64_t now_us_ = 0;
    Sleepers sleepers_;
    std::set<const void*> awake_;
};

/// A process's own clocks. Its wall clock may be wrong; its steady clock stands while nothing else does.
class ProcessClock final : public core::Clock {
  public:
    explicit ProcessClock(Timeline& timeline) : timeline_(timeline) {}

    [[nodiscard]] core::WallTime now() const override {
        return core::WallTime(begin + core::Micros(timeline_.now_us() + off_us));
    }
    [[nodiscard]] core::SteadyTime steady() const override { return core::SteadyTime(core::Micros(timeline_.now_us())); }
    core::Task<> sleep(core::Micros duration) override {
        const auto executor = co_await core::asio::this_coro::executor;
        core::asio::steady_timer timer(executor, core::asio::steady_timer::time_point::max());
        const void* loop = &core::asio::query(executor, core::asio::execution::context);
        const Sleep asleep(timeline_, timeline_.now_us() + std::max<std::int64_t>(0, duration.count()), {&timer, loop});
        const auto token = core::asio::as_tuple(core::asio::use_awaitable);
        co_await timer.async_wait(token);
    }

    std::int64_t off_us = 0;  ///< how far the wall clock is ahead
    static constexpr core::Micros begin = std::chrono::seconds(1'800'000'000);

  private:
    /// Leaves the timeline with its coroutine, whichever way that ends.
    struct Sleep {
        Sleep(Timeline& timeline, std::int64_t until, Timeline::Sleeper sleeper)
            : line(timeline), until_us(until), timer(sleeper.timer) {
            line.add(until_us, sleeper);
        }
        Sleep(const Sleep&) = delete;
        Sleep& operator=(const Sleep&) = delete;
        ~Sleep() { line.remove(until_us, timer); }
        Timeline& line;
        std::int64_t until_us;
        core::asio::steady_timer* timer;
    };
    Timeline& timeline_;
};

}  // namespace pawl::simulation
