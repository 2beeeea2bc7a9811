#pragma once

#include <string>
#include <string_view>

#include "core/source_file.hpp"

namespace pawl::worker {

/// `decode: text`: the matches of a text as a JSON array of objects, one member per named group. `split` matches line by
/// line; its groups are carried into the matches below it until the next one. Without `match`, each line is a record
/// {"line": …}. Bytes that are no UTF-8 become U+FFFD. Throws core::PermanentError when an expression is too costly for
/// this text.
[[nodiscard]] std::string text_records_as_json(const core::TextRecords& spec, std::string_view text);

}  // namespace pawl::worker
