#include "core/shown_time.hpp"

#include <date/tz.h>
#include <fmt/format.h>

#include <cstdlib>

namespace pawl::core {

using std::chrono::microseconds;
using std::chrono::seconds;

ShownTime::ShownTime(std::int64_t time, const date::time_zone* in) {
    if (in != nullptr) {
        const auto info = in->get_info(date::floor<seconds>(date::sys_time<microseconds>(microseconds(time))));
        offset = info.offset.count();
        zone = info.abbrev;
    }
    const date::sys_time<microseconds> local{microseconds(time + offset * micros_a_second)};
    const auto days = date::floor<date::days>(local);
    day = date::year_month_day{days};
    day_number = days.time_since_epoch().count();
    const std::int64_t rest = (local - days).count();
    hour = static_cast<int>(rest / (3'600 * micros_a_second));
    minute = static_cast<int>(rest / (60 * micros_a_second) % 60);
    whole_second = static_cast<int>(rest / micros_a_second % 60);
    micros = static_cast<int>(rest % micros_a_second);
}

std::pair<int, std::int64_t> ShownTime::week() const {
    const auto thursday = date::sys_days{day} + date::days(4 - static_cast<int>(weekday() == 0 ? 7 : weekday()));
    const auto in_year = date::year_month_day{thursday}.year();
    return {static_cast<int>(in_year), (thursday - date::sys_days{in_year / 1 / 1}).count() / 7 + 1};
}

std::string ShownTime::offset_text(std::string_view colon) const {
    const auto minutes = std::abs(offset) / 60;
    return fmt::format("{}{:02}{}{:02}", offset < 0 ? '-' : '+', minutes / 60, colon, minutes % 60);
}

std::string ShownTime::date_text() const {
    return fmt::format("{:04}-{:02}-{:02}", year(), month(), static_cast<unsigned>(day.day()));
}

std::string ShownTime::clock_text() const { return fmt::format("{:02}:{:02}:{:02}", hour, minute, whole_second); }

std::string ShownTime::fraction_text() const {
    if (micros == 0) return "";
    return micros % 1'000 == 0 ? fmt::format(".{:03}", micros / 1'000) : fmt::format(".{:06}", micros);
}

std::string ShownTime::directive(char which) const {
    switch (which) {
        case 'Y': return fmt::format("{:04}", year());
        case 'y': return fmt::format("{:02}", year() % 100);
        case 'm': return fmt::format("{:02}", month());
        case 'd': return fmt::format("{:02}", static_cast<unsigned>(day.day()));
        case 'e': return fmt::format("{:2}", static_cast<unsigned>(day.day()));
        case 'j': return fmt::format("{:03}", day_of_year());
        case 'H': return fmt::format("{:02}", hour);
        case 'I': return fmt::format("{:02}", hour % 12 == 0 ? 12 : hour % 12);
        case 'M': return fmt::format("{:02}", minute);
        case 'S': return fmt::format("{:02}", whole_second);
        case 'f': return fmt::format("{:06}", micros);
        case 'p': return hour < 12 ? "AM" : "PM";
        case 'b':
        case 'h': return std::string(english_months[month() - 1].substr(0, 3));
        case 'B': return std::string(english_months[month() - 1]);
        case 'a': return std::string(english_weekdays[weekday()].substr(0, 3));
        case 'A': return std::string(english_weekdays[weekday()]);
        case 'u': return std::to_string(weekday() == 0 ? 7 : weekday());
        case 'w': return std::to_string(weekday());
        case 'G': return fmt::format("{:04}", week().first);
        case 'V': return fmt::format("{:02}", week().second);
        case 'z': return offset_text("");
        case 'Z': return zone;
        case 's': return std::to_string(day_number * 86'400 + hour * 3'600 + minute * 60 + whole_second - offset);
        default: return which == 't' ? "\t" : "\n";
    }
}

std::optional<std::int64_t> time_in_range(std::int64_t time) {
    constexpr std::int64_t first = -62'135'596'800 * micros_a_second;  // 0001-01-01T00:00:00Z
    constexpr std::int64_t end = 253'402'300'800 * micros_a_second;    // 10000-01-01T00:00:00Z
    return time >= first && time < end ? std::optional(time) : std::nullopt;
}

std::optional<std::int64_t> time_shown_as(std::int64_t local, const date::time_zone* zone) {
    if (zone == nullptr) return time_in_range(local);
    const date::local_seconds shown{seconds(rounded_down(local, micros_a_second))};
    return time_in_range(local - zone->get_info(shown).first.offset.count() * micros_a_second);
}

}  // namespace pawl::core
