#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/diagnosis.hpp"
#include "app/reach.hpp"
#include "app/session.hpp"
#include "app/source_ports.hpp"
#include "app/source_set.hpp"
#include "app/text_table.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"
#include "storage/dead_letters.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;
using Grade = Finding::Grade;
using Findings = std::vector<Finding>;

constexpr std::size_t text_shown = 100;  // characters

std::int64_t now_us(const Session& session) {
    return std::chrono::duration_cast<core::Micros>(session.clock.now().time_since_epoch()).count();
}

/// Runs `look`; what stops it is a finding of its own.
template <typename Look>
void examine(Findings& findings, const std::string& where, Look look) {
    try {
        look();
    } catch (const std::exception& error) {
        findings.push_back({Grade::error, where, core::redact(error.what()), "mend this first, then ask the doctor again"});
    }
}

core::Task<queue::RedisReply> ask(std::shared_ptr<queue::RedisConnection> redis, std::vector<std::string> command) {
    auto reply = co_await redis->command(std::move(command));
    co_return reply;
}

void look_at_redis(Session& session, Findings& findings) {
    const auto redis = session.redis();
    session.wait_for(reach_redis(session, redis));
    const auto info = info_fields(session.wait_for(ask(redis, {"INFO"})).text());
    std::string fsync;
    try {
        fsync = session.wait_for(ask(redis, {"CONFIG", "GET", "appendfsync"})).at(1).text();
    } catch (const std::exception&) {  // pawl's own rights need not reach so far
    }
    const auto seconds = std::stoll(session.wait_for(ask(redis, {"TIME"})).at(0).text());
    for (auto& finding : diagnose_redis(info, fsync, now_us(session), seconds * 1'000'000)) findings.push_back(std::move(finding));
}

void look_at_postgres(Session& session, Findings& findings) {
    (void)session.wait_for(reach_postgres(session));
    const auto facts = session.wait_for(storage::server_facts(session.postgres));
    for (auto& finding : diagnose_postgres(facts, now_us(session))) findings.push_back(std::move(finding));
    storage::DeadLetters letters(session.postgres);
    const auto dead = session.wait_for(letters.list({}, 0, 1));
    if (!dead.empty()) findings.push_back({Grade::warning, "Postgres", "there are dead letters", "pawl dlq list"});
}

void look_at_sources(Session& session, Findings& findings) {
    const auto sources = load_sources(source_files(source_paths(session.settings)), session.invocation.environment);
    findings.push_back({Grade::ok, "Sources", std::to_string(sources.size()) + " source files are right", ""});
    const auto redis = session.redis();
    for (const auto& source : sources) {
        SourcePorts ports(session, source->name, redis, redis);
        for (const auto& [key, reason] : session.wait_for(ports.quota.quarantined()))
            findings.push_back({Grade::warning, "Sources", "the API of " + source->name + " refuses the key " + key + " (" + reason + ")",
                                "replace it, or: pawl quota " + source->name + " --allow " + key});
    }
}

}  // namespace

core::ExitCode doctor(const Invocation& invocation) {
    Session session(invocation);
    session.settings.migrate = false;
    Findings findings;
    examine(findings, "Redis", [&] { look_at_redis(session, findings); });
    examine(findings, "Postgres", [&] { look_at_postgres(session, findings); });
    examine(findings, "Sources", [&] { look_at_sources(session, findings); });
    bool is_ill = false;
    Json all = Json::array();
    TextTable table({"", "where", "found", "what to do"});
    for (const auto& finding : findings) {
        is_ill = is_ill || finding.grade == Grade::error;
        const std::string grade(to_string(finding.grade));
        all.push_back({{"grade", grade}, {"where", finding.where}, {"text", finding.text}, {"advice", finding.advice}});
        table.add({grade, finding.where, finding.text, finding.advice});
    }
    std::cout << (invocation.json ? all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : table.text(text_shown));
    return is_ill ? core::ExitCode::failure : core::ExitCode::ok;
}

}  // namespace pawl::app
