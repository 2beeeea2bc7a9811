#pragma once

#include <map>
#include <string>

#include "core/clock.hpp"
#include "core/telemetry.hpp"

namespace pawl::collector {

/// Tells people what a source waits for: one line when a wait of more than 5 s begins and one when
/// it ends, for each reason (a limit, or room on the queue) and owner, however many walks wait; and
/// a gauge of walks that wait.
class WaitLog {
  public:
    WaitLog(std::string source, core::Telemetry& telemetry)
        : source_(std::move(source)), telemetry_(telemetry) {}

    void begin(const std::string& reason, const std::string& owner, core::Micros wait,
               core::SteadyTime now);
    /// The walk that waited for `reason` of `owner` goes on.
    void end(const std::string& reason, const std::string& owner, core::SteadyTime now);
    [[nodiscard]] int waiting() const { return waiting_; }

  private:
    struct Wait {
        int walks = 0;
        bool told = false;
        core::SteadyTime since;
    };
    void report();

    std::string source_;
    core::Telemetry& telemetry_;
    std::map<std::pair<std::string, std::string>, Wait> waits_;
    int waiting_ = 0;
};

}  // namespace pawl::collector
