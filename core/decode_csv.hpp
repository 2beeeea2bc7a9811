#pragma once

#include <string>
#include <string_view>

#include "core/source_file.hpp"

namespace pawl::core {

/// `decode: csv`: the lines of `text` (UTF-8; RFC 4180) as a JSON array of objects, one member per column. An unquoted value
/// that is a JSON number stays that number, digit for digit; an unquoted empty one is null; all else is text. Fields that a
/// line lacks at its end are left out. A line that does not fit the columns becomes an array of its fields instead, so that
/// nothing can take it for a record: one with too many fields, with text behind a closing quote, or, at the end of the text
/// without a line break, with too few. Empty lines are skipped. Throws PermanentError, with the line, for a quote that is
/// not closed, and for a line of more than 10,000 fields.
[[nodiscard]] std::string csv_as_json(const CsvOptions& options, std::string_view text);

}  // namespace pawl::core
