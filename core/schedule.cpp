#include "core/schedule.hpp"

#include <date/date.h>
#include <date/tz.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <vector>

#include "core/duration.hpp"
#include "core/errors.hpp"
#include "core/time_zone.hpp"

namespace pawl::core {

namespace {

struct CronField {
    std::string_view name;
    int low, high;
    std::vector<std::string_view> words;  // names of low, low + 1, …
};

const std::array<CronField, 5>& cron_fields() {
    static const std::array<CronField, 5> all{{
        {"minute", 0, 59, {}},
        {"hour", 0, 23, {}},
        {"day", 1, 31, {}},
        {"month",
         1,
         12,
         {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
        {"weekday", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
    }};
    return all;
}

[[noreturn]] void refuse(const CronField& field, std::string_view text) {
    throw ConfigError(fmt::format("\"{}\" is not the {} of a cron line ({} to {})", text,
                                  field.name, field.low, field.high));
}

int parse_number(const CronField& field, std::string_view text, std::string_view whole) {
    std::string word{text};
    for (char& c : word)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const auto named = std::find(field.words.begin(), field.words.end(), word);
    if (named != field.words.end())
        return field.low + static_cast<int>(named - field.words.begin());
    const auto number = parse_whole_number(text);
    if (!number || *number < field.low || *number > field.high) refuse(field, whole);
    return static_cast<int>(*number);
}

/// One item of a list: `*`, `5`, `1-5`, `*/15`, `10-50/20`, `7/10` (from 7 on).
void add_item(const CronField& field, std::string_view item, std::vector<int>& values) {
    const std::size_t slash = item.find('/');
    int step = 1;
    if (slash != std::string_view::npos) {
        const auto number = parse_whole_number(item.substr(slash + 1));
        if (!number || *number < 1 || *number > field.high) refuse(field, item);
        step = static_cast<int>(*number);
    }
    const std::string_view range = item.substr(0, slash);
    const std::size_t dash = range.find('-');
    int low = field.low, high = field.high;
    if (range != "*") {
        low = parse_number(field, range.substr(0, dash), item);
        if (dash != std::string_view::npos)
            high = parse_number(field, range.substr(dash + 1), item);
        else if (slash == std::string_view::npos)
            high = low;
    }
    if (low > high) refuse(field, item);
    for (int value = low; value <= high; value += step) values.push_back(value);
}

std::vector<int> parse_field(const CronField& field, std::string_view text) {
    std::vector<int> values;
    for (;;) {
        const std::size_t comma = text.find(',');
        add_item(field, text.substr(0, comma), values);
        if (comma == std::string_view::npos) return values;
        text.remove_prefix(comma + 1);
    }
}

std::vector<std::string_view> split_at_blanks(std::string_view text) {
    std::vector<std::string_view> words;
    for (;;) {
        const std::size_t begin = text.find_first_not_of(" \t");
        if (begin == std::string_view::npos) return words;
        text.remove_prefix(begin);
        const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

const date::time_zone* zone_of(const std::string& name) {
    const auto* zone = find_time_zone(name);
    if (zone == nullptr) throw ConfigError("\"" + name + "\" is not a time zone");
    return zone;
}

bool matches_day(const Cron& cron, date::local_days day) {
    const date::year_month_day calendar{day};
    if (!cron.months[static_cast<unsigned>(calendar.month())]) return false;
    const bool by_day = cron.days[static_cast<unsigned>(calendar.day())];
    const bool by_weekday = cron.weekdays[date::weekday{day}.c_encoding()];
    if (cron.any_day) return by_weekday;
    if (cron.any_weekday) return by_day;
    return by_day || by_weekday;
}

/// The instants at which the zone's clock shows `local`, as the line wants them.
void add_instants(const date::time_zone* zone, date::local_seconds local, bool both,
                  std::vector<WallTime>& instants) {
    const date::local_info info = zone->get_info(local);
    if (info.result == date::local_info::nonexistent) {
        instants.push_back(info.second.begin);
        return;
    }
    instants.push_back(date::sys_seconds{local.time_since_epoch() - info.first.offset});
    if (info.result == date::local_info::ambiguous && both)
        instants.push_back(date::sys_seconds{local.time_since_epoch() - info.second.offset});
}

std::optional<WallTime> next_cron(const Cron& cron, const date::time_zone* zone, WallTime after) {
    // 29 February is at most 8 years away; a day before, because an offset may put the answer
    // there.
    constexpr int days_max = 366 * 8 + 3;
    const auto start =
        date::floor<date::days>(zone->to_local(date::floor<std::chrono::seconds>(after)));
    date::local_days day = start - date::days{1};
    for (int i = 0; i < days_max; ++i, day += date::days{1}) {
        if (!matches_day(cron, day)) continue;
        std::vector<WallTime> instants;
        for (std::size_t hour = 0; hour < 24; ++hour)
            for (std::size_t minute = 0; cron.hours[hour] && minute < 60; ++minute)
                if (cron.minutes[minute])
                    add_instants(zone,
                                 day + std::chrono::hours{static_cast<int>(hour)} +
                                     std::chrono::minutes{static_cast<int>(minute)},
                                 cron.every_hour, instants);
        std::sort(instants.begin(), instants.end());
        const auto next = std::upper_bound(instants.begin(), instants.end(), after);
        if (next != instants.end()) return *next;
    }
    return std::nullopt;
}

}  // namespace

Cron Cron::parse(std::string_view text) {
    const auto words = split_at_blanks(text);
    const auto& fields = cron_fields();
    if (words.size() != fields.size())
        throw ConfigError(fmt::format(
            "\"{}\" is not a cron line: it has {} fields, not 5 (minute hour day month weekday)",
            text, words.size()));
    Cron cron;
    for (const int value : parse_field(fields[0], words[0])) cron.minutes.set(std::size_t(value));
    for (const int value : parse_field(fields[1], words[1])) cron.hours.set(std::size_t(value));
    for (const int value : parse_field(fields[2], words[2])) cron.days.set(std::size_t(value));
    for (const int value : parse_field(fields[3], words[3])) cron.months.set(std::size_t(value));
    for (const int value : parse_field(fields[4], words[4]))
        cron.weekdays.set(std::size_t(value % 7));
    cron.every_hour = words[1].starts_with('*');
    cron.any_day = words[2] == "*";
    cron.any_weekday = words[4] == "*";
    return cron;
}

bool is_time_zone(const std::string& name) { return find_time_zone(name) != nullptr; }

std::optional<WallTime> next_fire(const Schedule& schedule, WallTime after) {
    if (schedule.every) return after + *schedule.every;
    if (schedule.cron.empty()) return std::nullopt;
    return next_cron(Cron::parse(schedule.cron), zone_of(schedule.timezone), after);
}

}  // namespace pawl::core
