#include "app/snapshot.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "app/quota_table.hpp"
#include "app/text_table.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t problems_max = 20;

core::Task<> ask_postgres(storage::Progress* progress, Snapshot* into, SnapshotDetail detail) {
    into->streams = co_await progress->streams(into->source);
    if (detail == SnapshotDetail::numbers) co_return;
    into->tables = co_await progress->tables(into->source);
    into->problems = co_await progress->problems(into->source, problems_max);
}

core::Task<> ask_redis(SnapshotPorts ports, Snapshot* into) {
    into->queue = co_await ports.pages->totals();
    into->slices = co_await ports.frontiers->totals();
    into->quota = co_await ports.quota->view();
    into->quarantined = co_await ports.quota->quarantined();
}

/// Limits by name: how many owners they have, how many of those cannot ask now, and when the first
/// can again.
struct LimitState {
    int owners = 0, exhausted = 0;
    double first_seconds = 0;
};

}  // namespace

core::Task<Snapshot> take_snapshot(SnapshotPorts ports, Snapshot begun, SnapshotDetail detail) {
    Snapshot snapshot = std::move(begun);
    if (ports.progress != nullptr) {
        try {
            co_await ask_postgres(ports.progress, &snapshot, detail);
        } catch (const core::TransientError& error) {
            snapshot.postgres_error = core::redact(error.what());
        } catch (const core::ConfigError& error) {
            snapshot.postgres_error = core::redact(error.what());
        }
    }
    if (ports.pages != nullptr) {
        try {
            co_await ask_redis(ports, &snapshot);
        } catch (const core::TransientError& error) {
            snapshot.redis_error = core::redact(error.what());
        } catch (const core::ConfigError& error) {
            snapshot.redis_error = core::redact(error.what());
        }
    }
    co_return snapshot;
}

std::vector<std::string> what_it_waits_for(const Snapshot& snapshot) {
    std::vector<std::string> waits;
    if (!snapshot.redis_error.empty()) waits.push_back("Redis: " + snapshot.redis_error);
    if (!snapshot.postgres_error.empty()) waits.push_back("Postgres: " + snapshot.postgres_error);
    std::set<std::string>
        owned;  // limits that are counted per owner; requests without credentials count beside them
    for (const auto& limit : snapshot.quota)
        if (!limit.owner.empty()) owned.insert(limit.name);
    std::map<std::string, LimitState> limits;
    for (const auto& limit : snapshot.quota) {
        if (limit.owner.empty() && owned.contains(limit.name)) continue;
        auto& state = limits[limit.name];
        ++state.owners;
        if (!limit.blocked && limit.remaining > 0) continue;
        if (limit.limit == 0 && !limit.blocked) continue;  // a limit of concurrency alone
        state.first_seconds = state.exhausted == 0
                                  ? limit.reset_seconds
                                  : std::min(state.first_seconds, limit.reset_seconds);
        ++state.exhausted;
    }
    for (const auto& [name, state] : limits) {
        if (state.exhausted == 0 || state.exhausted < state.owners)
            continue;  // someone can still pay
        waits.push_back(
            "quota '" + name + "'" +
            (state.owners > 1 ? " of all " + std::to_string(state.owners) + " owners" : "") +
            ", next in " + duration_text(state.first_seconds));
    }
    const auto bytes =
        static_cast<std::size_t>(snapshot.queue.bytes + snapshot.queue.bytes_reserved);
    if (snapshot.queue_bytes_max > 0 && bytes >= snapshot.queue_bytes_max / 100 * 95)
        waits.push_back("room on the queue (" + bytes_text(snapshot.queue.bytes) +
                        "): workers or Postgres are behind");
    return waits;
}

Totals& Totals::operator+=(const Totals& other) {
    pages += other.pages;
    records += other.records;
    inserted += other.inserted;
    updated += other.updated;
    rejected += other.rejected;
    dead_letters += other.dead_letters;
    slices_open += other.slices_open;
    slices_done += other.slices_done;
    slices_lost += other.slices_lost;
    partitions_due += other.partitions_due;
    return *this;
}

Totals totals_of(const Snapshot& snapshot, const std::vector<std::string>& streams) {
    Totals totals;
    for (const auto& stream : snapshot.streams) {
        if (!streams.empty() &&
            std::find(streams.begin(), streams.end(), stream.stream) == streams.end())
            continue;
        totals.pages += stream.pages;
        totals.records += stream.records;
        totals.inserted += stream.inserted;
        totals.updated += stream.updated;
        totals.rejected += stream.rejected;
        totals.dead_letters += stream.dead_letters;
        totals.slices_open += stream.slices_open;
        totals.partitions_due += stream.partitions_due;
        for (const auto& [word, count] : stream.slices_by_outcome) {
            totals.slices_done += count;
            const auto outcome = core::parse_outcome(word);
            if (outcome && core::needs_attention(*outcome)) totals.slices_lost += count;
        }
    }
    return totals;
}

nlohmann::ordered_json to_json(const Snapshot& snapshot) {
    Json out{{"source", snapshot.source}};
    out["waits_for"] = what_it_waits_for(snapshot);
    Json streams = Json::array();
    for (const auto& stream : snapshot.streams) {
        Json last = nullptr;
        if (stream.last_commit) last = core::format_utc(*stream.last_commit);
        streams.push_back({{"stream", stream.stream},
                           {"partitions", stream.partitions},
                           {"partitions_due", stream.partitions_due},
                           {"slices_open", stream.slices_open},
                           {"slices_by_outcome", stream.slices_by_outcome},
                           {"pages", stream.pages},
                           {"records", stream.records},
                           {"inserted", stream.inserted},
                           {"updated", stream.updated},
                           {"rejected", stream.rejected},
                           {"dead_letters", stream.dead_letters},
                           {"last_commit", last}});
    }
    out["streams"] = std::move(streams);
    Json tables = Json::array();
    for (const auto& table : snapshot.tables)
        tables.push_back({{"table", table.table}, {"rows", table.rows}});
    out["tables"] = std::move(tables);
    out["queue"] = {{"jobs", snapshot.queue.jobs},
                    {"bytes", snapshot.queue.bytes},
                    {"bytes_reserved", snapshot.queue.bytes_reserved},
                    {"bytes_max", snapshot.queue_bytes_max},
                    {"oldest_seconds", snapshot.queue.oldest_seconds}};
    out["slices"] = {{"offered_live", snapshot.slices.of(core::SliceClass::live)},
                     {"offered_on_demand", snapshot.slices.of(core::SliceClass::on_demand)},
                     {"offered_backfill", snapshot.slices.of(core::SliceClass::backfill)},
                     {"leased", snapshot.slices.leased}};
    out["quota"] = quota_json(snapshot);
    out["quarantined"] = snapshot.quarantined;
    out["forecast"] = snapshot.outlook ? to_json(*snapshot.outlook, snapshot.taken_at) : Json(nullptr);
    Json problems = Json::array();
    for (const auto& problem : snapshot.problems)
        problems.push_back({{"stream", problem.stream},
                            {"part", problem.part},
                            {"outcome", core::to_string(problem.outcome)},
                            {"reason", problem.reason},
                            {"count", problem.count}});
    out["problems"] = std::move(problems);
    return out;
}

}  // namespace pawl::app
