#pragma once

#include <string>
#include <vector>

namespace pawl::core {

/// Names of columns that can stand in one object: without blanks at their ends; one that is empty becomes column_3 (its
/// place, from 1), one that was there before gets _2, _3 … behind it.
[[nodiscard]] std::vector<std::string> distinct_names(const std::vector<std::string>& found);

/// `names` as members of JSON objects: `"id":`.
[[nodiscard]] std::vector<std::string> quoted_members(const std::vector<std::string>& names);

}  // namespace pawl::core
