#pragma once

#include <map>
#include <string>

#include "tests/end_to_end/world.hpp"

namespace pawl::test {

/// What was asked, held against what the ledger knows: requests = pages + repeats.
struct RequestAccount {
    std::int64_t requests = 0;  ///< answered with a page (200, 304) at the replica
    std::int64_t pages = 0;     ///< in the ledger
    std::map<std::string, int> repeats;   ///< target → how often more than the ledger has it
    std::map<std::string, int> unasked;   ///< target → in the ledger more often than it was asked for

    [[nodiscard]] std::int64_t repeat_count() const;
};
[[nodiscard]] RequestAccount account_requests(World& world);

}  // namespace pawl::test
