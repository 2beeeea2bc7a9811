#pragma once

#include <date/date.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/time_zone.hpp"

namespace pawl::core {

inline constexpr std::int64_t micros_a_second = 1'000'000;
inline constexpr std::array<std::string_view, 12> english_months{
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
inline constexpr std::array<std::string_view, 7> english_weekdays{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                                  "Thursday", "Friday", "Saturday"};

/// `time` in whole `unit`s, also before 1970.
[[nodiscard]] constexpr std::int64_t rounded_down(std::int64_t time, std::int64_t unit) {
    return time / unit - (time % unit < 0 ? 1 : 0);
}

/// A time as the clock of a zone shows it; UTC where that is nullptr. Part of core/time_format.cpp.
struct ShownTime {
    date::year_month_day day;
    std::int64_t day_number = 0;  ///< since 1970-01-01
    int hour = 0, minute = 0, whole_second = 0, micros = 0;
    std::int64_t offset = 0;  ///< in seconds
    std::string zone = "UTC";

    ShownTime(std::int64_t time, const date::time_zone* in);

    [[nodiscard]] int year() const { return static_cast<int>(day.year()); }
    [[nodiscard]] unsigned month() const { return static_cast<unsigned>(day.month()); }
    [[nodiscard]] unsigned weekday() const { return date::weekday{date::sys_days{day}}.c_encoding(); }
    [[nodiscard]] std::int64_t day_of_year() const {
        return (date::sys_days{day} - date::sys_days{day.year() / 1 / 1}).count() + 1;
    }

    /// Year and number of the week by ISO 8601: the one that holds its Thursday.
    [[nodiscard]] std::pair<int, std::int64_t> week() const;

    /// "+09:00", with what stands between hours and minutes.
    [[nodiscard]] std::string offset_text(std::string_view colon) const;
    [[nodiscard]] std::string date_text() const;      ///< "2026-08-22"
    [[nodiscard]] std::string clock_text() const;     ///< "14:19:25"
    [[nodiscard]] std::string fraction_text() const;  ///< "", ".250" or ".250001"
    /// What strftime writes for it.
    [[nodiscard]] std::string directive(char which) const;
};

/// When a zone's clock shows `local`, microseconds since 1970 counted as if in UTC: by the offset before it where a clock change
/// skips it, the first time where it comes twice. Nothing outside the years 1 to 9999.
[[nodiscard]] std::optional<std::int64_t> time_shown_as(std::int64_t local, const date::time_zone* zone);
/// `time`, where it is in the years 1 to 9999.
[[nodiscard]] std::optional<std::int64_t> time_in_range(std::int64_t time);

}  // namespace pawl::core
