#include "app/outlook.hpp"

#include <nlohmann/json.hpp>

#include "app/progress_line.hpp"
#include "core/source_parser.hpp"
#include "tests/support/catch.hpp"

namespace pawl::app {

namespace {

using namespace std::chrono_literals;

core::SourceFile two_streams() {
    return core::parse_source_text(
        "source: s\nbase_url: https://api.test\ncredentials: {from: {env: KEYS}}\n"
        "limits: [{name: core, match: \"/**\", per: owner, rate: 100/h}]\n"
        "streams:\n  repos: {foreach: {list: [1, 2, 3], as: id}, path: \"/r/{id}\", emit: {table: repo, key: id, set: {id: $.id}}}\n"
        "  fans: {foreach: {stream: repos}, path: \"/f/{id}\", key: id}\n",
        "test.yaml", {});
}

OutlookFacts facts_of(std::int64_t open) {
    OutlookFacts facts;
    facts.backlog.streams.resize(2);
    facts.backlog.streams[0].stream = "repos";
    facts.backlog.streams[0].open = {open, open, open, 1, 0};
    facts.backlog.streams[1].stream = "fans";
    return facts;
}

Snapshot snapshot_with(std::int64_t pages, std::optional<Outlook> outlook) {
    Snapshot snapshot;
    snapshot.source = "s";
    storage::StreamProgress stream;
    stream.stream = "repos";
    stream.pages = pages;
    stream.slices_open = 50;
    snapshot.streams.push_back(stream);
    snapshot.outlook = std::move(outlook);
    return snapshot;
}

Outlook bound_by(const std::string& what, std::int64_t requests, double seconds, double age = 0) {
    Outlook outlook;
    outlook.demands.emplace_back();
    outlook.forecast.bound_by = what;
    outlook.forecast.requests = requests;
    outlook.forecast.seconds = seconds;
    outlook.age_seconds = age;
    return outlook;
}

core::SteadyTime moment(std::chrono::seconds seconds) { return core::SteadyTime(seconds); }

}  // namespace

TEST_CASE("an outlook counts with the accounts whose keys are here, else with those of the ledger", "[outlook]") {
    auto facts = facts_of(150);
    auto outlook = outlook_of(two_streams(), facts);
    CHECK(outlook.accounts.empty());
    CHECK(outlook.forecast.buckets[0].allowed == 100);
    CHECK(outlook.latency_assumed);
    queue::LimitView view;
    view.name = "core";
    view.limit = view.remaining = 100;
    for (const char* owner : {"alice", "bob"}) {
        view.owner = owner;
        facts.ledger.push_back(view);
    }
    outlook = outlook_of(two_streams(), facts);
    CHECK(outlook.accounts == std::vector<std::string>{"alice", "bob"});
    CHECK(outlook.forecast.buckets[0].allowed == 200);
    facts.keys = {{"alice", "alice/1"}, {"bob", "bob/1"}, {"carol", "carol/1"}};
    CHECK(outlook_of(two_streams(), facts).forecast.buckets[0].allowed == 300);
    facts.quarantined = {{"alice/1", ""}, {"bob/1", ""}, {"carol/1", ""}};
    outlook = outlook_of(two_streams(), facts);
    CHECK_FALSE(outlook.seconds());
    CHECK(finish_text(outlook) == "never: no account");
}

TEST_CASE("an outlook says in words and in JSON what is a lower bound", "[outlook]") {
    const auto outlook = outlook_of(two_streams(), facts_of(3));
    CHECK(outlook.is_at_least());
    CHECK(finish_text(outlook) == "at least 1 min 12 s (core)");  // one, then one every 36 s
    const auto json = to_json(outlook, core::WallTime(core::Seconds(1'800'000'000)));
    CHECK(json["at_least"] == true);
    CHECK(json["requests"] == 3);
    CHECK(json["streams"][0]["at_least"] == false);
    CHECK(json["streams"][1]["unknown"] == "not known before `repos` has run");
    CHECK(json["limits"][0]["needed"] == 3);
    CHECK(json["finish_at"].get<std::string>().starts_with("2027-01-15T08:01:12"));
    CHECK(outlook_of(two_streams(), facts_of(0)).is_idle());
}

TEST_CASE("the time left is the forecast's, aged", "[outlook][progress]") {
    ProgressLine line(moment(0s), {});
    line.update(moment(0s), {snapshot_with(0, bound_by("core", 1'000, 90))});
    line.update(moment(10s), {snapshot_with(100, bound_by("core", 1'000, 90, 10))});
    CHECK(line.text().find("50 of 50 slices left, about 1 min 20 s (core)") != std::string::npos);
    CHECK(line.json()["forecasts"][0]["seconds"] == 80.0);
    CHECK(line.json()["forecasts"][0]["bound_by"] == "core");
}

TEST_CASE("where latency binds the pages of late tell the time left", "[outlook][progress]") {
    ProgressLine line(moment(0s), {});
    line.update(moment(0s), {snapshot_with(0, bound_by("latency", 1'000, 20))});
    line.update(moment(10s), {snapshot_with(100, bound_by("latency", 1'000, 20, 10))});
    CHECK(line.text().find("about 1 min 30 s (latency)") != std::string::npos);  // 1,000 at 10/s, 10 s ago
    line.update(moment(20s), {snapshot_with(200, std::nullopt)});
    CHECK(line.text().find("about") == std::string::npos);  // no slice has ended: nothing is made up
}

}  // namespace pawl::app
