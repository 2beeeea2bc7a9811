#pragma once

#include <chrono>
#include <optional>

#include "tests/simulation/world.hpp"

namespace pawl::simulation {

struct CampaignOptions {
    std::uint64_t seeds = 1'000, from = 1;
    std::chrono::seconds most{365 * 86'400};
    std::uint64_t least = 0;  ///< so many, however long they take
    Mutation mutation = Mutation::none;
};

/// Many runs, up to the first that fails.
struct Campaign {
    std::uint64_t seeds = 0;
    std::optional<std::uint64_t> failing;
    std::vector<std::string> violations;  ///< of the failing run
    std::map<std::string, std::int64_t> faults, paths;
    std::int64_t steps = 0, virtual_ms = 0, pages = 0, requests = 0;
    double seconds = 0;
};
[[nodiscard]] Campaign run_campaign(const CampaignOptions& options);
/// Seeds, time, how often each kind of fault struck and each path was taken; and the failing seed.
[[nodiscard]] std::string report(const Campaign& campaign);
/// The fewest faults that a failing seed needs, in their order, and what they lead to. `with_log`: the processes log that run.
[[nodiscard]] std::string explain(std::uint64_t seed, Mutation mutation, bool with_log = false);

}  // namespace pawl::simulation
