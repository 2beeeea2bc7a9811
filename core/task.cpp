#include "core/task.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>
#include <cstdlib>
#include <exception>

#include "core/log.hpp"

namespace pawl::core {

void spawn(asio::any_io_executor executor, std::string name, Task<> task) {
    asio::co_spawn(executor, std::move(task), [name = std::move(name)](std::exception_ptr failure) {
        if (!failure) return;
        try {
            std::rethrow_exception(failure);
        } catch (const boost::system::system_error& error) {
            if (error.code() == asio::error::operation_aborted) return;  // cancelled: a normal end
            log::error("A coroutine ended by an error, the process stops",
                       {{"coroutine", name}, {"error", error.what()}});
        } catch (const std::exception& error) {
            log::error("A coroutine ended by an error, the process stops",
                       {{"coroutine", name}, {"error", error.what()}});
        }
        std::abort();
    });
}

}  // namespace pawl::core
