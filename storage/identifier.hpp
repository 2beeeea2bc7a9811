#pragma once

#include <string>
#include <string_view>

namespace pawl::storage {

/// How a name of a source file is called in Postgres: as it is up to 63 bytes; beyond, its first 54
/// bytes (cut between UTF-8 characters), "_" and 8 hex digits of its sha256. Stable, and different
/// names stay different.
[[nodiscard]] std::string physical_name(std::string_view name);

/// `physical_name` in double quotes, safe inside SQL.
[[nodiscard]] std::string quote_identifier(std::string_view name);
/// "schema"."table"
[[nodiscard]] std::string quote_table(std::string_view schema, std::string_view table);
/// Text as an SQL literal, whatever standard_conforming_strings says. Throws core::PermanentError
/// on a NUL inside.
[[nodiscard]] std::string quote_literal(std::string_view text);

}  // namespace pawl::storage
