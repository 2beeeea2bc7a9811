#pragma once

#include <array>
#include <string_view>

namespace pawl::simulation {

/// A hole planted in the protocol, to see that the simulation finds it. Each is one of those that earlier designs had.
enum class Mutation : std::uint8_t {
    none,
    no_link,              ///< the tip moves by number alone
    no_nonce,             ///< a collector is not fenced
    acknowledge_first,    ///< a page leaves the queue before it is committed
    frontier_outside,     ///< the page is put on the queue in one step, and the frontier moved in another
    seed_without_purge,   ///< the dead branch stays on the queue when a slice is seeded
    ledger_outside,       ///< rows are stored in one transaction, ledger and tip in another
};
inline constexpr std::array<std::pair<Mutation, std::string_view>, 7> mutations{{
    {Mutation::none, "none"},
    {Mutation::no_link, "no_link"},
    {Mutation::no_nonce, "no_nonce"},
    {Mutation::acknowledge_first, "acknowledge_first"},
    {Mutation::frontier_outside, "frontier_outside"},
    {Mutation::seed_without_purge, "seed_without_purge"},
    {Mutation::ledger_outside, "ledger_outside"},
}};

}  // namespace pawl::simulation
