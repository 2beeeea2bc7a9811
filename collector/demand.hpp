#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/source_file.hpp"
#include "storage/backlog.hpp"

/// What a run will ask of each stream, as far as that can be known before anything is asked. Pure.
namespace pawl::collector {

enum class Round : std::uint8_t {
    present,  ///< what is open or due now
    next,     ///< what `backfill` would do: that; or, where there is nothing, a new round of all streams
};

struct Demand {
    std::string stream;
    std::int64_t slices = 0;
    std::int64_t requests = 0;  ///< those expected; a lower bound where `unknown` says why
    std::int64_t longest = 0;   ///< most that one slice takes: they go one after the other
    std::string unknown;        ///< in words, why more will come; "" : this is all that is known to come
    std::string note;           ///< in words, what the number rests on; "" : on counts
};

/// The demand of the streams in `backlog` (those that a run would be asked for), in its order. `asked`: the streams that
/// the command names; empty: all.
[[nodiscard]] std::vector<Demand> demands_of(const core::SourceFile& source, const std::vector<std::string>& asked,
                                             const storage::SourceBacklog& backlog, Round round);

}  // namespace pawl::collector
