#include "app/outlook.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "app/text_table.hpp"
#include "collector/credentials.hpp"
#include "core/errors.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;

// Before the first request nobody knows: between an API of the same continent and a slow one.
constexpr double latency_guess_seconds = 0.25;
constexpr double latency_least_seconds = 0.001;  // clocks of Redis and the collector may differ

/// Those that are here, else the accounts that the ledger knows.
std::vector<collector::Paying> keys_of(const OutlookFacts& facts) {
    if (!facts.keys.empty()) return facts.keys;
    std::set<std::string> owners;
    for (const auto& limit : facts.ledger)
        if (!limit.owner.empty()) owners.insert(limit.owner.substr(0, limit.owner.find('/')));
    std::vector<collector::Paying> keys;
    for (const auto& owner : owners) keys.push_back({owner, owner});
    return keys;
}

}  // namespace

bool Outlook::is_at_least() const {
    return std::any_of(demands.begin(), demands.end(),
                       [](const collector::Demand& demand) { return !demand.unknown.empty(); });
}

std::optional<double> Outlook::seconds() const {
    if (!forecast.seconds) return std::nullopt;
    return std::max(0.0, *forecast.seconds - age_seconds);
}

bool Outlook::is_idle() const { return forecast.requests == 0 && !is_at_least(); }

Outlook outlook_of(const core::SourceFile& source, const OutlookFacts& facts) {
    Outlook outlook;
    auto keys = keys_of(facts);
    for (const auto& key : keys)
        if (std::find(outlook.accounts.begin(), outlook.accounts.end(), key.owner) == outlook.accounts.end())
            outlook.accounts.push_back(key.owner);
    const bool known = !keys.empty();
    std::erase_if(keys, [&](const collector::Paying& key) { return facts.quarantined.contains(key.key); });
    outlook.latency_assumed = !facts.backlog.latency_seconds;
    outlook.latency_seconds =
        std::max(latency_least_seconds, facts.backlog.latency_seconds.value_or(latency_guess_seconds));
    outlook.demands = collector::demands_of(source, facts.streams, facts.backlog, facts.round);
    auto loads = collector::loads_of(source, outlook.demands, keys, facts.now);
    if (known && keys.empty())  // the API refuses them all
        for (auto& load : loads) load.payers.clear();
    outlook.forecast =
        collector::forecast(loads, {facts.ledger, facts.walks, outlook.latency_seconds, facts.now});
    return outlook;
}

std::vector<collector::Paying> readable_keys(const core::SourceFile& source,
                                             const std::map<std::string, std::string>& environment,
                                             const std::string& secrets_dir) {
    std::vector<collector::Paying> keys;
    try {
        for (const auto& account : collector::load_accounts(source, environment, secrets_dir))
            for (const auto& key : account.keys) keys.push_back({account.owner, collector::alias_of(account, key)});
    } catch (const core::ConfigError&) {  // who only looks need not have the keys
    }
    return keys;
}

std::string finish_text(const Outlook& outlook) {
    const auto& bound = outlook.forecast.bound_by;
    const auto seconds = outlook.seconds();
    if (!seconds) return "never: " + bound;
    return (outlook.is_at_least() ? "at least " : "about ") + duration_text(*seconds) +
           (bound.empty() ? "" : " (" + bound + ")");
}

nlohmann::ordered_json to_json(const Outlook& outlook, core::WallTime now) {
    const auto seconds_json = [](const std::optional<double>& seconds) {
        return seconds ? Json(*seconds) : Json(nullptr);
    };
    Json streams = Json::array();
    for (std::size_t i = 0; i < outlook.demands.size(); ++i) {
        const auto& demand = outlook.demands[i];
        const auto& seen = outlook.forecast.streams[i];
        streams.push_back({{"stream", demand.stream},
                           {"slices", demand.slices},
                           {"requests", demand.requests},
                           {"at_least", !demand.unknown.empty()},
                           {"unknown", demand.unknown},
                           {"note", demand.note},
                           {"limits", seen.limits},
                           {"seconds", seconds_json(seen.seconds)},
                           {"bound_by", seen.bound_by}});
    }
    Json limits = Json::array();
    for (const auto& bucket : outlook.forecast.buckets)
        limits.push_back({{"limit", bucket.name},
                          {"budgets", bucket.owners},
                          {"needed", bucket.units},
                          {"remaining", bucket.remaining},
                          {"allowed", bucket.allowed},
                          {"period_seconds", bucket.period_seconds}});
    const auto seconds = outlook.seconds();
    Json finish = nullptr;
    if (seconds) finish = core::format_utc(now + core::Micros(static_cast<std::int64_t>(*seconds * 1e6)));
    return {{"requests", outlook.forecast.requests},
            {"at_least", outlook.is_at_least()},
            {"seconds", seconds_json(seconds)},
            {"finish_at", finish},
            {"bound_by", outlook.forecast.bound_by},
            {"age_seconds", outlook.age_seconds},
            {"latency_seconds", outlook.latency_seconds},
            {"latency_assumed", outlook.latency_assumed},
            {"accounts", outlook.accounts},
            {"streams", std::move(streams)},
            {"limits", std::move(limits)}};
}

}  // namespace pawl::app
