#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <map>
#include <stdexcept>

#include "core/clock.hpp"
#include "tests/support/inline_offload.hpp"

namespace pawl::test {

/// Time that passes only when nothing else can happen: sleeping an hour costs nothing.
class VirtualTime final : public core::Clock {
  public:
    [[nodiscard]] core::WallTime now() const override { return core::WallTime(start_ + passed_); }
    [[nodiscard]] core::SteadyTime steady() const override { return core::SteadyTime(passed_); }
    core::Task<> sleep(core::Micros duration) override {
        const auto executor = co_await core::asio::this_coro::executor;
        core::asio::steady_timer timer(executor, core::asio::steady_timer::time_point::max());
        sleepers_.emplace(passed_ + duration, &timer);
        const auto token = core::asio::as_tuple(core::asio::use_awaitable);
        co_await timer.async_wait(token);
    }
    [[nodiscard]] core::Micros passed() const { return passed_; }

    /// Lets whatever runs on `io` run until `done` holds. Throws when nothing can happen any more,
    /// or after `most`.
    template <typename Done>
    void run(core::asio::io_context& io, Done done, core::Micros most = std::chrono::hours(24)) {
        while (!done()) {
            io.restart();
            if (io.poll() > 0) continue;
            if (sleepers_.empty()) throw std::runtime_error("nothing can happen any more");
            const auto first = sleepers_.begin();
            passed_ = first->first;
            if (passed_ > most) throw std::runtime_error("too much time has passed");
            auto* timer = first->second;
            sleepers_.erase(first);
            timer->cancel();
        }
    }

  private:
    static constexpr core::Micros start_ = std::chrono::seconds(1'800'000'000);
    core::Micros passed_{0};
    std::multimap<core::Micros, core::asio::steady_timer*> sleepers_;
};

}  // namespace pawl::test
