#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/telemetry.hpp"
#include "tests/simulation/api.hpp"
#include "tests/simulation/mutation.hpp"
#include "tests/simulation/process.hpp"

namespace pawl::simulation {

/// What became of one run.
struct Result {
    std::vector<std::string> violations;  ///< empty: all invariants hold
    std::vector<Event> events;            ///< the faults that happened, in order
    std::map<std::string, std::int64_t> faults, paths;
    std::int64_t steps = 0, virtual_ms = 0, pages = 0, requests = 0;
};

/// The whole of pawl on one machine's one thread: the real planners, collectors and workers, each a process of its own that
/// can be killed or stand still between any two of its steps, over servers in memory, in virtual time. Everything that is
/// left to chance is drawn from `seed`; the faults numbered in `left_out` do not happen.
[[nodiscard]] Result simulate(std::uint64_t seed, Mutation mutation = Mutation::none, const std::set<int>& left_out = {});

/// Leaves out one fault after the other for as long as the run still fails: the faults that are needed for it.
[[nodiscard]] std::set<int> shrink(std::uint64_t seed, Mutation mutation, const Result& failed);

}  // namespace pawl::simulation
