#include "tests/simulation/campaign.hpp"

#include <fmt/format.h>

#include "core/log.hpp"

namespace pawl::simulation {

Campaign run_campaign(const CampaignOptions& options) {
    Campaign campaign;
    const auto begin = std::chrono::steady_clock::now();
    const auto passed = [&] { return std::chrono::steady_clock::now() - begin; };
    const auto goes_on = [&] { return campaign.seeds < options.least || passed() < options.most; };
    for (std::uint64_t seed = options.from; seed < options.from + options.seeds && goes_on(); ++seed) {
        const auto result = simulate(seed, options.mutation);
        ++campaign.seeds;
        campaign.steps += result.steps;
        campaign.virtual_ms += result.virtual_ms;
        campaign.pages += result.pages;
        campaign.requests += result.requests;
        for (const auto& [name, count] : result.faults) campaign.faults[name] += count;
        for (const auto& [name, count] : result.paths) campaign.paths[name] += count;
        if (result.violations.empty()) continue;
        campaign.failing = seed;
        campaign.violations = result.violations;
        break;
    }
    campaign.seconds = std::chrono::duration<double>(passed()).count();
    return campaign;
}

std::string report(const Campaign& campaign) {
    std::string text = fmt::format("{} seeds in {:.1f} s: {} steps, {:.0f} s of virtual time, {} pages, {} requests\n",
                                   campaign.seeds, campaign.seconds, campaign.steps,
                                   static_cast<double>(campaign.virtual_ms) / 1e3, campaign.pages, campaign.requests);
    for (const auto& [name, count] : campaign.faults) text += fmt::format("fault  {:<20} {:>10}\n", name, count);
    for (const auto& [name, count] : campaign.paths) text += fmt::format("path   {:<20} {:>10}\n", name, count);
    if (!campaign.failing) return text + "no violation\n";
    text += fmt::format("seed {} fails:\n", *campaign.failing);
    for (const auto& violation : campaign.violations) text += "  " + violation + "\n";
    return text;
}

std::string explain(std::uint64_t seed, Mutation mutation, bool with_log) {
    const auto failed = simulate(seed, mutation);
    if (failed.violations.empty()) return fmt::format("seed {} does not fail\n", seed);
    const auto left_out = shrink(seed, mutation, failed);
    if (with_log) core::log::configure(core::log::Level::debug, core::log::Format::logfmt);
    const auto least = simulate(seed, mutation, left_out);
    std::string text = fmt::format("seed {} needs {} of its {} faults:\n", seed, least.events.size(), failed.events.size());
    for (const auto& event : least.events)
        text += fmt::format("  {:>8} ms  {:<14}  {}\n", event.at_ms, to_string(event.fault), event.what);
    for (const auto& violation : least.violations) text += "  → " + violation + "\n";
    return text;
}

}  // namespace pawl::simulation
