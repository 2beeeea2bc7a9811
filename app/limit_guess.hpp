#pragma once

#include <string>
#include <vector>

#include "app/page_sample.hpp"

namespace pawl::app {

/// What the response's headers tell of the API's limits, as `limits` and `feedback` of a source file say it.
struct LimitGuess {
    std::string limit;  ///< one entry of `limits`, in braces
    std::string why;
    std::vector<std::string> feedback;  ///< lines below `feedback:`; empty: nothing was told
};

/// Pure.
[[nodiscard]] LimitGuess guess_limits(const PageSample& sample);

}  // namespace pawl::app
