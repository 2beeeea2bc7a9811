#pragma once

#include <string_view>

#include "core/expression.hpp"

namespace pawl::core {

/// The members of a small JSON object text (a partition's parent or list values) under their names. Numbers keep their
/// source text. `arena` keeps what the values view. Throws PermanentError when `json` is no JSON object.
[[nodiscard]] NamedValues read_named_values(std::string_view json, Arena& arena);

}  // namespace pawl::core
