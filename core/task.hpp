#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <string>

namespace pawl::core {

namespace asio = boost::asio;

/// A coroutine of pawl. Parameters by value; one await per statement; arguments of an awaited call are named variables
/// or plain function results (GCC 12 miscompiles temporaries of aggregate type there: docs/decisions/coroutines.md).
template <typename T = void>
using Task = asio::awaitable<T>;

/// Starts `task` on `executor`. An exception that leaves it is logged with `name` and ends the process by `std::abort`,
/// so that a supervisor restarts it: nothing is swallowed. operation_aborted after a cancel counts as a normal end.
void spawn(asio::any_io_executor executor, std::string name, Task<> task);

/// Port: runs what blocks or burns a millisecond of CPU somewhere else and comes back to the caller's executor.
/// The real one is a thread pool; a simulation runs the work at once.
class Offload {
  public:
    virtual ~Offload() = default;
    /// Runs `work` once. Rethrows what it throws.
    virtual Task<> run(std::function<void()> work) = 0;
};

}  // namespace pawl::core
