#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// The wall clock of a server that is started with env(), in the hands of the test. It stands still
/// between two calls of set().
class ServerClock {
  public:
    ServerClock();
    ~ServerClock();
    ServerClock(const ServerClock&) = delete;
    ServerClock& operator=(const ServerClock&) = delete;

    /// Microseconds since the epoch; 0: the machine's own clock.
    void set(std::int64_t us) { now_us_->store(us); }
    [[nodiscard]] std::map<std::string, std::string> env() const;

  private:
    TemporaryDirectory directory_;
    std::atomic<std::int64_t>* now_us_ = nullptr;
};

}  // namespace pawl::test
