#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pawl::core {

/// What a column holds: a fixed lattice. A column widens only along it (docs/source-files.md has the picture).
enum class ColumnType : std::uint8_t { boolean, bigint, numeric, float8, date, timestamptz, uuid, text, jsonb };

[[nodiscard]] std::string_view to_string(ColumnType type);  // as Postgres names it: "double precision" for float8
/// The names a source file may use behind `as`: those of Postgres, and int, integer, float, double, timestamp, json, string.
[[nodiscard]] std::optional<ColumnType> parse_column_type(std::string_view name);
/// Postgres' names of all of them.
[[nodiscard]] std::vector<std::string> column_type_names();
/// The narrowest type that holds both.
[[nodiscard]] ColumnType widen(ColumnType a, ColumnType b);

/// One value on its way from a response to a column. Views point into the JsonDocument or the Arena that made it.
struct Value {
    enum class Kind : std::uint8_t {
        null,
        boolean,  ///< text is "true" or "false"
        number,   ///< text is a JSON number, exact
        text,     ///< text is the content, escapes resolved, valid UTF-8, may hold NUL
        json,     ///< text is a JSON object or array as it came (may hold \u0000 or lone surrogates)
    };
    Kind kind = Kind::null;
    std::optional<ColumnType> as = {};      ///< what `as TYPE` or a function's type asked for
    std::string_view text;

    [[nodiscard]] bool is_null() const { return kind == Kind::null; }
};

/// Keeps computed strings alive for as long as the values that view them.
class Arena {
  public:
    std::string_view keep(std::string text) { return kept_.emplace_back(std::move(text)); }

  private:
    std::deque<std::string> kept_;
};

/// The narrowest column type for one value as it came: an integer is bigint (numeric beyond 64 bits), other numbers
/// float8, RFC 3339 date-times with an offset timestamptz, uuid text uuid, other text text, objects and arrays jsonb.
[[nodiscard]] ColumnType infer_type(const Value& value);
/// True when Postgres takes `value` for a column of `type` without an error, by the same rules as storage/'s encoder.
[[nodiscard]] bool fits(const Value& value, ColumnType type);

}  // namespace pawl::core
