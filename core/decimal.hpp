#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pawl::core {

/// Exact arithmetic on numbers as JSON writes them, whatever their length.

[[nodiscard]] bool is_json_number(std::string_view text);
/// nullopt where one is no number.
[[nodiscard]] std::optional<std::strong_ordering> compare_numbers(std::string_view a, std::string_view b);
/// The sum without an exponent, with as many decimals as the longer has. nullopt where one is no number, or has an
/// exponent beyond 400: no column holds that.
[[nodiscard]] std::optional<std::string> add_numbers(std::string_view a, std::string_view b);
/// The largest whole number that is not above `text` × 10^`places`; nullopt where `text` is no number, and beyond 64 bits.
[[nodiscard]] std::optional<std::int64_t> scaled_number(std::string_view text, int places);

}  // namespace pawl::core
