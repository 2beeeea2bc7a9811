#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "app/snapshot.hpp"
#include "core/clock.hpp"

namespace pawl::app {

/// What `sync` and `backfill` tell while they work. Pure: it is handed snapshots and the time.
class ProgressLine {
  public:
    /// `streams` empty: all.
    ProgressLine(core::SteadyTime begin, std::vector<std::string> streams);

    /// One look at all sources of the command. The first is what was there before.
    void update(core::SteadyTime now, std::vector<Snapshot> snapshots);

    /// "1 min 5 s · 1,204 pages (41/s) · 96,110 records (3,280/s) · 2,113 of 5,600 slices left,
    /// about 52 s (core) · queue 12 · waits for …"
    [[nodiscard]] std::string text() const;
    [[nodiscard]] nlohmann::ordered_json json() const;
    /// The same numbers once it is over, one line per stream.
    [[nodiscard]] std::string summary() const;
    /// Since the first look.
    [[nodiscard]] Totals gained() const;
    /// At the last look.
    [[nodiscard]] Totals now() const { return looks_.empty() ? Totals{} : looks_.back().totals; }

  private:
    struct Look {
        core::SteadyTime at;
        Totals totals;
    };
    [[nodiscard]] double rate(std::int64_t Totals::*count) const;
    [[nodiscard]] std::string time_left() const;
    [[nodiscard]] double seconds_left(const Outlook& outlook) const;
    [[nodiscard]] std::vector<std::string> waits() const;
    [[nodiscard]] std::int64_t queued() const;
    core::SteadyTime begin_;
    std::vector<std::string> streams_;
    std::vector<Look> looks_;  // the first, then those of the last half minute
    std::vector<Snapshot> snapshots_;
};

}  // namespace pawl::app
