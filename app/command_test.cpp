#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/dry_walk.hpp"
#include "app/failure.hpp"
#include "app/recording.hpp"
#include "app/session.hpp"
#include "app/source_set.hpp"
#include "app/table_rows.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"

namespace pawl::app {

namespace {

/// What a source file made of a recording.
struct Tested {
    std::string source, about;
    std::size_t exchanges = 0;
    std::size_t rows = 0;
    std::string difference;  ///< "" : none
    bool updated = false;
};

/// Walks that failed, requests that were not recorded, and what was recorded in vain, a line each.
std::string mishaps(const DryWalk& walk, const RecordedHttp& http) {
    std::string text;
    for (const auto& request : http.missing()) text += "not recorded: " + request + "\n";
    for (const auto& failure : walk.failures())
        if (failure.reason.find("was not recorded") == std::string::npos)
            text += "stream " + failure.stream + ": " + failure.reason + "\n";
    for (const auto& file : http.unused()) text += "recorded, but not asked for: " + file + "\n";
    return text;
}

std::size_t rows_in(const TableFiles& files) {
    std::size_t rows = 0;
    for (const auto& [name, lines] : files) rows += name.starts_with('_') ? 0 : lines.size() - 1;
    return rows;
}

Tested test_source(Session& session, const std::shared_ptr<const core::SourceFile>& source) {
    const auto& invocation = session.invocation;
    const auto folder = invocation.recorded.empty() ? recording_folder(*source) : invocation.recorded;
    const auto rows_folder = invocation.expect.empty() ? folder + "/rows" : invocation.expect;
    auto recording = Recording::read(folder);
    Tested tested{source->name, recording.about, recording.exchanges.size(), 0, {}, false};
    RecordedHttp http(source, std::move(recording.exchanges));
    TableRows tables;
    DryPages pages(source, {.http = http, .random = session.random, .settings = session.settings,
                            .environment = invocation.environment, .tokens = nullptr, .with_credentials = false, .exchanged = {}});
    DryWalk walk(source, std::move(pages), recording.bounds, recording.begun, [&](const DryPage& page) { tables.add(page); });
    session.wait_for(walk.walk(parents_first(*source)));
    const auto found = tables.files();
    tested.rows = rows_in(found);
    tested.difference = mishaps(walk, http);
    if (!invocation.update) {
        tested.difference += difference(read_tables(rows_folder), found);
    } else if (tested.difference.empty()) {
        write_tables(rows_folder, found);
        tested.updated = true;
    }
    return tested;
}

void tell(const Tested& tested) {
    if (tested.difference.empty())
        std::cout << tested.source << ": ok: " << tested.exchanges << (tested.exchanges == 1 ? " response, " : " responses, ") << tested.rows
                  << (tested.rows == 1 ? " row" : " rows") << (tested.updated ? ", written" : "") << '\n';
    else
        std::cout << tested.source << ": otherwise than expected\n" << tested.difference;
}

}  // namespace

core::ExitCode test(const Invocation& invocation) {
    const auto settings = settings_of(invocation);
    const auto sources =
        load_sources(source_files(invocation.names.empty() ? source_paths(settings) : invocation.names), invocation.environment);
    if (sources.size() > 1 && !(invocation.recorded.empty() && invocation.expect.empty()))
        throw UsageError("--recorded and --expect are for one source file");
    Session session(invocation, {.redis = false, .postgres = false});
    nlohmann::ordered_json results = nlohmann::ordered_json::array();
    auto code = core::ExitCode::ok;
    for (const auto& source : sources) {
        const auto tested = test_source(session, source);
        if (!tested.difference.empty()) code = core::ExitCode::differences;
        if (!invocation.json) tell(tested);
        results.push_back({{"source", tested.source}, {"about", tested.about}, {"responses", tested.exchanges}, {"rows", tested.rows},
                           {"ok", tested.difference.empty()}, {"difference", tested.difference}});
    }
    if (invocation.json) std::cout << results.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
    return code;
}

}  // namespace pawl::app
