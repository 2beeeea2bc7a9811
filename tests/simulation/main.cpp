// pawl-sim: runs the simulation for as many seeds as wanted.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "core/log.hpp"
#include "tests/simulation/campaign.hpp"

using namespace pawl::simulation;

namespace {

constexpr const char* usage =
    "usage: pawl-sim [--seeds N] [--from S] [--seconds T] [--mutation NAME] [--trace|--log]\n"
    "  --seeds N        how many runs (default 1000)\n"
    "  --from S         seed of the first (default 1)\n"
    "  --seconds T      stop after so long\n"
    "  --mutation NAME  plant a hole: no_link no_nonce acknowledge_first frontier_outside seed_without_purge ledger_outside\n"
    "  --trace          print the faults of a failing run, made as few as possible\n"
    "  --log            --trace, and what the processes log in that run\n";

[[noreturn]] void refuse(const std::string& text) {
    std::cerr << "pawl-sim: " << text << '\n' << usage;
    std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
    CampaignOptions options;
    bool trace = false, log = false;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--trace" || word == "--log") {
            trace = true;
            log = log || word == "--log";
            continue;
        }
        if (i + 1 == argc) refuse("unknown or unfinished: " + word);
        const std::string value = argv[++i];
        if (word == "--seeds") options.seeds = std::stoull(value);
        else if (word == "--from") options.from = std::stoull(value);
        else if (word == "--seconds") options.most = std::chrono::seconds(std::stoll(value));
        else if (word == "--mutation") {
            bool known = false;
            for (const auto& [mutation, name] : mutations)
                if (name == value) {
                    options.mutation = mutation;
                    known = true;
                }
            if (!known) refuse("no such mutation: " + value);
        } else refuse("unknown: " + word);
    }
    pawl::core::log::configure(pawl::core::log::Level::error, pawl::core::log::Format::logfmt);
    const auto campaign = run_campaign(options);
    std::cout << report(campaign);
    if (campaign.failing && trace) std::cout << explain(*campaign.failing, options.mutation, log);
    const bool wanted = options.mutation != Mutation::none;
    return campaign.failing.has_value() == wanted ? 0 : 1;
}
