#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/source_file.hpp"

namespace pawl::core {

/// The five fields of a cron line. Days match as in Vixie cron: where both day fields are
/// restricted, either is enough.
struct Cron {
    std::bitset<60> minutes;
    std::bitset<24> hours;
    std::bitset<32> days;     ///< 1 … 31
    std::bitset<13> months;   ///< 1 … 12
    std::bitset<7> weekdays;  ///< 0: Sunday
    bool every_hour = false;  ///< the hour field begins with `*`
    bool any_day = false, any_weekday = false;

    /// Throws ConfigError saying which field is wrong and why.
    [[nodiscard]] static Cron parse(std::string_view text);
};

/// True when the machine's time zone database knows the IANA name.
[[nodiscard]] bool is_time_zone(const std::string& name);

/// When `schedule` fires next after `after` (strictly). `every`: that long after it. `cron`: the
/// next matching minute of the zone. A time that a clock change skips fires when the clocks have
/// been put forward; one that comes twice fires at its first occurrence, or at both where the line
/// says every hour. nullopt: no schedule, or a date that never comes (30 February). Throws
/// ConfigError when the line or the zone is wrong.
[[nodiscard]] std::optional<WallTime> next_fire(const Schedule& schedule, WallTime after);

}  // namespace pawl::core
