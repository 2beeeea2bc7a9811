#include "app/limit_headers.hpp"

#include <algorithm>

namespace pawl::app {

namespace {

bool tells_of_limits(const std::string& name) {
    return name.starts_with("x-ratelimit") || name.starts_with("x-rate-limit") || name.starts_with("ratelimit") ||
           name.starts_with("rate-limit") || name == "retry-after";
}

/// Headers of the standard and of its drafts.
bool is_standard(const std::string& name) { return name == "ratelimit" || name.starts_with("ratelimit-"); }

}  // namespace

LimitHeaders limit_headers(const core::Feedback& feedback, const collector::Headers& headers) {
    LimitHeaders found;
    const std::vector<std::string> read{feedback.limit, feedback.remaining, feedback.reset, feedback.resource,
                                        feedback.retry_after};
    for (const auto& name : read)
        for (const auto& [header, value] : headers)
            if (!name.empty() && header == name &&
                std::find(found.named.begin(), found.named.end(), std::pair(header, value)) == found.named.end())
                found.named.emplace_back(header, value);
    for (const auto& [header, value] : headers) {
        if (!tells_of_limits(header) || std::find(read.begin(), read.end(), header) != read.end()) continue;
        (feedback.ietf && is_standard(header) ? found.named : found.unnamed).emplace_back(header, value);
    }
    return found;
}

}  // namespace pawl::app
