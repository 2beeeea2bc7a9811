#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/request.hpp"
#include "core/source_file.hpp"
#include "queue/quota.hpp"

namespace pawl::collector {

/// `*` stands for anything within a segment of a path, `**` for anything across segments; a pattern
/// that ends in `/**` also fits the path without it.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view path);

/// The limits that apply to `request` of `stream` when `owner` ("" : nobody) pays, the reserve taken
/// off, with the windows of Redis's time `now`. A
/// pattern is matched with the URL's path and with the part of it behind base_url. At another
/// origin than the source's own only limits per source hold: an account's quota is not spent there.
[[nodiscard]] std::vector<queue::LimitAsk> matching_limits(const core::SourceFile& source,
                                                           const core::Stream& stream,
                                                           const PageRequest& request,
                                                           const std::string& owner,
                                                           core::WallTime now);

/// Those of a payer's `limits` that a refusal blocks: the account's, not the source's as a whole,
/// which other accounts use too; only the one that the API says is spent, where it says so and does
/// not ask for a pause besides.
[[nodiscard]] std::vector<queue::LimitAsk> blocked_limits(
    const queue::Payer& payer, const std::vector<queue::LimitFeedback>& feedback,
    bool asked_to_pause);

}  // namespace pawl::collector
