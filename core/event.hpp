#pragma once

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/system/system_error.hpp>

#include "core/task.hpp"

namespace pawl::core {

/// Lets coroutines of one thread wait until something has happened. No time is involved: a wait ends by `notify` only
/// (or by a cancel, which throws).
class Event {
  public:
    explicit Event(asio::any_io_executor executor)
        : timer_(std::move(executor), asio::steady_timer::time_point::max()) {}

    /// Wakes all that wait now.
    void notify() { timer_.cancel(); }
    /// Callers check their condition again afterwards: `while (!ready) co_await event.wait();`
    Task<> wait() {
        boost::system::error_code woken;
        co_await timer_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }

  private:
    asio::steady_timer timer_;
};

}  // namespace pawl::core
