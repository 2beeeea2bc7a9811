#pragma once

#include <string>
#include <string_view>

#include "core/source_file.hpp"

namespace pawl::core {

/// `decode: text`: the matches of a text as a JSON array of objects, one member per named group. `split` matches line by
/// line; its groups are carried into the matches below it until the next one. Without `match`, each line is a record
/// {"line": …}. `text` is UTF-8. Throws PermanentError when an expression is too costly for this text.
[[nodiscard]] std::string text_as_json(const TextRecords& spec, std::string_view text);

}  // namespace pawl::core
