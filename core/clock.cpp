#include "core/clock.hpp"

#include <date/date.h>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

namespace pawl::core {

WallTime SystemClock::now() const {
    return std::chrono::time_point_cast<Micros>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::steady() const {
    return std::chrono::steady_clock::now();
}

Task<> SystemClock::sleep(Micros duration) {
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, duration);
    co_await timer.async_wait(asio::use_awaitable);
}

std::string format_utc(WallTime time) {
    return date::format("%FT%TZ", time);
}

}  // namespace pawl::core
