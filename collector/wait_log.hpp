#pragma once

#include <map>
#include <string>

#include "core/clock.hpp"

namespace pawl::collector {

/// Tells people what a source waits for: one line when a wait of more than 5 s begins and one when
/// it ends, for each reason (a limit, or room on the queue) and owner, however many walks wait.
class WaitLog {
  public:
    explicit WaitLog(std::string source) : source_(std::move(source)) {}

    void begin(const std::string& reason, const std::string& owner, core::Micros wait,
               core::SteadyTime now);
    /// The walk that waited for `reason` of `owner` goes on.
    void end(const std::string& reason, const std::string& owner, core::SteadyTime now);
    /// Walks between a begin and an end.
    [[nodiscard]] std::size_t waiting() const { return waiting_; }

  private:
    struct Wait {
        int walks = 0;
        bool told = false;
        core::SteadyTime since;
    };
    std::string source_;
    std::map<std::pair<std::string, std::string>, Wait> waits_;
    std::size_t waiting_ = 0;
};

}  // namespace pawl::collector
