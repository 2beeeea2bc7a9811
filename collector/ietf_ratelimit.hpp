#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/http.hpp"

namespace pawl::collector {

/// What the standard headers say of one of the API's policies. Times in seconds.
struct RateLimitPolicy {
    std::string name;  ///< "" where the draft has no names
    std::optional<std::int64_t> quota, remaining, reset, window;
};

/// Reads the IETF's RateLimit headers (draft-ietf-httpapi-ratelimit-headers), as servers send them:
///   drafts 8 and later   RateLimit: "burst";r=5;t=10, "day";r=900;t=3600 · RateLimit-Policy: "burst";q=10;w=60
///   draft 7              RateLimit: limit=100, remaining=50, reset=5 · RateLimit-Policy: 100;w=60
///   drafts 0 to 6        RateLimit-Limit: 100, 100;w=60 · RateLimit-Remaining: 50 · RateLimit-Reset: 5
/// Empty where there are none that can be read. Bounded: at most 16 policies.
[[nodiscard]] std::vector<RateLimitPolicy> read_ietf_ratelimit(const HttpResponse& response);

}  // namespace pawl::collector
