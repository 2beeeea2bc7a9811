#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

using namespace pawl::test;

namespace {

using Json = nlohmann::json;

constexpr int window_limit = 100, window_seconds = 8;

World::Options windows_of_four_owners() {
    return {.replica = {"--limit", std::to_string(window_limit), "--window", std::to_string(window_seconds), "--per-minute", "0",
                        "--latency", "10"},
            .env = {{"TEST_RATE", std::to_string(window_limit) + "/8s"}},
            .source = "tests/end_to_end/plan_github.yaml",
            .walks_max = 16};
}

Json plan_of(World& world, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "plan");
    arguments.emplace_back("--json");
    const auto ran = world.run(std::move(arguments));
    INFO(ran.errors);
    REQUIRE(ran.status == 0);
    return Json::parse(ran.output);
}

/// Answered requests of the API, those about the replica itself left out.
std::vector<Asked> asked_of(World& world) {
    auto all = world.replica().asked();
    std::erase_if(all, [](const Asked& asked) { return asked.target.starts_with("/_replica"); });
    return all;
}

double off(double predicted, double actual) { return std::abs(predicted - actual) / actual; }

}  // namespace

TEST_CASE("a plan is made before the first run, asks nothing and changes nothing", "[end_to_end][plan]") {
    World world(windows_of_four_owners());
    const auto plan = plan_of(world, {"github"});
    CHECK(plan["streams"][0]["stream"] == "repos");
    CHECK(plan["streams"][0]["requests"] == 36);
    CHECK(plan["streams"][0]["at_least"] == false);
    CHECK(plan["streams"][2]["requests"] == 0);
    CHECK(plan["streams"][2]["unknown"] == "not known before `repos` has run");
    CHECK(plan["streams"][3]["unknown"] == "not known before `stargazers` has run");
    CHECK(plan["at_least"] == true);
    CHECK(plan["limits"][0]["allowed"] == 4 * window_limit);
    CHECK(asked_of(world).empty());
    CHECK(world.sql("select to_regnamespace('pawl') is null") == "t");
    const auto text = world.run({"plan", "github"});
    CHECK(has(text.output, "+ stargazers: not known before `repos` has run"));
}

TEST_CASE("a plan is within 5 % of the requests that are then made, and 10 % of their time", "[end_to_end][pace][plan]") {
    World world(windows_of_four_owners());
    REQUIRE(world.run({"backfill", "github", "repos"}).status == 0);
    const auto before = asked_of(world).size();
    REQUIRE(before == 36);

    const auto plan = plan_of(world, {"github", "languages", "stargazers"});
    const auto planned_us = now_us();
    std::cout << world.run({"plan", "github", "languages", "stargazers"}).output;
    CHECK(asked_of(world).size() == before);
    const auto ran = world.run({"backfill", "github", "languages", "stargazers", "--progress", "json", "--progress-every",
                                "1s"});
    INFO(ran.errors);
    REQUIRE(ran.status == 0);

    const auto asked = asked_of(world);
    const auto requests = static_cast<double>(asked.size() - before);
    const auto last = std::max_element(asked.begin(), asked.end(),
                                       [](const Asked& a, const Asked& b) { return a.time_us < b.time_us; });
    const double seconds = static_cast<double>(last->time_us - planned_us) / 1e6;
    const auto expected_requests = plan["requests"].get<double>(), expected_seconds = plan["seconds"].get<double>();
    std::cout << "plan test: requests " << expected_requests << " planned, " << requests << " made; seconds "
              << expected_seconds << " planned, " << seconds << " taken; bound by " << plan["bound_by"] << std::endl;
    CHECK(plan["at_least"] == false);
    CHECK(requests > 4 * 4 * window_limit);  // else no window was waited for
    CHECK(off(expected_requests, requests) <= 0.05);
    CHECK(off(expected_seconds, seconds) <= 0.10);
    CHECK(plan["bound_by"] == "core");
    std::map<std::string, double> by_stream;
    for (std::size_t i = before; i < asked.size(); ++i)
        ++by_stream[has(asked[i].target, "/languages") ? "languages" : "stargazers"];
    for (const auto& stream : plan["streams"]) {
        INFO(stream.dump());
        CHECK(off(stream["requests"].get<double>(), by_stream.at(stream["stream"])) <= 0.05);
    }

    // The live forecast, halfway: what it said was left, held against what then was.
    const auto finish_us = last->time_us;
    int halfway = 0;
    double worst = 0;
    std::istringstream lines(ran.output);
    for (std::string line; std::getline(lines, line);) {
        const auto progress = Json::parse(line);
        const double elapsed = progress["elapsed_seconds"];
        if (progress.contains("finished") || elapsed < seconds / 4 || elapsed > seconds / 2) continue;
        if (progress["forecasts"].empty()) continue;
        ++halfway;
        const double left = static_cast<double>(finish_us - planned_us) / 1e6 - elapsed;
        worst = std::max(worst, std::abs(progress["forecasts"][0]["seconds"].get<double>() - left) / seconds);
    }
    std::cout << "plan test: " << halfway << " live forecasts between a quarter and a half, the worst off by "
              << std::llround(worst * 100) << " % of the whole" << std::endl;
    CHECK(halfway > 0);
    CHECK(worst <= 0.15);

    // What was expected and what came agree but for the list that the ceiling cut, which is no finished walk.
    const auto verified = world.run({"verify", "github"});
    INFO(verified.output);
    CHECK(verified.status == 0);
    CHECK_FALSE(has(verified.output, "`expect`"));
    CHECK(plan_of(world, {"github", "stargazers"})["requests"] == plan["streams"][1]["requests"]);
}
