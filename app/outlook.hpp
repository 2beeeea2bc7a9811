#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "collector/forecast.hpp"
#include "core/clock.hpp"
#include "core/source_file.hpp"
#include "queue/quota.hpp"
#include "storage/backlog.hpp"

namespace pawl::app {

/// What is left to ask of one source, and when that will be done.
struct Outlook {
    std::vector<collector::Demand> demands;
    collector::Forecast forecast;       ///< streams in the order of the demands
    double latency_seconds = 0;
    bool latency_assumed = false;       ///< no request of this source is stored yet
    std::vector<std::string> accounts;  ///< that may pay; empty: taken for one, since none is known
    double age_seconds = 0;             ///< since the backlog was read

    /// More will come than can be counted now: the forecast is a lower bound.
    [[nodiscard]] bool is_at_least() const;
    /// Until all is done, from now on; nothing: never.
    [[nodiscard]] std::optional<double> seconds() const;
    /// There is nothing to do, and nothing more will come.
    [[nodiscard]] bool is_idle() const;
};

/// What an outlook is made from, beside the source file.
struct OutlookFacts {
    std::vector<std::string> streams;      ///< those asked for; empty: all
    collector::Round round = collector::Round::present;
    storage::SourceBacklog backlog;
    std::vector<queue::LimitView> ledger;
    std::map<std::string, std::string> quarantined;  ///< keys that the API refuses, with the reason
    std::vector<collector::Paying> keys;             ///< that are here; empty: not known
    std::int64_t walks = 64;               ///< slices walked at once
    core::WallTime now;
};

/// Pure. Accounts are those whose keys are here, else those in the ledger.
[[nodiscard]] Outlook outlook_of(const core::SourceFile& source, const OutlookFacts& facts);

/// The keys that this process can read, by their aliases; none where it can read none.
[[nodiscard]] std::vector<collector::Paying> readable_keys(const core::SourceFile& source,
                                                         const std::map<std::string, std::string>& environment,
                                                         const std::string& secrets_dir);

/// "about 2 h 5 min (core)", "at least 3 min 2 s (latency)", "never: no account": until all is done, and what binds it.
[[nodiscard]] std::string finish_text(const Outlook& outlook);
[[nodiscard]] nlohmann::ordered_json to_json(const Outlook& outlook, core::WallTime now);

}  // namespace pawl::app
