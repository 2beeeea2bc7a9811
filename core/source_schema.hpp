#pragma once

#include <string>

namespace pawl::core {

/// The JSON Schema (draft-07) of source files, made of the table of fields: what editors complete and check with. It knows the
/// keys, their types and choices; what has to do with several keys at once, only `pawl check` knows. Where a number, a duration
/// or a choice is expected, a text with `${VAR}` in it will do. What is not supported in this version is unknown to it.
[[nodiscard]] std::string source_schema();

}  // namespace pawl::core
