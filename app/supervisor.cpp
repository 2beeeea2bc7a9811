#include "app/supervisor.hpp"

#include <systemd/sd-daemon.h>

#include <ctime>

namespace pawl::app {

namespace {

void notify(const std::string& state) {
    (void)::sd_notify(0, state.c_str());
}  // no supervisor: nobody to tell

/// CLOCK_MONOTONIC in microseconds, as systemd compares it with its own.
std::string monotonic_usec() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return std::to_string(static_cast<std::int64_t>(time.tv_sec) * 1'000'000 +
                          time.tv_nsec / 1'000);
}

}  // namespace

void Supervisor::ready(const std::string& status) const { notify("READY=1\nSTATUS=" + status); }
void Supervisor::status(const std::string& status) const { notify("STATUS=" + status); }
void Supervisor::reloading() const { notify("RELOADING=1\nMONOTONIC_USEC=" + monotonic_usec()); }
void Supervisor::stopping(const std::string& status) const {
    notify("STOPPING=1\nSTATUS=" + status);
}
void Supervisor::alive() const { notify("WATCHDOG=1"); }

std::optional<core::Micros> Supervisor::watchdog_interval() const {
    std::uint64_t microseconds = 0;
    if (::sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
    return core::Micros(static_cast<std::int64_t>(microseconds / 2));
}

}  // namespace pawl::app
