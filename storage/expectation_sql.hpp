#pragma once

#include <string>
#include <string_view>

#include "core/source_file.hpp"

namespace pawl::storage {

/// SQL jsonb expressions over the columns `parent` and `list` of an alias: of their members only those that the stream's
/// `expect` looks at, so that slices which are alike to it are one group. `'{}'::jsonb` where it looks at none.
[[nodiscard]] std::string expected_parent_sql(const core::Stream& stream, std::string_view alias);
[[nodiscard]] std::string expected_list_sql(const core::Stream& stream, std::string_view alias);

}  // namespace pawl::storage
