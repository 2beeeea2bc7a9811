#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <set>

#include "app/commands.hpp"
#include "app/forecaster.hpp"
#include "app/quota_table.hpp"
#include "app/reach.hpp"
#include "app/session.hpp"
#include "app/source_ports.hpp"
#include "app/source_set.hpp"
#include "app/text_table.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"
#include "storage/pg_backlog.hpp"
#include "storage/pg_progress.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;

/// Sources of the files and of the catalogue: a source whose file is gone still has data and work.
core::Task<std::vector<std::string>> catalogue_sources(storage::Progress* progress) {
    std::set<std::string> names;
    const auto streams = co_await progress->streams("");
    for (const auto& stream : streams) names.insert(stream.source);
    std::vector<std::string> listed(names.begin(), names.end());
    co_return listed;
}

struct Look {
    std::vector<Snapshot> sources;
    std::string postgres_error, redis_error;
};

Sources file_sources(const Session& session) {
    try {
        return load_sources(source_files(source_paths(session.settings)), session.invocation.environment);
    } catch (const core::ConfigError& error) {
        std::cerr << "pawl: source files left out: " << core::redact(error.what()) << '\n';
    }
    return {};
}

/// When what is open and due will be done, where the source's file is there to tell its limits.
core::Task<std::optional<Outlook>> outlook_for(Session& session, const Sources& sources, const Snapshot* snapshot) {
    const auto found = std::find_if(sources.begin(), sources.end(),
                                    [&](const auto& source) { return source->name == snapshot->source; });
    if (found == sources.end()) co_return std::nullopt;
    storage::PgBacklog backlog(session.postgres);
    ForecasterOptions options;
    options.keys = readable_keys(**found, session.invocation.environment, session.settings.secrets_dir);
    options.walks_max = session.settings.http.walks_max;
    Forecaster forecaster(backlog, session.clock, std::move(options));
    auto outlook = co_await forecaster.look(*found, snapshot);
    co_return outlook;
}

Look look(Session& session) {
    Look result;
    std::set<std::string> names(session.invocation.names.begin(), session.invocation.names.end());
    const auto sources = file_sources(session);
    if (names.empty())
        for (const auto& source : sources) names.insert(source->name);
    storage::PgProgress progress(session.postgres);
    try {
        session.wait_for(look_at_catalogue(session));
        const auto known = session.wait_for(catalogue_sources(&progress));
        if (session.invocation.names.empty()) names.insert(known.begin(), known.end());
    } catch (const std::runtime_error& error) {
        result.postgres_error = core::redact(error.what());
    }
    const auto redis = session.redis();
    for (const auto& name : names) {
        SourcePorts ports(session, name, redis, redis);
        auto wanted = ports.snapshot_ports(result.postgres_error.empty() ? &progress : nullptr);
        if (!result.redis_error.empty())
            wanted.pages = nullptr;  // asked once: every further question waits as long
        Snapshot begun;
        begun.source = name;
        begun.postgres_error = result.postgres_error;
        begun.redis_error = result.redis_error;
        begun.queue_bytes_max = session.settings.redis.queue_bytes_max;
        begun.taken_at = session.clock.now();
        auto snapshot = session.wait_for(take_snapshot(wanted, std::move(begun), SnapshotDetail::everything));
        if (snapshot.postgres_error.empty() && snapshot.redis_error.empty())
            snapshot.outlook = session.wait_for(outlook_for(session, sources, &snapshot));
        result.sources.push_back(std::move(snapshot));
        if (result.redis_error.empty()) result.redis_error = result.sources.back().redis_error;
    }
    return result;
}

/// What a person can do about an outcome: a command of pawl, or what to ask Postgres (ok: single
/// records were rejected).
std::string advice_for(const Snapshot& snapshot, const storage::Problem& problem) {
    const std::string stream = snapshot.source + " " + problem.stream;
    switch (problem.outcome) {
        case core::Outcome::ok:
            return "select reason, record from pawl.rejected_record order by rejected_id desc";
        case core::Outcome::dead:
            return "pawl dlq list " + stream;
        case core::Outcome::stuck:
        case core::Outcome::truncated:
            return "pawl preview " + snapshot.source + "." + problem.stream;
        case core::Outcome::too_large:
            return "raise it: --set http.body_max=SIZE";
        default:
            return "pawl backfill " + stream;
    }
}

void print_streams(const Snapshot& snapshot) {
    TextTable table({"stream", "open", "done", "lost", "pages", "records", "inserted", "updated",
                     "last commit"});
    for (const auto& stream : snapshot.streams) {
        const auto totals = totals_of(snapshot, {stream.stream});
        table.add({stream.stream, grouped(stream.slices_open), grouped(totals.slices_done),
                   grouped(totals.slices_lost), grouped(stream.pages), grouped(stream.records),
                   grouped(stream.inserted), grouped(stream.updated),
                   stream.last_commit ? core::format_utc(*stream.last_commit).substr(0, 19) + "Z"
                                      : "never"});
    }
    std::cout << table.text();
}

void print(const Snapshot& snapshot) {
    std::cout << "\nsource " << snapshot.source << '\n';
    if (!snapshot.streams.empty())
        print_streams(snapshot);
    else if (snapshot.postgres_error.empty())
        std::cout << "nothing collected yet: pawl backfill " << snapshot.source << '\n';
    if (snapshot.redis_error.empty()) {
        std::cout << "queue: " << grouped(snapshot.queue.jobs) << " jobs, "
                  << bytes_text(snapshot.queue.bytes) << " of "
                  << bytes_text(static_cast<std::int64_t>(snapshot.queue_bytes_max));
        if (snapshot.queue.jobs > 0)
            std::cout << ", oldest " << duration_text(snapshot.queue.oldest_seconds);
        std::cout << "\nslices in Redis: " << grouped(snapshot.slices.of(core::SliceClass::live)) << " live, "
                  << grouped(snapshot.slices.of(core::SliceClass::on_demand)) << " on demand and "
                  << grouped(snapshot.slices.of(core::SliceClass::backfill)) << " backfill waiting, "
                  << grouped(snapshot.slices.leased) << " leased\n";
        std::cout << quota_text(snapshot);
    }
    if (snapshot.outlook)
        std::cout << "left: " << grouped(snapshot.outlook->forecast.requests)
                  << (snapshot.outlook->is_at_least() ? "+ requests, " : " requests, ")
                  << finish_text(*snapshot.outlook) << "; more: pawl plan " << snapshot.source << '\n';
    for (const auto& wait : what_it_waits_for(snapshot)) std::cout << "waits for " << wait << '\n';
    for (const auto& [key, reason] : snapshot.quarantined)
        std::cout << "problem: the API refuses the key " << key << " (" << reason
                  << "); replace it, then reload pawl\n";
    for (const auto& problem : snapshot.problems)
        std::cout << "problem: " << problem.stream
                  << (problem.part.empty() ? "" : " " + problem.part) << ": "
                  << core::to_string(problem.outcome)
                  << (problem.count > 1 ? " ×" + grouped(problem.count) : "")
                  << (problem.reason.empty() ? "" : ": " + problem.reason) << "\n         "
                  << advice_for(snapshot, problem) << '\n';
}

Json server_json(const std::string& error) {
    Json server{{"up", error.empty()}};
    if (!error.empty()) server["error"] = error;
    return server;
}

}  // namespace

core::ExitCode status(const Invocation& invocation) {
    Session session(invocation);
    const Look seen = look(session);
    if (invocation.json) {
        Json sources = Json::array();
        for (const auto& snapshot : seen.sources) {
            Json one = to_json(snapshot);
            for (std::size_t i = 0; i < snapshot.problems.size(); ++i)
                one["problems"][i]["command"] = advice_for(snapshot, snapshot.problems[i]);
            sources.push_back(std::move(one));
        }
        const Json out{{"version", PAWL_VERSION},
                       {"postgres_url", session.postgres_address()},
                       {"redis_url", session.redis_address()},
                       {"postgres", server_json(seen.postgres_error)},
                       {"redis", server_json(seen.redis_error)},
                       {"sources", std::move(sources)}};
        std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    } else {
        std::cout << "postgres " << session.postgres_address()
                  << (seen.postgres_error.empty() ? "" : "\n  down: " + seen.postgres_error)
                  << "\nredis    " << session.redis_address()
                  << (seen.redis_error.empty() ? "" : "\n  down: " + seen.redis_error) << '\n';
        for (const auto& snapshot : seen.sources) print(snapshot);
    }
    const bool both_down = !seen.postgres_error.empty() && !seen.redis_error.empty();
    return both_down ? core::ExitCode::unreachable : core::ExitCode::ok;
}

}  // namespace pawl::app
