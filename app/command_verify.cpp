#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/reach.hpp"
#include "app/sample.hpp"
#include "app/session.hpp"
#include "app/source_ports.hpp"
#include "app/source_set.hpp"
#include "app/text_table.hpp"
#include "storage/pg_verifier.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t slices_asked = 100'000;  // open slices that are compared with Redis
constexpr std::size_t slices_per_call = 1'000;

/// Redis first, then Postgres: what moves meanwhile moves forward in Postgres, and that is no
/// difference.
core::Task<storage::VerifyReport> verify_source(Session& session,
                                                std::shared_ptr<queue::RedisConnection> redis,
                                                std::shared_ptr<const core::SourceFile> source,
                                                std::string stream) {
    SourcePorts ports(session, source->name, redis, redis);
    storage::PgVerifier verifier(session.postgres);
    const auto slices = co_await verifier.open_slices(source->name, slices_asked);
    std::vector<storage::FrontierFact> facts;
    for (std::size_t at = 0; at < slices.size(); at += slices_per_call) {
        const auto end = std::min(slices.size(), at + slices_per_call);
        std::vector<core::SliceId> some(slices.begin() + static_cast<std::ptrdiff_t>(at),
                                        slices.begin() + static_cast<std::ptrdiff_t>(end));
        const auto views = co_await ports.frontiers.view(std::move(some));
        for (const auto& view : views) facts.push_back({view.slice, view.seq, view.chained});
    }
    auto report = co_await verifier.verify(source, std::move(stream), std::move(facts));
    co_return report;
}

nlohmann::ordered_json to_json(const std::string& source, const storage::VerifyReport& report) {
    Json findings = Json::array();
    for (const auto& finding : report.findings)
        findings.push_back(
            {{"explained", finding.explained}, {"where", finding.where}, {"text", finding.text}});
    return {{"source", source},
            {"clean", report.clean()},
            {"slices", report.slices},
            {"pages", report.pages},
            {"records", report.records},
            {"tables", report.tables},
            {"dead_letters", report.dead_letters},
            {"findings", std::move(findings)},
            {"findings_left_out", report.findings_left_out}};
}

void print(const std::string& source, const storage::VerifyReport& report) {
    std::cout << source << ": " << (report.clean() ? "clean" : "DIFFERENCES") << ": "
              << grouped(report.slices) << " slices, " << grouped(report.pages) << " pages, "
              << grouped(report.records) << " records, " << grouped(report.tables) << " tables, "
              << grouped(report.dead_letters) << " dead letters\n";
    for (const auto& finding : report.findings)
        std::cout << (finding.explained ? "  note  " : "  ERROR ") << finding.where << ": "
                  << finding.text << '\n';
    if (report.findings_left_out > 0)
        std::cout << "  … and " << grouped(report.findings_left_out) << " more\n";
}

}  // namespace

core::ExitCode verify(const Invocation& invocation) {
    Session session(invocation);
    session.settings.migrate = false;  // looks, changes nothing
    const auto all =
        load_sources(source_files(source_paths(session.settings)), invocation.environment);
    const Sources sources =
        invocation.names.empty() ? all : Sources{find_source(all, invocation.names[0])};
    const std::string stream =
        invocation.names.size() > 1 ? find_stream(*sources.front(), invocation.names[1]).name : "";
    const auto redis = session.redis();
    session.wait_for(reach_redis(session, redis));
    (void)session.wait_for(reach_postgres(session));
    nlohmann::ordered_json results = nlohmann::ordered_json::array();
    bool clean = true;
    for (const auto& source : sources) {
        auto report = session.wait_for(verify_source(session, redis, source, stream));
        std::optional<SampleReport> sample;
        if (invocation.sample > 0) sample = ask_again(session, source, stream, invocation.sample);
        if (sample) report.findings.insert(report.findings.end(), sample->findings.begin(), sample->findings.end());
        clean = clean && report.clean();
        if (invocation.json) {
            results.push_back(to_json(source->name, report));
            if (sample)
                results.back()["sample"] = {{"asked", sample->asked}, {"unchanged", sample->unchanged}, {"changed", sample->changed}};
        } else {
            print(source->name, report);
            if (sample)
                std::cout << "  asked again for " << grouped(sample->asked) << " pages: " << grouped(sample->unchanged)
                          << " as they were, " << grouped(sample->changed) << " changed\n";
        }
    }
    if (invocation.json) std::cout << results.dump(2) << '\n';
    return clean ? core::ExitCode::ok : core::ExitCode::differences;
}

}  // namespace pawl::app
