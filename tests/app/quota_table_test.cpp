#include "app/quota_table.hpp"

#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

namespace pawl::app {

namespace {

using test::has;

queue::LimitView window(const std::string& owner, std::int64_t remaining) {
    queue::LimitView limit;
    limit.name = "core";
    limit.owner = owner;
    limit.pace = queue::Pace::told;
    limit.limit = 5'000;
    limit.remaining = remaining;
    limit.used = 5'000 - remaining;
    limit.period_us = 3'600'000'000;
    limit.reset_seconds = 75;
    return limit;
}

}  // namespace

TEST_CASE("a budget's state is the worst that holds for it", "[quota_table]") {
    Snapshot snapshot;
    snapshot.quarantined = {{"bob/3f9a12cd", "HTTP 401"}};
    CHECK(quota_state(window("ann", 10), snapshot) == "ok");
    CHECK(quota_state(window("ann", 0), snapshot) == "exhausted");
    auto blocked = window("ann", 0);
    blocked.blocked = true;
    CHECK(quota_state(blocked, snapshot) == "cooling");
    CHECK(quota_state(window("bob", 10), snapshot) == "quarantined");
    CHECK(quota_state(window("bo", 10), snapshot) == "ok");
    auto per_key = window("bob/3f9a12cd", 10);
    CHECK(quota_state(per_key, snapshot) == "quarantined");
}

TEST_CASE("a budget is shown with who spent it and what lapsed", "[quota_table]") {
    Snapshot snapshot;
    CHECK(quota_text(snapshot).empty());
    auto limit = window("ann", 4'300);
    limit.spent = {{"repos", 100}, {"stargazers", 500}};
    limit.others = 100;
    limit.lapsed = 1'234;
    limit.last_used = 4'990;
    limit.last_limit = 5'000;
    snapshot.quota = {limit};
    const auto text = quota_text(snapshot);
    for (const char* part : {"core", "ann", "5,000 / 1 h", "4,300", "1 min 15 s", "stargazers 500, repos 100, others 100",
                             "100 %", "1,234", "ok"}) {
        INFO(part << " in\n" << text);
        CHECK(has(text, part));
    }
    const auto json = quota_json(snapshot);
    CHECK(json.at(0).at("spent").at("stargazers") == 500);
    CHECK(json.at(0).at("state") == "ok");
    CHECK(json.at(0).at("lapsed") == 1'234);
}

TEST_CASE("limits without a window show what they have", "[quota_table]") {
    Snapshot snapshot;
    queue::LimitView slots;
    slots.name = "open";
    slots.concurrency = 60;
    slots.in_flight = 7;
    auto learned = window("", 0);
    learned.pace = queue::Pace::learned;
    learned.limit = 17;
    learned.period_us = 1'000'000;
    snapshot.quota = {slots, learned};
    const auto text = quota_text(snapshot);
    CHECK(has(text, "60 in flight"));
    CHECK(has(text, "17 / 1 s"));
    CHECK_FALSE(has(text, "exhausted"));
}

}  // namespace pawl::app
