#pragma once

#include <algorithm>

#include "core/clock.hpp"
#include "core/random.hpp"

/// How long to wait before what failed for the world's sake is tried again.
namespace pawl::collector {

// While Redis is away or the queue is full: soon at first, then every two seconds.
inline constexpr core::Micros retry_least = std::chrono::milliseconds(100);
inline constexpr core::Micros retry_most = std::chrono::seconds(2);

[[nodiscard]] inline core::Micros doubled(core::Micros wait) {
    return std::min(wait * 2, retry_most);
}

/// Spreads walks that were told the same time, by a tenth of it and at most 250 ms. Never shortens
/// a wait.
[[nodiscard]] inline core::Micros with_jitter(core::Micros wait, core::Random& random) {
    constexpr core::Micros jitter_most = std::chrono::milliseconds(250);
    constexpr core::Micros jitter_least = std::chrono::milliseconds(2);
    const auto reach = static_cast<double>(std::min(wait / 10 + jitter_least, jitter_most).count());
    return wait + core::Micros(static_cast<std::int64_t>(reach * random.fraction()));
}

}  // namespace pawl::collector
