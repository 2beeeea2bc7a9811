#pragma once

#include <string>

namespace pawl::core {

/// `decode: jsonl` (also called ndjson): the lines of `text` as one JSON array. Each line holds one JSON value, of any kind;
/// blank lines are skipped. Throws PermanentError, with the line, for one that does not: a body that was cut off has such a
/// last line.
[[nodiscard]] std::string jsonl_as_json(std::string text);

}  // namespace pawl::core
