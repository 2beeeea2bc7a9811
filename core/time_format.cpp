#include "core/time_format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/characters.hpp"
#include "core/decimal.hpp"
#include "core/diagnostics.hpp"
#include "core/expression.hpp"
#include "core/http_date.hpp"
#include "core/instant.hpp"
#include "core/shown_time.hpp"
#include "core/time_reader.hpp"

namespace pawl::core {

namespace {

constexpr std::string_view both_ways = "YmdeHIMSfpbhBaAjyzZsnt%";
constexpr std::string_view written_only = "GVuw";

struct FormatWord {
    std::string_view name;
    TimeFormat::Kind kind;
};
constexpr std::array<FormatWord, 4> format_words{{{"iso8601", TimeFormat::Kind::iso8601},
                                            {"http_date", TimeFormat::Kind::http_date},
                                            {"epoch", TimeFormat::Kind::epoch},
                                            {"epoch_ms", TimeFormat::Kind::epoch_ms}}};

[[noreturn]] void refuse_word(std::string_view text) {
    const std::vector<std::string> words{"iso8601", "http_date", "epoch", "epoch_ms"};
    const auto hint = did_you_mean(text, words);
    throw ExpressionError(fmt::format("'{}' is no format of times: it is written as in '%Y-%m-%d %H:%M:%S', or {}{}", text,
                                      enumerate(words, "or"), hint.empty() ? "" : "; " + hint),
                          0);
}

/// Offsets of long ago have seconds, which RFC 3339 does not write: the clock is then shown by the whole minute below.
std::string write_iso8601(std::int64_t time, const date::time_zone* zone) {
    ShownTime shown(time, zone);
    const auto odd = ((shown.offset % 60) + 60) % 60;
    if (odd != 0) {
        const auto offset = shown.offset - odd;
        shown = ShownTime(time - odd * micros_a_second + shown.offset * micros_a_second, nullptr);
        shown.offset = offset;
    }
    const auto offset = zone == nullptr ? "Z" : shown.offset_text(":");
    return shown.date_text() + "T" + shown.clock_text() + shown.fraction_text() + offset;
}

std::string write_http_date(std::int64_t time) {
    const ShownTime shown(time, nullptr);
    return fmt::format("{}, {:02} {} {:04} {} GMT", english_weekdays[shown.weekday()].substr(0, 3),
                       static_cast<unsigned>(shown.day.day()), english_months[shown.month() - 1].substr(0, 3), shown.year(),
                       shown.clock_text());
}

}  // namespace

TimeFormat TimeFormat::compile(std::string_view text, Use use) {
    TimeFormat format;
    if (text.find('%') == std::string_view::npos) {
        const auto word = std::find_if(format_words.begin(), format_words.end(), [&](const FormatWord& w) { return w.name == text; });
        if (word == format_words.end()) refuse_word(text);
        format.kind_ = word->kind;
        return format;
    }
    format.kind_ = Kind::pattern;
    bool tells_year = false;
    const auto add = [&](std::string_view directives, std::string_view between) {
        for (std::size_t i = 0; i < directives.size(); ++i) {
            if (i > 0) format.items_.push_back({0, between[0]});
            format.items_.push_back({directives[i], 0});
        }
        tells_year = tells_year || directives.find_first_of("Yys") != std::string_view::npos;
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != '%') {
            format.items_.push_back({0, text[at]});
            continue;
        }
        const char which = ++at < text.size() ? text[at] : '\0';
        const auto known = [which](std::string_view all) { return which != '\0' && all.find(which) != std::string_view::npos; };
        if (which == '%') format.items_.push_back({0, '%'});
        else if (which == 'F') add("Ymd", "-");
        else if (which == 'T') add("HMS", ":");
        else if (which == 'R') add("HM", ":");
        else if (which == 'D') add("mdy", "/");
        else if (known(both_ways) || (use == Use::write && known(written_only))) add(text.substr(at, 1), "");
        else if (known(written_only)) throw ExpressionError(fmt::format("%{} is written, not read", which), at - 1);
        else throw ExpressionError(fmt::format("%{} is no part of a time", which == '\0' ? ' ' : which), at - 1);
    }
    if (use == Use::parse && !tells_year) throw ExpressionError(fmt::format("'{}' reads no year: %Y", text), 0);
    return format;
}

std::optional<std::int64_t> TimeFormat::parse(std::string_view text, const date::time_zone* zone) const {
    text = trimmed(text);
    if (kind_ == Kind::epoch || kind_ == Kind::epoch_ms) {
        const auto time = scaled_number(text, kind_ == Kind::epoch ? 6 : 3);
        return time ? time_in_range(*time) : std::nullopt;
    }
    if (kind_ == Kind::iso8601) {
        const auto written = read_written_time(text);
        if (!written) return std::nullopt;
        if (!written->offset_minutes) return time_shown_as(written->micros, zone);
        return time_in_range(written->micros - std::int64_t{*written->offset_minutes} * 60 * micros_a_second);
    }
    if (kind_ == Kind::http_date) {
        const auto at = parse_http_date(text);
        return at ? time_in_range(*at * micros_a_second) : std::nullopt;
    }
    TimeReader reader(text);
    for (const Item& item : items_) {
        if (!reader.ok()) return std::nullopt;
        if (item.directive != 0) reader.directive(item.directive);
        else reader.literal(item.literal);
    }
    return reader.time(zone);
}

std::string TimeFormat::write(std::int64_t time, const date::time_zone* zone) const {
    switch (kind_) {
        case Kind::iso8601: return write_iso8601(time, zone);
        case Kind::http_date: return write_http_date(time);
        case Kind::epoch: return std::to_string(rounded_down(time, micros_a_second));
        case Kind::epoch_ms: return std::to_string(rounded_down(time, 1'000));
        case Kind::pattern: break;
    }
    const ShownTime shown(time, zone);
    std::string text;
    for (const Item& item : items_)
        if (item.directive == 0) text += item.literal;
        else text += shown.directive(item.directive);
    return text;
}

std::optional<std::int64_t> parse_time_text(std::string_view text, const date::time_zone* zone) {
    static const auto iso = TimeFormat::compile("iso8601", TimeFormat::Use::parse);
    static const auto http = TimeFormat::compile("http_date", TimeFormat::Use::parse);
    const auto time = iso.parse(text, zone);
    return time ? time : http.parse(text, zone);
}

std::string write_utc(std::int64_t time) { return write_iso8601(time, nullptr); }

std::string write_day(std::int64_t time, const date::time_zone* zone) { return ShownTime(time, zone).date_text(); }

}  // namespace pawl::core
