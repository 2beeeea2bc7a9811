#pragma once

#include <string>
#include <string_view>

/// Names of schemas, tables and columns as Postgres gets them. Every SQL text of storage/ quotes
/// through here.
namespace pawl::storage {

/// Name of a table or column for a name from a source file or from data: ASCII letters in lower
/// case; over 54 bytes the first 54 (cut between UTF-8 characters), `_` and 8 hexadecimal digits of
/// its SHA-256, so that 63 are never exceeded and the result is the same everywhere. The same
/// suffix keeps away from names that Postgres or pawl own (`ctid`, `_pawl_…`), empty names and
/// names with NUL.
[[nodiscard]] std::string identifier(std::string_view name);

/// `"name"` with quotes doubled: for SQL. The argument is an identifier already. (No string_view:
/// std::quoted would match.)
[[nodiscard]] std::string quoted(const std::string& identifier);
/// `"schema"."table"`, both made identifiers first.
[[nodiscard]] std::string quoted_table(std::string_view schema, std::string_view table);
/// `'text'` for SQL (standard_conforming_strings on). NUL and invalid UTF-8 become U+FFFD.
[[nodiscard]] std::string literal(std::string_view text);

/// `text` with NUL and what is not UTF-8 replaced by U+FFFD: for texts from outside that are no
/// cells.
[[nodiscard]] std::string valid_text(std::string_view text);

}  // namespace pawl::storage
