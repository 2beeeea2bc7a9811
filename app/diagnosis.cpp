#include "app/diagnosis.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "app/text_table.hpp"

namespace pawl::app {

namespace {

using Grade = Finding::Grade;

constexpr std::int64_t skew_max_us = 5'000'000;
constexpr std::int64_t long_transaction_s = 3'600;
constexpr double nearly_all = 0.8;

std::string field(const std::map<std::string, std::string>& info, const std::string& name) {
    const auto found = info.find(name);
    return found == info.end() ? "" : found->second;
}

std::int64_t number(const std::map<std::string, std::string>& info, const std::string& name) {
    return std::strtoll(field(info, name).c_str(), nullptr, 10);
}

Finding clock_of(const std::string& where, std::int64_t ours_us, std::int64_t theirs_us) {
    const auto skew = std::llabs(ours_us - theirs_us);
    const auto seconds = static_cast<double>(skew) / 1e6;
    if (skew <= skew_max_us) return {Grade::ok, where, fmt::format("clock: {:.1f} s from ours", seconds), ""};
    return {Grade::warning, where, fmt::format("its clock is {:.0f} s from ours", seconds),
            "set both by NTP: windows of quota follow Redis's clock, schedules ours"};
}

}  // namespace

std::string_view to_string(Grade grade) {
    switch (grade) {
        case Grade::ok: return "ok";
        case Grade::warning: return "warning";
        case Grade::error: break;
    }
    return "ERROR";
}

std::map<std::string, std::string> info_fields(const std::string& info) {
    std::map<std::string, std::string> fields;
    for (std::size_t at = 0; at < info.size();) {
        const auto end = std::min(info.find('\n', at), info.size());
        auto line = info.substr(at, end - at);
        at = end + 1;
        if (line.ends_with('\r')) line.pop_back();
        const auto colon = line.find(':');
        if (colon != std::string::npos) fields[line.substr(0, colon)] = line.substr(colon + 1);
    }
    return fields;
}

std::vector<Finding> diagnose_redis(const std::map<std::string, std::string>& info, const std::string& appendfsync,
                                    std::int64_t ours_us, std::int64_t theirs_us) {
    const std::string redis = "Redis";
    std::vector<Finding> findings{{Grade::ok, redis, "version " + field(info, "redis_version"), ""}};
    const auto most = number(info, "maxmemory");
    const auto policy = field(info, "maxmemory_policy");
    if (most > 0 && policy != "noeviction")
        findings.push_back({Grade::error, redis, "evicts keys when it is full (" + policy + ")",
                            "CONFIG SET maxmemory-policy noeviction: evicted pages are asked for again"});
    else if (most == 0)
        findings.push_back({Grade::warning, redis, "no maxmemory: a full machine kills it instead of refusing writes",
                            "CONFIG SET maxmemory, above redis.queue_bytes_max of all sources"});
    else
        findings.push_back({Grade::ok, redis, "maxmemory " + bytes_text(most) + ", noeviction", ""});
    if (field(info, "aof_enabled") != "1")
        findings.push_back({Grade::warning, redis, "keeps no append-only file: a restart loses the queue",
                            "CONFIG SET appendonly yes: what was queued is asked for again otherwise"});
    else if (appendfsync == "no")
        findings.push_back({Grade::warning, redis, "appendfsync no: a crash loses up to half a minute of pages",
                            "CONFIG SET appendfsync everysec"});
    else
        findings.push_back({Grade::ok, redis, "append-only file" + (appendfsync.empty() ? "" : ", fsync " + appendfsync), ""});
    if (field(info, "role") == "slave")
        findings.push_back({Grade::error, redis, "is a replica: it takes no writes", "connect to its master"});
    findings.push_back(clock_of(redis, ours_us, theirs_us));
    return findings;
}

std::vector<Finding> diagnose_postgres(const storage::ServerFacts& facts, std::int64_t ours_us) {
    const std::string postgres = "Postgres";
    std::vector<Finding> findings{{Grade::ok, postgres, "version " + facts.version, ""}};
    if (!facts.fsync || !facts.full_page_writes)
        findings.push_back({Grade::error, postgres, "fsync or full_page_writes is off: a crash may lose what it said was stored",
                            "turn both on"});
    if (facts.synchronous_commit == "off")
        findings.push_back({Grade::warning, postgres, "synchronous_commit is off", "pawl turns it on for its own transactions; yours may be lost"});
    if (facts.read_only) findings.push_back({Grade::error, postgres, "is read-only (a standby, or set so)", "connect to the primary"});
    const auto used = static_cast<double>(facts.connections), most = static_cast<double>(facts.connections_max);
    if (used > nearly_all * most)
        findings.push_back({Grade::warning, postgres, fmt::format("{} of {} connections are used", facts.connections, facts.connections_max),
                            "raise max_connections, or close what is idle"});
    else
        findings.push_back({Grade::ok, postgres, fmt::format("{} of {} connections are used", facts.connections, facts.connections_max), ""});
    if (facts.oldest_transaction_s > long_transaction_s)
        findings.push_back({Grade::warning, postgres,
                            "a transaction is open for " + duration_text(static_cast<double>(facts.oldest_transaction_s)),
                            "end it: dead rows behind it cannot be cleaned up (pg_stat_activity)"});
    findings.push_back(clock_of(postgres, ours_us, facts.now_us));
    return findings;
}

}  // namespace pawl::app
