#pragma once

#include "core/clock.hpp"
#include "core/source_file.hpp"

namespace pawl::core {

/// When the window of a `fixed` limit that holds `now` ends: windows follow the clock of the limit's time zone, beginning at
/// its midnight, or at the first of a month. Strictly after `now`. A window over which the clock is put forward or back is
/// an hour shorter or longer, as the API's is.
[[nodiscard]] WallTime window_end(const Limit& limit, WallTime now);

/// Whether periods of this length fit into a day of the clock without a rest.
[[nodiscard]] bool divides_a_day(Micros period);

}  // namespace pawl::core
