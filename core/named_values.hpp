#pragma once

#include <string_view>

#include "core/expression.hpp"

namespace pawl::core {

/// The members of a small JSON object text (a partition's parent or list values) under their names. Numbers keep their
/// source text. `arena` keeps what the values view. Throws PermanentError when `json` is no JSON object.
[[nodiscard]] NamedValues read_named_values(std::string_view json, Arena& arena);

/// What an expression that sees no response says of a partition with these values (JSON object texts). Throws as above.
[[nodiscard]] Value value_for_partition(const Expression& expression, std::string_view parent, std::string_view list,
                                        Arena& arena);

}  // namespace pawl::core
