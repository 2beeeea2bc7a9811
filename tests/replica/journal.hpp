#pragma once

#include <cstdint>
#include <deque>
#include <fstream>
#include <map>
#include <string>

#include "tests/replica/faults.hpp"
#include "tests/replica/rate_limits.hpp"

namespace pawl::replica {

/// One request as it was answered.
struct JournalEntry {
    Time time = 0;
    std::string owner, method, target;
    std::string kind;  ///< repository, languages, stargazers, user, starred, …
    int status = 0;    ///< 0: the connection was reset instead
    int cost = 0;      ///< requests taken from the owner's window
    Fault fault = Fault::none;
};

/// Counts every request and keeps the last ones, so that a test can compare what was asked for with
/// what was stored.
class Journal {
  public:
    /// `file` gets one line per request as well; "" : none. Throws std::runtime_error when it
    /// cannot be opened.
    explicit Journal(const std::string& file);
    void record(JournalEntry entry);
    void reset();

    /// {"requests", "status", "kinds", "owners": {…, "windows"}, "refused", "violations", "free",
    /// "faults", …}
    [[nodiscard]] std::string report(const RateLimits& limits) const;
    /// Up to 10,000 entries with a number greater than `after`: {"next", "missing", "entries"}.
    /// `missing` counts those that were dropped because only the last 200,000 are kept.
    [[nodiscard]] std::string entries_after(std::uint64_t after) const;

  private:
    std::ofstream file_;
    std::deque<JournalEntry> entries_;
    std::uint64_t count_ = 0;
    std::map<std::string, std::uint64_t> statuses_, kinds_, faults_;
};

/// "time_us owner method target status cost fault": one line of the log file.
[[nodiscard]] std::string to_line(const JournalEntry& entry);

}  // namespace pawl::replica
