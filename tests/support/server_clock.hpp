#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// The wall clock of processes that are started with env(), in the hands of the test. It stands still
/// between two calls of set(), and runs after set_ahead().
class ServerClock {
  public:
    ServerClock();
    ~ServerClock();
    ServerClock(const ServerClock&) = delete;
    ServerClock& operator=(const ServerClock&) = delete;

    /// Microseconds since the epoch; 0: the machine's own clock.
    void set(std::int64_t us) { clock_->now_us = us; }
    /// So far ahead of the machine's clock, or behind it.
    void set_ahead(std::chrono::microseconds time) { clock_->ahead_us = time.count(); }
    [[nodiscard]] std::map<std::string, std::string> env() const;

  private:
    struct Clock {  ///< as server_clock_shim.cpp reads it
        std::atomic<std::int64_t> now_us, ahead_us;
    };
    TemporaryDirectory directory_;
    Clock* clock_ = nullptr;
};

}  // namespace pawl::test
