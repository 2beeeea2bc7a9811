#include "app/quota_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/text_table.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;

bool is_window(const queue::LimitView& limit) {
    return limit.pace == queue::Pace::told || limit.pace == queue::Pace::fixed;
}

bool has_rate(const queue::LimitView& limit) { return limit.period_us > 0; }

/// "5,000 / 1 h"; of a window of slots "60 at once"; of a learned rate what it is now.
std::string allowed_text(const queue::LimitView& limit) {
    std::string text;
    if (has_rate(limit)) {
        const auto period = duration_text(static_cast<double>(limit.period_us) / 1e6);
        if (is_window(limit) || limit.pace == queue::Pace::learned)
            text = grouped(limit.limit) + " / " + period;
        else
            text = grouped(limit.limit) + " at once";
    }
    if (limit.concurrency > 0) text += (text.empty() ? "" : ", ") + grouped(limit.concurrency) + " in flight";
    return text;
}

/// "stargazers 812, repos 3", and what other users of the account took.
std::string spent_text(const queue::LimitView& limit) {
    std::vector<std::pair<std::int64_t, std::string>> most;
    for (const auto& [stream, units] : limit.spent) most.emplace_back(units, stream);
    std::sort(most.rbegin(), most.rend());
    std::string text;
    for (const auto& [units, stream] : most) text += (text.empty() ? "" : ", ") + stream + " " + grouped(units);
    if (limit.others > 0) text += (text.empty() ? "" : ", ") + std::string("others ") + grouped(limit.others);
    return text;
}

std::string last_text(const queue::LimitView& limit) {
    if (limit.last_limit == 0) return "";
    return fmt::format("{:.0f} %", 100.0 * static_cast<double>(limit.last_used) / static_cast<double>(limit.last_limit));
}

}  // namespace

std::string quota_state(const queue::LimitView& limit, const Snapshot& snapshot) {
    const auto belongs = [&](const std::string& key) { return key == limit.owner || key.starts_with(limit.owner + "/"); };
    const bool refused = !limit.owner.empty() && std::any_of(snapshot.quarantined.begin(), snapshot.quarantined.end(),
                                                             [&](const auto& key) { return belongs(key.first); });
    if (refused) return "quarantined";
    if (limit.blocked) return "cooling";
    if (is_window(limit) && has_rate(limit) && limit.limit > 0 && limit.remaining == 0 && limit.reset_seconds > 0)
        return "exhausted";
    return "ok";
}

std::string quota_text(const Snapshot& snapshot) {
    if (snapshot.quota.empty()) return "";
    TextTable table({"limit", "owner", "allowed", "remaining", "in flight", "resets in", "spent by", "last window", "lapsed",
                     "state"});
    for (const auto& limit : snapshot.quota)
        table.add({limit.name, limit.owner.empty() ? "(source)" : limit.owner, allowed_text(limit),
                   has_rate(limit) && limit.pace != queue::Pace::learned ? grouped(limit.remaining) : "",
                   grouped(limit.in_flight), has_rate(limit) ? duration_text(limit.reset_seconds) : "", spent_text(limit),
                   last_text(limit), limit.lapsed > 0 ? grouped(limit.lapsed) : "", quota_state(limit, snapshot)});
    return table.text();
}

nlohmann::ordered_json quota_json(const Snapshot& snapshot) {
    Json all = Json::array();
    for (const auto& limit : snapshot.quota)
        all.push_back({{"limit", limit.name},
                       {"owner", limit.owner},
                       {"allowed", limit.limit},
                       {"period_seconds", static_cast<double>(limit.period_us) / 1e6},
                       {"used", limit.used},
                       {"remaining", limit.remaining},
                       {"reset_seconds", limit.reset_seconds},
                       {"in_flight", limit.in_flight},
                       {"concurrency", limit.concurrency},
                       {"spent", limit.spent},
                       {"others", limit.others},
                       {"last_used", limit.last_used},
                       {"last_limit", limit.last_limit},
                       {"lapsed", limit.lapsed},
                       {"blocked", limit.blocked},
                       {"state", quota_state(limit, snapshot)}});
    return all;
}

}  // namespace pawl::app
