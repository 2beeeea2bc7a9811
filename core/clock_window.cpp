#include "core/clock_window.hpp"

#include <date/tz.h>

#include "core/errors.hpp"
#include "core/time_zone.hpp"

namespace pawl::core {

namespace {

constexpr Micros day = std::chrono::hours(24);

/// The first instant at which the zone's clock shows `local` or, where it never does, goes past it.
WallTime instant_of(const date::time_zone& zone, date::local_time<Micros> local) {
    return WallTime(zone.to_sys(local, date::choose::earliest).time_since_epoch());
}

}  // namespace

bool divides_a_day(Micros period) { return period.count() > 0 && day % period == Micros(0); }

WallTime window_end(const Limit& limit, WallTime now) {
    const auto* zone = find_time_zone(limit.timezone);
    if (zone == nullptr) throw ConfigError("\"" + limit.timezone + "\" is not a time zone");
    const auto local = zone->to_local(date::sys_time<Micros>(now.time_since_epoch()));
    const auto midnight = date::floor<date::days>(local);
    if (limit.monthly) {
        const date::year_month_day today{midnight};
        const auto next = today.year() / today.month() / date::day(1) + date::months(1);
        return instant_of(*zone, date::local_days(next));
    }
    const auto begun = (local - midnight) / limit.period;
    auto end = date::local_time<Micros>(midnight) + (begun + 1) * limit.period;
    auto at = instant_of(*zone, end);
    // In the hour that comes twice, the first time the clock shows the end may be over.
    while (at <= now) at = instant_of(*zone, end += limit.period);
    return at;
}

}  // namespace pawl::core
