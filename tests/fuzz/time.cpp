#include <array>

#include "core/duration.hpp"
#include "core/errors.hpp"
#include "core/expression.hpp"
#include "core/http_date.hpp"
#include "core/instant.hpp"
#include "core/schedule.hpp"
#include "core/time_format.hpp"
#include "core/time_zone.hpp"
#include "tests/fuzz/targets.hpp"

namespace pawl::fuzz {

namespace {

using core::TimeFormat;

const std::array<const date::time_zone*, 3>& zones() {
    static const std::array<const date::time_zone*, 3> all{nullptr, core::find_time_zone("America/New_York"),
                                                           core::find_time_zone("Asia/Seoul")};
    return all;
}

/// What is written is read again.
void check_written(std::int64_t time) {
    const auto text = core::write_utc(time);
    require(core::is_timestamptz(text) && core::parse_instant(text) == time, "not read as it was written: " + text);
    static const auto http = TimeFormat::compile("http_date", TimeFormat::Use::write);
    const auto date = http.write(time, nullptr);
    const auto second = core::parse_http_date(date);
    const auto year = std::stoi(text.substr(0, 4));
    const auto behind = time - second.value_or(0) * 1'000'000;
    require(year < 100 || (second && behind >= 0 && behind < 1'000'000), "another second: " + date);
    for (const auto* zone : zones()) {
        require(core::is_date(core::write_day(time, zone)) || year == 1 || year == 9999, "no day: " + core::write_day(time, zone));
        static const auto iso = TimeFormat::compile("iso8601", TimeFormat::Use::write);
        const auto read = iso.parse(iso.write(time, zone), nullptr);
        require(read == time || year == 1 || year == 9999, "another time: " + iso.write(time, zone));
    }
}

void check_time(std::string_view text) {
    const auto instant = core::parse_instant(text);
    require(instant.has_value() == (core::is_timestamptz(text) || core::is_date(text)), "two opinions on a time");
    for (const auto* zone : zones()) {
        const auto time = core::parse_time_text(text, zone);
        if (time) check_written(*time);
    }
    if (const auto second = core::parse_http_date(text)) require(*second < 253'402'300'800 + 1, "beyond the year 9999");
    (void)core::read_written_time(text);
}

void check_spans(std::string_view text) {
    constexpr core::Micros century = std::chrono::hours(24) * 36'500;
    if (const auto span = core::parse_duration(text)) {
        require(*span >= core::Micros(0) && *span <= century, "a duration beyond its bound");
        require(!core::format_duration(*span).empty(), "a duration without a text");
    }
    if (const auto range = core::parse_duration_range(text)) require(range->first <= range->second, "a range turned round");
    if (const auto rate = core::parse_rate(text)) require(rate->count >= 1 && rate->period > core::Micros(0), "an empty rate");
    if (const auto share = core::parse_share(text)) require(*share >= 0 && *share <= 1, "more than all");
    if (const auto size = core::parse_size(text)) (void)core::format_size(*size);
}

void check_cron(std::string_view text) {
    core::Schedule schedule;
    schedule.cron = text;
    schedule.timezone = "America/New_York";
    const core::WallTime after{std::chrono::seconds(1'780'000'000)};
    try {
        const auto next = core::next_fire(schedule, after);
        require(schedule.cron.empty() || !next || *next > after, "a time that is over");
    } catch (const core::ConfigError&) {
    }
}

void check_format(std::string_view pattern, std::string_view text) {
    for (const auto use : {TimeFormat::Use::parse, TimeFormat::Use::write}) {
        try {
            const auto format = TimeFormat::compile(pattern, use);
            for (const auto* zone : zones()) {
                if (use == TimeFormat::Use::write) (void)format.write(1'795'822'200'250'000, zone);
                else if (const auto time = format.parse(text, zone)) check_written(*time);
            }
        } catch (const core::ExpressionError& error) {
            require(error.column <= pattern.size(), "refused behind its end");
        }
    }
}

}  // namespace

void fuzz_time(std::string_view input) {
    const auto end = input.find('\n');
    if (end != std::string_view::npos) return check_format(input.substr(0, end), input.substr(end + 1));
    check_time(input);
    check_spans(input);
    check_cron(input);
}

}  // namespace pawl::fuzz
