#include "core/duration.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdlib>

#include "core/characters.hpp"

namespace pawl::core {

namespace {

struct Unit {
    std::string_view name;
    std::int64_t micros;
};

constexpr std::array<Unit, 5> units{{{"d", 86'400'000'000},
                                     {"h", 3'600'000'000},
                                     {"m", 60'000'000},
                                     {"s", 1'000'000},
                                     {"ms", 1'000}}};

// Far beyond any sensible setting, and sums of a few of them stay within 64 bits.
constexpr std::int64_t duration_max = 100 * 365 * units[0].micros;

std::size_t digits_at(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() && is_digit(text[n])) ++n;
    return n;
}

std::string_view letters_at(std::string_view text) {
    std::size_t n = 0;
    while (n < text.size() && text[n] >= 'a' && text[n] <= 'z') ++n;
    return text.substr(0, n);
}

/// "1.5" or "12", without a sign or exponent.
std::optional<double> parse_decimal(std::string_view text) {
    if (text.empty() || !is_digit(text.front()) || !is_digit(text.back())) return std::nullopt;
    for (const char c : text)
        if (!is_digit(c) && c != '.') return std::nullopt;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// At most one decimal, none where it would be zero.
std::string short_number(double number) {
    std::string text = fmt::format("{:.1f}", number);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return text;
}

}  // namespace

std::optional<std::int64_t> parse_whole_number(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

std::optional<Micros> parse_duration(std::string_view text) {
    if (text == "0") return Micros{0};
    if (text.empty()) return std::nullopt;
    std::int64_t total = 0;
    std::size_t next_unit = 0;
    while (!text.empty()) {
        const std::size_t digits = digits_at(text);
        const auto count = parse_whole_number(text.substr(0, digits));
        if (!count) return std::nullopt;
        const std::string_view name = letters_at(text.substr(digits));
        std::size_t unit = next_unit;
        while (unit < units.size() && units[unit].name != name) ++unit;
        if (unit == units.size() || *count > duration_max / units[unit].micros) return std::nullopt;
        total += *count * units[unit].micros;
        if (total > duration_max) return std::nullopt;
        next_unit = unit + 1;
        text.remove_prefix(digits + name.size());
    }
    return Micros{total};
}

std::optional<std::pair<Micros, Micros>> parse_duration_range(std::string_view text) {
    const std::size_t dots = text.find("..");
    const auto low = parse_duration(text.substr(0, dots));
    const auto high = dots == std::string_view::npos ? low : parse_duration(text.substr(dots + 2));
    if (!low || !high || *low > *high) return std::nullopt;
    return std::pair{*low, *high};
}

std::optional<Rate> parse_rate(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos || digits_at(text) != slash) return std::nullopt;
    const auto count = parse_whole_number(text.substr(0, slash));
    std::string period{text.substr(slash + 1)};
    if (!period.empty() && !is_digit(period.front())) period.insert(0, "1");
    const auto duration = parse_duration(period);
    if (!count || *count < 1 || !duration || duration->count() == 0) return std::nullopt;
    return Rate{*count, *duration};
}

std::optional<std::size_t> parse_size(std::string_view text) {
    const std::size_t digits = digits_at(text);
    const auto count = parse_whole_number(text.substr(0, digits));
    const std::string_view unit = text.substr(digits);
    if (!count) return std::nullopt;
    int shift = 0;
    if (unit == "KiB")
        shift = 10;
    else if (unit == "MiB")
        shift = 20;
    else if (unit == "GiB")
        shift = 30;
    else if (!unit.empty() && unit != "B")
        return std::nullopt;
    if (*count > (std::int64_t{1} << (62 - shift))) return std::nullopt;
    return static_cast<std::size_t>(*count) << shift;
}

std::optional<double> parse_share(std::string_view text) {
    const bool percent = text.ends_with('%');
    if (percent) text.remove_suffix(1);
    auto share = parse_decimal(text);
    if (share && percent) *share /= 100;
    if (!share || *share > 1) return std::nullopt;
    return share;
}

std::string format_duration(Micros duration) {
    std::int64_t left = duration.count();
    if (left < 0) return "-" + format_duration(-duration);
    if (left < 1'000'000) return left == 0 ? "0s" : short_number(double(left) / 1'000) + "ms";
    if (left < 10'000'000) return short_number(double(left) / 1'000'000) + "s";
    std::string text;
    int shown = 0;
    for (const Unit& unit : units) {
        if (shown == 2 || unit.name == "ms") break;
        const std::int64_t count = left / unit.micros;
        left -= count * unit.micros;
        if (count == 0 && shown == 0) continue;
        ++shown;
        if (count == 0) continue;
        if (!text.empty()) text += ' ';
        text += std::to_string(count);
        text += unit.name;
    }
    return text;
}

std::string format_size(std::size_t bytes) {
    constexpr std::array<std::string_view, 5> names{"B", "KiB", "MiB", "GiB", "TiB"};
    double number = static_cast<double>(bytes);
    std::size_t name = 0;
    while (number >= 1024 && name + 1 < names.size()) {
        number /= 1024;
        ++name;
    }
    return short_number(number) + " " + std::string(names[name]);
}

}  // namespace pawl::core
