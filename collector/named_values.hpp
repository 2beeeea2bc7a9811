#pragma once

#include <string_view>

#include "core/expression.hpp"

namespace pawl::collector {

/// The members of a small JSON object text (a partition's parent or list values) under their names.
/// Numbers keep their source text. `arena` keeps what the values view. Throws core::PermanentError
/// when `json` is no JSON object.
[[nodiscard]] core::NamedValues read_named_values(std::string_view json, core::Arena& arena);

}  // namespace pawl::collector
