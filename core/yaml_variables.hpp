#pragma once

#include "core/yaml_document.hpp"

namespace pawl::core {

/// Replaces `${VAR}`, `${VAR:-default}` and `${VAR:?message}` in all scalars below `node`. A scalar
/// whose variable is missing or misspelt is reported and becomes Kind::invalid.
void replace_variables(YamlNode& node, const Environment& environment, Problems& problems);

}  // namespace pawl::core
