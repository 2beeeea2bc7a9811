#pragma once

#include <algorithm>

#include "core/clock.hpp"

/// When a token is renewed, and when it is used no more.
namespace pawl::collector {

/// A token is renewed this long before its end: a fifth of its life, at most 5 min.
[[nodiscard]] inline core::Micros renewal_margin(core::Micros life) {
    constexpr core::Micros most = std::chrono::minutes(5);
    return std::min(life / 5, most);
}

/// In how long this process renews a token that has `left` of its `life`. `fraction` (0 … 1) puts
/// it up to half a margin sooner, so that of many processes one is first and the others find its
/// token.
[[nodiscard]] inline core::Micros renewal_in(core::Micros life, core::Micros left,
                                             double fraction) {
    const auto margin = static_cast<double>(renewal_margin(life).count());
    return left - core::Micros(static_cast<std::int64_t>(margin * (1 + fraction / 2)));
}

/// How long a token that has `left` of its `life` is sent: not in its last moments, because a
/// request takes a while to be judged.
[[nodiscard]] inline core::Micros usable_for(core::Micros life, core::Micros left) {
    constexpr core::Micros most = std::chrono::seconds(10);
    return left - std::min(life / 20, most);
}

}  // namespace pawl::collector
