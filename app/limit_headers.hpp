#pragma once

#include <string>
#include <utility>
#include <vector>

#include "collector/http.hpp"
#include "core/source_file.hpp"

namespace pawl::app {

/// What the headers of a response tell of the API's limits, name and value.
struct LimitHeaders {
    std::vector<std::pair<std::string, std::string>> named;  ///< those that the source's feedback reads
    std::vector<std::pair<std::string, std::string>>
        unnamed;  ///< those that it could read: x-ratelimit-*, ratelimit*, retry-after
};

/// Pure.
[[nodiscard]] LimitHeaders limit_headers(const core::Feedback& feedback, const collector::Headers& headers);

}  // namespace pawl::app
