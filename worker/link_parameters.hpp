#pragma once

#include <string_view>

#include "core/expression.hpp"

namespace pawl::worker {

/// What `link.last.page` looks at: for each link of a Link header, its query parameters as "relation.parameter" → value.
/// Whole numbers are numbers, everything else is text.
[[nodiscard]] core::NamedValues link_parameters(std::string_view link_header, core::Arena& arena);

}  // namespace pawl::worker
