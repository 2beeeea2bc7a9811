#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pawl::core {

/// Seconds since 1970 of an HTTP date (RFC 9110, 5.6.7), in any of its three forms: "Sun, 06 Nov
/// 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"; nullopt for
/// anything else.
[[nodiscard]] std::optional<std::int64_t> parse_http_date(std::string_view text);

/// A whole number with nothing around it but blanks; nullopt beyond 64 bits.
[[nodiscard]] std::optional<std::int64_t> parse_integer(std::string_view text);

}  // namespace pawl::core
