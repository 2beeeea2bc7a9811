#pragma once

#include <optional>
#include <string>

#include "core/clock.hpp"

namespace pawl::app {

/// Tells systemd how the service is (sd_notify). Without systemd (no NOTIFY_SOCKET) every call does
/// nothing.
class Supervisor {
  public:
    void ready(const std::string& status) const;
    /// One line for people, shown by `systemctl status`.
    void status(const std::string& status) const;
    /// SIGHUP is being worked on; `ready` ends it. Type=notify of systemd 252 needs the monotonic
    /// time with it.
    void reloading() const;
    void stopping(const std::string& status) const;
    /// Feeds the watchdog. Called from the event loop, so that a stuck loop starves it.
    void alive() const;
    /// How often `alive` is due: half of WatchdogSec; nullopt when the unit has none.
    [[nodiscard]] std::optional<core::Micros> watchdog_interval() const;
};

}  // namespace pawl::app
