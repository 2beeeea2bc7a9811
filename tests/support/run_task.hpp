#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "core/task.hpp"

namespace pawl::test {

inline constexpr std::chrono::seconds task_patience{60};

/// Turns `io` until `done` holds. Other coroutines on `io` go on meanwhile. Throws
/// std::runtime_error after `patience`.
template <typename Done>
void run_until(boost::asio::io_context& io, std::chrono::milliseconds patience, Done done) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!done()) {
        if (std::chrono::steady_clock::now() >= end)
            throw std::runtime_error("the task did not end");
        if (io.stopped()) io.restart();
        io.run_one_for(std::chrono::milliseconds(20));
    }
}

/// Runs `task` on `io` to its end and returns its value, or rethrows what left it.
template <typename T>
T run_task(boost::asio::io_context& io, core::Task<T> task,
           std::chrono::milliseconds patience = task_patience) {
    // Shared with the handler, which outlives this call when patience is over.
    struct End {
        bool reached = false;
        std::exception_ptr error;
        std::optional<std::conditional_t<std::is_void_v<T>, bool, T>> value;
    };
    auto end = std::make_shared<End>();
    if constexpr (std::is_void_v<T>) {
        boost::asio::co_spawn(io, std::move(task), [end](std::exception_ptr error) {
            end->error = error;
            end->reached = true;
        });
    } else {
        boost::asio::co_spawn(io, std::move(task), [end](std::exception_ptr error, T value) {
            end->error = error;
            end->value = std::move(value);
            end->reached = true;
        });
    }
    run_until(io, patience, [&] { return end->reached; });
    if (end->error) std::rethrow_exception(end->error);
    if constexpr (!std::is_void_v<T>) return std::move(*end->value);
}

}  // namespace pawl::test
