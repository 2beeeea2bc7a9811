#include "app/diagnosis.hpp"

#include <algorithm>

#include "tests/support/catch.hpp"

using namespace pawl;
using app::Finding;
using Grade = Finding::Grade;

namespace {

bool has(const std::vector<Finding>& findings, Grade grade, const std::string& text) {
    return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) {
        return finding.grade == grade && finding.text.find(text) != std::string::npos && finding.advice.empty() == (grade == Grade::ok);
    });
}

bool all_ok(const std::vector<Finding>& findings) {
    return std::all_of(findings.begin(), findings.end(), [](const Finding& finding) { return finding.grade == Grade::ok; });
}

std::vector<Finding> redis_with(const std::string& info, const std::string& fsync = "everysec", std::int64_t skew_us = 0) {
    return app::diagnose_redis(app::info_fields(info), fsync, 1'000'000'000, 1'000'000'000 + skew_us);
}

}  // namespace

TEST_CASE("the doctor tells where Redis may lose what pawl relies on", "[doctor]") {
    const std::string good = "# Server\r\nredis_version:7.0.15\r\nrole:master\r\nmaxmemory:1048576\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n";
    CHECK(all_ok(redis_with(good)));
    CHECK(has(redis_with(good), Grade::ok, "version 7.0.15"));
    CHECK(has(redis_with("maxmemory:1048576\nmaxmemory_policy:allkeys-lru\naof_enabled:1\n"), Grade::error, "evicts keys"));
    CHECK(has(redis_with("maxmemory:0\nmaxmemory_policy:noeviction\naof_enabled:1\n"), Grade::warning, "no maxmemory"));
    CHECK(has(redis_with("maxmemory:1\nmaxmemory_policy:noeviction\naof_enabled:0\n"), Grade::warning, "no append-only file"));
    CHECK(has(redis_with(good, "no"), Grade::warning, "appendfsync no"));
    CHECK(has(redis_with(good + "role:slave\r\n"), Grade::error, "is a replica"));
    CHECK(has(redis_with(good, "everysec", 60'000'000), Grade::warning, "60 s from ours"));
    CHECK(all_ok(redis_with(good, "")));
}

TEST_CASE("the doctor tells where Postgres may lose or refuse what pawl stores", "[doctor]") {
    storage::ServerFacts good;
    good.version = "15.18";
    good.synchronous_commit = "on";
    good.connections = 10;
    good.connections_max = 100;
    good.now_us = 1'000'000'000;
    const auto with = [&](const std::function<void(storage::ServerFacts&)>& change) {
        auto facts = good;
        change(facts);
        return app::diagnose_postgres(facts, 1'000'000'000);
    };
    CHECK(all_ok(with([](auto&) {})));
    CHECK(has(with([](auto& facts) { facts.fsync = false; }), Grade::error, "fsync"));
    CHECK(has(with([](auto& facts) { facts.full_page_writes = false; }), Grade::error, "full_page_writes"));
    CHECK(has(with([](auto& facts) { facts.synchronous_commit = "off"; }), Grade::warning, "synchronous_commit"));
    CHECK(has(with([](auto& facts) { facts.read_only = true; }), Grade::error, "read-only"));
    CHECK(has(with([](auto& facts) { facts.connections = 90; }), Grade::warning, "90 of 100"));
    CHECK(has(with([](auto& facts) { facts.oldest_transaction_s = 7'200; }), Grade::warning, "open for"));
    CHECK(has(with([](auto& facts) { facts.now_us += 7'000'000; }), Grade::warning, "7 s from ours"));
}
