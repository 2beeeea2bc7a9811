#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/value.hpp"

/// Cells as COPY (text format) takes them. Pure and fast: every cell of every record passes here.
///
/// What is appended never makes COPY fail: whatever Postgres would refuse is told as a misfit
/// before it is sent.
///  - bigint: integers within 64 bits. numeric: JSON numbers up to 1,000 characters with an
///  exponent up to ±308.
///    Texts are taken for numbers and booleans only where the source file asked for it (`as`):
///    "007" stays a text.
///  - float8: numbers that neither overflow nor vanish.
///  - timestamptz: RFC 3339 with an offset, or a bare date (UTC); years 0001 … 9999. date:
///  YYYY-MM-DD.
///  - text: anything; NUL becomes U+FFFD (repaired).
///  - jsonb: anything; `\u0000` and lone surrogates become `\ufffd` (repaired); a number inside
///  that is longer than 1,000
///    characters or has an exponent beyond ±308 is a misfit, because jsonb would store every digit
///    of it.
namespace pawl::storage {

enum class [[nodiscard]] Encoded : std::uint8_t{
    ok,
    repaired,  ///< stored, but not byte for byte
    misfit,    ///< the column's type cannot hold it; `out` may hold part of it, the caller cuts it
               ///< off
};

/// Appends `value` for a column of `type`; `\N` for null. The separator is the caller's.
Encoded append_copy(std::string& out, const core::Value& value, core::ColumnType type);
/// Appends a text as a COPY field: backslash, newline, tab and carriage return escaped, NUL
/// repaired.
Encoded append_copy_text(std::string& out, std::string_view text);
void append_copy_integer(std::string& out, std::int64_t number);

}  // namespace pawl::storage
