#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/clock.hpp"

/// Spans of time, rates, sizes and shares as people write them in source files and settings.
namespace pawl::core {

/// `500ms 30s 15m 6h 30d`, and several of them largest first: `1h30m`. Without a unit only "0".
/// nullopt for anything else, and beyond 100 years.
[[nodiscard]] std::optional<Micros> parse_duration(std::string_view text);
/// `2s..10m`, or one duration for both ends. The first is not above the second.
[[nodiscard]] std::optional<std::pair<Micros, Micros>> parse_duration_range(std::string_view text);

/// So many things per period.
struct Rate {
    std::int64_t count = 0;
    Micros period{0};
};
/// `5000/h`, `30/m`, `20/s`, `1000/d`, `100/15m`. Counts from 1.
[[nodiscard]] std::optional<Rate> parse_rate(std::string_view text);

/// `64KiB`, `256MiB`, `2GiB`, `100B`, or a bare number of bytes.
[[nodiscard]] std::optional<std::size_t> parse_size(std::string_view text);
/// `5%` or `0.05`, from 0 to 1.
[[nodiscard]] std::optional<double> parse_share(std::string_view text);
/// A whole number in decimal digits, with a sign where negative; nothing around it.
[[nodiscard]] std::optional<std::int64_t> parse_whole_number(std::string_view text);

/// For people: the two largest units, `2m 30s`, `6h`, `1.5s`, `250ms`, `0s`.
[[nodiscard]] std::string format_duration(Micros duration);
/// For people: `64 KiB`, `1.5 MiB`, `12 B`.
[[nodiscard]] std::string format_size(std::size_t bytes);

}  // namespace pawl::core
