// What the simulation must show within the time that tests have: no violation, every path taken, every planted hole found.
// More seeds: build/pawl-sim --seeds N --from S.
#include <cstdlib>

#include "core/log.hpp"
#include "tests/simulation/campaign.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::simulation;

namespace {

const bool quiet = [] {
    pawl::core::log::configure(pawl::core::log::Level::error, pawl::core::log::Format::logfmt);
    return true;
}();

}  // namespace

TEST_CASE("the same seed gives the same run, step for step", "[simulation]") {
    for (const std::uint64_t seed : {3, 17, 99}) {
        const auto one = simulate(seed), two = simulate(seed);
        CHECK(one.steps == two.steps);
        CHECK(one.virtual_ms == two.virtual_ms);
        CHECK(one.events.size() == two.events.size());
        CHECK(one.paths == two.paths);
    }
}

TEST_CASE("nothing is lost, doubled or waits for ever, whatever goes wrong", "[simulation]") {
    CampaignOptions options;
    options.seeds = 1'000'000;
    options.most = std::chrono::seconds(60);
    options.least = 500;  // what takes every path but the rare ones, on a machine that does much else
    const auto campaign = run_campaign(options);
    INFO(report(campaign));
    if (campaign.failing) INFO(explain(*campaign.failing, Mutation::none));
    CHECK_FALSE(campaign.failing);
    CHECK(campaign.seeds >= options.least);
    for (const auto& [name, count] : campaign.faults) {
        INFO(name);
        CHECK(count > 0);
    }
    for (const auto& [name, count] : campaign.paths) {
        const bool is_rare = name == "append full" || name == "offer behind";  // once in 400 and in 1,000 seeds
        INFO(name);
        CHECK((count > 0 || (is_rare && campaign.seeds < 10'000)));
    }
}

TEST_CASE("every planted hole is found", "[simulation]") {
    for (const auto& [mutation, name] : mutations) {
        if (mutation == Mutation::none) continue;
        CampaignOptions options;
        options.seeds = 10'000;
        options.mutation = mutation;
        const auto campaign = run_campaign(options);
        INFO(name);
        CHECK(campaign.failing);
    }
}
