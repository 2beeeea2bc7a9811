#pragma once

#include <cstdint>
#include <string_view>

/// Texts that Postgres takes for dates and times. Pure; for years 0001 to 9999.
namespace pawl::storage {

/// "2024-02-29": a day that exists.
[[nodiscard]] bool is_date(std::string_view text);

enum class [[nodiscard]] TimeText : std::uint8_t{no, with_offset, without_offset};

/// Date, `T` or space, hh:mm:ss, fraction, offset. Postgres takes second 60 (without a fraction)
/// and offsets up to ±15:59.
TimeText time_text(std::string_view text);

}  // namespace pawl::storage
