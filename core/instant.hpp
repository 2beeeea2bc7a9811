#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pawl::core {

/// "2026-08-22": a day that exists, years 0001 to 9999.
[[nodiscard]] bool is_date(std::string_view text);

/// RFC 3339 date-time with an offset ("2026-08-22T14:19:25.123Z", "+02:00"; a blank for the T is fine), years 0001 to 9999;
/// second 60 is allowed, as Postgres allows it.
[[nodiscard]] bool is_timestamptz(std::string_view text);

/// Microseconds since 1970-01-01T00:00:00Z of a text that is_timestamptz or is_date (midnight UTC); nullopt otherwise.
[[nodiscard]] std::optional<std::int64_t> parse_instant(std::string_view text);

/// A time as a clock shows it.
struct WrittenTime {
    std::int64_t micros = 0;                     ///< since 1970, counted as if the clock were in UTC
    std::optional<int> offset_minutes = {};  ///< of that clock, where the text tells it
};
/// ISO 8601, more of it than is_timestamptz and is_date take: seconds and offset may be missing, a blank or `UTC` may stand
/// before the end.
[[nodiscard]] std::optional<WrittenTime> read_written_time(std::string_view text);

}  // namespace pawl::core
