#pragma once

#include <chrono>
#include <thread>

namespace pawl::test {

/// Asks `condition` every few milliseconds until it holds or `patience` is over; returns whether it
/// held. Instead of sleeps.
template <typename Condition>
[[nodiscard]] bool eventually(std::chrono::milliseconds patience, Condition condition) {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

}  // namespace pawl::test
