#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/outlook.hpp"
#include "app/session.hpp"
#include "app/source_ports.hpp"
#include "app/source_set.hpp"
#include "app/text_table.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"
#include "storage/mapping_check.hpp"
#include "storage/pg_backlog.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;

/// What the plan of one source rests on.
struct Planned {
    std::shared_ptr<const core::SourceFile> source;
    Outlook outlook;
    std::string redis_error;  ///< the ledger was not there: nothing is taken to be spent
    core::WallTime now;
};

core::Task<> read_ledger(Session& session, const std::string& source, OutlookFacts* facts) {
    const auto redis = session.redis();
    SourcePorts ports(session, source, redis, redis);
    facts->ledger = co_await ports.quota.view();
    facts->quarantined = co_await ports.quota.quarantined();
}

Planned look_ahead(Session& session, std::vector<std::string> streams) {
    Planned planned;
    const auto& environment = session.invocation.environment;
    planned.source = source_named(session.settings, environment, session.invocation.names.front());
    for (auto& stream : streams) stream = find_stream(*planned.source, stream).name;
    // What `backfill` would refuse whatever flag it is given.
    session.wait_for(storage::check_mappings(session.postgres, planned.source, storage::SplitWalks::cancel));
    OutlookFacts facts;
    facts.streams = streams;
    facts.round = collector::Round::next;
    facts.walks = session.settings.http.walks_max;
    facts.keys = readable_keys(*planned.source, environment, session.settings.secrets_dir);
    storage::PgBacklog backlog(session.postgres);
    facts.backlog = session.wait_for(backlog.backlog(planned.source, streams, core::Millis(0)));
    try {
        session.wait_for(read_ledger(session, planned.source->name, &facts));
    } catch (const core::TransientError& error) {
        planned.redis_error = core::redact(error.what());
    }
    planned.now = facts.now = session.clock.now();
    planned.outlook = outlook_of(*planned.source, facts);
    return planned;
}

std::string joined(const std::vector<std::string>& words) {
    std::string all;
    for (const auto& word : words) all += (all.empty() ? "" : ", ") + word;
    return all;
}

/// "1,204", or "1,204+" where more will come.
std::string counted(std::int64_t number, bool at_least) { return grouped(number) + (at_least ? "+" : ""); }

void print_streams(const Outlook& outlook) {
    TextTable table({"stream", "slices", "requests", "limits", "done in", "bound by"});
    for (std::size_t i = 0; i < outlook.demands.size(); ++i) {
        const auto& demand = outlook.demands[i];
        const auto& seen = outlook.forecast.streams[i];
        const bool at_least = !demand.unknown.empty();
        const std::string end = demand.requests == 0 ? "" : seen.seconds ? duration_text(*seen.seconds) : "never";
        table.add({demand.stream, counted(demand.slices, at_least), counted(demand.requests, at_least),
                   joined(seen.limits), end, seen.bound_by});
    }
    std::cout << table.text();
    for (const auto& demand : outlook.demands) {
        if (!demand.unknown.empty()) std::cout << "  + " << demand.stream << ": " << demand.unknown << '\n';
        if (!demand.note.empty()) std::cout << "    " << demand.stream << ": " << demand.note << '\n';
    }
}

void print_limits(const Outlook& outlook) {
    if (outlook.forecast.buckets.empty()) return;
    TextTable table({"limit", "needed", "left now", "allowed", "per", "budgets"});
    for (const auto& bucket : outlook.forecast.buckets)
        table.add({bucket.name, counted(bucket.units, outlook.is_at_least()), grouped(bucket.remaining),
                   grouped(bucket.allowed), duration_text(bucket.period_seconds), grouped(bucket.owners)});
    std::cout << '\n' << table.text();
}

void print_end(const Planned& planned) {
    const auto& outlook = planned.outlook;
    std::cout << '\n';
    if (outlook.is_idle()) {
        std::cout << "Nothing to ask: all of it is there, or `refresh` has not passed.\n";
        return;
    }
    const auto requests = outlook.forecast.requests;
    std::cout << counted(requests, outlook.is_at_least()) << (requests == 1 ? " request" : " requests")
              << ", done in " << finish_text(outlook);
    if (const auto seconds = outlook.seconds())
        std::cout << ", at "
                  << core::format_utc(planned.now + core::Micros(static_cast<std::int64_t>(*seconds * 1e6))).substr(0, 19)
                  << "Z";
    std::cout << ".\nAssumed: " << std::llround(outlook.latency_seconds * 1'000) << " ms a request"
              << (outlook.latency_assumed ? " (none was made yet)" : " (as of late)") << ", "
              << (outlook.accounts.empty() ? "one account (no key can be read here)"
                                           : grouped(static_cast<std::int64_t>(outlook.accounts.size())) +
                                                 (outlook.accounts.size() == 1 ? " account" : " accounts"))
              << ", no retries.\n";
    if (!planned.redis_error.empty())
        std::cout << "Redis does not answer, so nothing is taken to be spent: " << planned.redis_error << '\n';
}

void print(const Planned& planned) {
    std::cout << "source " << planned.source->name << ": what backfill would ask now. Nothing was asked.\n\n";
    print_streams(planned.outlook);
    print_limits(planned.outlook);
    print_end(planned);
}

}  // namespace

core::ExitCode plan(const Invocation& invocation) {
    Session session(invocation);
    const auto planned = look_ahead(session, {invocation.names.begin() + 1, invocation.names.end()});
    if (!invocation.json) {
        print(planned);
        return core::ExitCode::ok;
    }
    Json out{{"source", planned.source->name}, {"redis_error", planned.redis_error}};
    out.update(to_json(planned.outlook, planned.now));
    std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
    return core::ExitCode::ok;
}

}  // namespace pawl::app
