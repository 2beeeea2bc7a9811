#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time_zone.hpp"

namespace pawl::core {

/// How a text writes a time: `%Y-%m-%d %H:%M` (the directives of strftime, names in English, whatever the locale), or one of
/// iso8601, http_date, epoch, epoch_ms. Times are microseconds since 1970, of the years 1 to 9999; zones are nullptr for UTC.
class TimeFormat {
  public:
    enum class Kind : std::uint8_t { pattern, iso8601, http_date, epoch, epoch_ms };
    enum class Use : std::uint8_t { parse, write };

    /// Throws ExpressionError (core/expression.hpp) with the column inside `text`.
    [[nodiscard]] static TimeFormat compile(std::string_view text, Use use);

    /// The time that the whole of `text` tells; `zone` is that of a text that tells none. nullopt where it is not so written.
    /// A time that a clock change skips is taken by the offset before it, one that comes twice is the first.
    [[nodiscard]] std::optional<std::int64_t> parse(std::string_view text, const date::time_zone* zone) const;
    /// `time` as a clock in `zone` shows it. Numbers (epoch, epoch_ms) are rounded down.
    [[nodiscard]] std::string write(std::int64_t time, const date::time_zone* zone) const;

    [[nodiscard]] Kind kind() const { return kind_; }
    [[nodiscard]] bool writes_number() const { return kind_ == Kind::epoch || kind_ == Kind::epoch_ms; }

  private:
    struct Item {
        char directive = 0;  ///< 0: `literal` stands there
        char literal = 0;
    };
    Kind kind_ = Kind::iso8601;
    std::vector<Item> items_;
};

/// ISO 8601 or an HTTP date.
[[nodiscard]] std::optional<std::int64_t> parse_time_text(std::string_view text, const date::time_zone* zone);
/// RFC 3339 in UTC: "2026-08-22T14:19:25Z", with three or six decimals where there are any.
[[nodiscard]] std::string write_utc(std::int64_t time);
/// The day that a clock in `zone` shows: "2026-08-22".
[[nodiscard]] std::string write_day(std::int64_t time, const date::time_zone* zone);

}  // namespace pawl::core
