#include "core/incremental.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "core/instant.hpp"
#include "core/named_values.hpp"

namespace pawl::core {

namespace {

// Numbers below are seconds since 1970 until the year 5138, others milliseconds: as feedback's reset is read.
constexpr std::int64_t seconds_max = 100'000'000'000;
constexpr std::int64_t micros_per_second = 1'000'000, micros_per_milli = 1'000;

std::int64_t floor_to(std::int64_t value, std::int64_t unit) {
    const std::int64_t rest = ((value % unit) + unit) % unit;
    return value - rest;
}

/// Without running over at either end.
std::int64_t minus(std::int64_t value, std::int64_t less) {
    std::int64_t result = 0;
    return __builtin_sub_overflow(value, less, &result) ? std::numeric_limits<std::int64_t>::min() / 2 : result;
}

std::int64_t plus(std::int64_t value, std::int64_t more) {
    std::int64_t result = 0;
    return __builtin_add_overflow(value, more, &result) ? std::numeric_limits<std::int64_t>::max() / 2 : result;
}

std::optional<std::int64_t> time_of_number(std::int64_t number) {
    const bool seconds = number > -seconds_max && number < seconds_max;
    std::int64_t time = 0;
    if (__builtin_mul_overflow(number, seconds ? micros_per_second : micros_per_milli, &time)) return std::nullopt;
    return time;
}

std::string written(const Incremental& incremental, std::int64_t value) {
    if (incremental.hex) return value < 0 ? fmt::format("-{:#x}", -value) : fmt::format("{:#x}", value);
    if (incremental.numeric) return std::to_string(value);
    return incremental.format ? incremental.format->write(value, nullptr) : write_utc(value);
}

Sent sent(const Incremental& incremental, const Into& into, std::int64_t value) {
    const bool number = incremental.numeric ? !incremental.hex : incremental.format && incremental.format->writes_number();
    return {&into, written(incremental, value), number};
}

}  // namespace

std::string Incremental::identity() const {
    return fmt::format("{} {} {}", static_cast<int>(kind), numeric ? "number" : "time", field ? field->text() : "");
}

std::optional<std::int64_t> parse_number(std::string_view text) {
    const bool hexadecimal = text.starts_with("0x") || text.starts_with("0X");
    if (hexadecimal) text.remove_prefix(2);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, hexadecimal ? 16 : 10);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    if (hexadecimal && text.starts_with('-')) return std::nullopt;
    return number;
}

std::optional<std::int64_t> mark_of(const Value& value, bool numeric) {
    if (value.kind != Value::Kind::text && value.kind != Value::Kind::number) return std::nullopt;
    const auto number = parse_number(value.text);
    if (numeric) return number;
    if (number) return time_of_number(*number);
    return parse_time_text(value.text, nullptr);
}

std::optional<std::int64_t> windows_end(const Incremental& incremental, const std::string& parent, const std::string& list) {
    if (!incremental.end_value) return std::nullopt;
    Arena arena;
    return mark_of(value_for_partition(*incremental.end_value, parent, list, arena), incremental.numeric);
}

Windows windows_due(const Incremental& incremental, std::optional<std::int64_t> mark, std::int64_t now,
                    std::optional<std::int64_t> end) {
    if (incremental.kind != Incremental::Kind::window) return {{Window{mark, std::nullopt}}, std::nullopt};
    Windows due;
    const std::int64_t unit = incremental.granularity;
    auto last = incremental.end_value ? end : incremental.end;
    if (!last && incremental.numeric) return due;  // nothing tells how far there is something
    if (last && incremental.inclusive) last = plus(*last, unit);
    if (!incremental.numeric) last = std::min(last.value_or(now), now);
    last = floor_to(*last, unit);
    const std::int64_t first = incremental.start.value_or(0);
    std::int64_t at = first;
    if (mark) at = std::max(first, floor_to(minus(*mark, incremental.lookback), unit));
    // Later walks keep to the borders of the first one, so that a window is not asked for in two halves.
    while (at < *last && due.windows.size() < windows_max) {
        const std::int64_t border = plus(first + floor_to(minus(at, first), incremental.step), incremental.step);
        const std::int64_t hi = std::min(border, *last);
        due.windows.push_back({at, hi});
        at = hi;
    }
    if (!due.windows.empty()) due.mark_after = at;
    if (incremental.newest_windows_first) std::reverse(due.windows.begin(), due.windows.end());
    return due;
}

std::optional<std::pair<Window, Window>> halves(const Incremental& incremental, const Window& window) {
    if (incremental.kind != Incremental::Kind::window || !window.lo || !window.hi) return std::nullopt;
    const std::int64_t middle = *window.lo + floor_to((*window.hi - *window.lo) / 2, incremental.granularity);
    if (middle <= *window.lo || middle >= *window.hi) return std::nullopt;
    return std::pair{Window{window.lo, middle}, Window{middle, window.hi}};
}

std::vector<Sent> sent_for(const Incremental& incremental, const Window& window) {
    std::vector<Sent> values;
    switch (incremental.kind) {
        case Incremental::Kind::newest_first: break;
        case Incremental::Kind::since: {
            auto from = window.lo;
            if (from) from = floor_to(minus(*from, incremental.lookback), incremental.granularity);
            if (incremental.start) from = std::max(from.value_or(*incremental.start), *incremental.start);
            if (from) values.push_back(sent(incremental, incremental.into, *from));
            break;
        }
        case Incremental::Kind::window:
            if (window.lo) values.push_back(sent(incremental, incremental.from_into, *window.lo));
            if (window.hi && !incremental.to_into.empty())
                values.push_back(sent(incremental, incremental.to_into,
                                      incremental.inclusive ? *window.hi - incremental.granularity : *window.hi));
    }
    return values;
}

NamedValues window_values(bool numeric, const Window& window, Arena& arena) {
    NamedValues values;
    const auto add = [&](const char* name, std::optional<std::int64_t> bound) {
        if (!bound) return;
        Value value;
        value.kind = numeric ? Value::Kind::number : Value::Kind::text;
        value.text = arena.keep(numeric ? std::to_string(*bound) : write_utc(*bound));
        values.entries.emplace_back(name, value);
    };
    add("start", window.lo);
    add("end", window.hi);
    return values;
}

}  // namespace pawl::core
