#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/end_to_end/crew.hpp"

namespace pawl::test {

/// What was asked, held against what the ledger knows: requests = pages + repeats. Each repeat is
/// tied to a moment in which Redis lost what it had, if the request before it falls into that, else
/// to what the log says of its slice: a lapse, a kill, a page thrown away, a slice seeded again, a
/// slice offered to a Redis that had forgotten it.
struct RequestAccount {
    std::int64_t requests = 0;           ///< answered with a page (200, 304) at the replica
    std::int64_t pages = 0;              ///< in the ledger
    std::map<std::string, int> repeats;  ///< target → how often more than the ledger has it
    std::map<std::string, int>
        unasked;  ///< target → in the ledger more often than it was asked for
    std::map<std::string, int> causes;  ///< cause → repeats tied to it
    std::vector<std::string> untied;    ///< targets whose slice the log says nothing of
    /// Targets of slices with more repeats than the log has lines that explain one repeat each, and
    /// none that explains more: of a slice only one request is in flight.
    std::vector<std::string> beyond;

    [[nodiscard]] std::int64_t repeat_count() const;
    /// "12 killed, 3 lapsed": repeats by cause.
    [[nodiscard]] std::string causes_text() const;
};
[[nodiscard]] RequestAccount account_requests(World& world);

/// After faults and a last `backfill`: the tables are those of an undisturbed run, row for row, `verify` finds nothing,
/// there is no dead letter, and each request more than the ledger has pages is explained. Prints the account.
RequestAccount check_nothing_lost(World& world, const std::map<std::string, std::string>& expected);
/// The end of a fault test: the crew goes, what is left is collected as fast as it can be, and nothing is lost.
RequestAccount conclude(World& world, Crew& crew, const std::map<std::string, std::string>& expected);

}  // namespace pawl::test
