#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pawl::app {

/// The candidate that `word` was probably meant to be: at most a third of its letters (and at least
/// one) differ.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word,
                                                 const std::vector<std::string>& candidates);

}  // namespace pawl::app
