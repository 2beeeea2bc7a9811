#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/api_access.hpp"
#include "app/commands.hpp"
#include "app/dry_walk.hpp"
#include "app/reach.hpp"
#include "app/recording.hpp"
#include "app/session.hpp"
#include "app/source_set.hpp"
#include "core/errors.hpp"
#include "storage/pg_token_store.hpp"

namespace pawl::app {

namespace {

std::int64_t micros_of(core::WallTime time) { return time.time_since_epoch().count(); }

void tell(const Recording& recording, const DryWalk& walk, const std::string& folder, bool json) {
    if (json) {
        nlohmann::ordered_json failures = nlohmann::ordered_json::array(), asked = nlohmann::ordered_json::array();
        for (const auto& failure : walk.failures()) failures.push_back({{"stream", failure.stream}, {"reason", failure.reason}});
        for (const auto& one : recording.exchanges) asked.push_back({{"stream", one.stream}, {"url", one.url}, {"status", one.response.status}});
        std::cout << nlohmann::ordered_json{{"folder", folder}, {"exchanges", asked}, {"failures", failures}}.dump(2) << '\n';
        return;
    }
    for (const auto& one : recording.exchanges)
        std::cout << one.stream << ": " << one.method << ' ' << one.url << ": " << one.response.status << '\n';
    for (const auto& failure : walk.failures()) std::cerr << failure.stream << ": " << failure.reason << '\n';
    std::cout << recording.exchanges.size() << " exchanges in " << folder
              << ". Look at them before you share them: what pawl does not know to be secret is in them.\n";
}

}  // namespace

core::ExitCode record(const Invocation& invocation) {
    const auto source = source_named(settings_of(invocation), invocation.environment, invocation.names.front());
    const bool keeps_token = uses_refresh_token(*source);
    Session session(invocation, {.redis = false, .postgres = keeps_token});
    std::optional<storage::PgTokenStore> store;
    if (keeps_token) {
        (void)session.wait_for(reach_postgres(session));
        store.emplace(session.postgres);
    }
    Recording recording;
    recording.begun = micros_of(session.clock.now());
    recording.about = "recorded from the API, secrets removed";
    recording.bounds.pages = invocation.pages.value_or(recording.bounds.pages);
    recording.bounds.partitions = invocation.partitions.value_or(recording.bounds.partitions);

    ApiAccess api(session, source, store ? &*store : nullptr);
    auto context = api.context();
    context.exchanged = [&](const core::Stream& stream, const collector::PageRequest& request, const collector::HttpResult& result) {
        if (const auto* response = std::get_if<collector::HttpResponse>(&result))
            recording.exchanges.push_back(recordable(*source, stream, request, *response));
    };
    DryWalk walk(source, DryPages(source, std::move(context)), recording.bounds, recording.begun, [](const DryPage&) {});
    auto streams = invocation.names.size() > 1 ? with_parents(*source, find_stream(*source, invocation.names[1])) : parents_first(*source);
    session.wait_for(walk.walk(std::move(streams)));
    const auto folder = invocation.into.empty() ? recording_folder(*source) : invocation.into;
    if (!recording.exchanges.empty()) recording.write(folder, source->name);
    tell(recording, walk, folder, invocation.json);
    return walk.failures().empty() ? core::ExitCode::ok : core::ExitCode::failure;
}

}  // namespace pawl::app
