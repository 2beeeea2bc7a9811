#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/accounts.hpp"
#include "collector/cost_memory.hpp"
#include "collector/request.hpp"
#include "core/source_file.hpp"
#include "queue/quota.hpp"

namespace pawl::collector {

/// `*` stands for anything within a segment of a path, `**` for anything across segments; a pattern
/// that ends in `/**` also fits the path without it.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view path);

/// A limit that applies to a request, and whose budget it is.
struct MatchedLimit {
    queue::LimitAsk ask;  ///< without an owner
    core::Limit::Per per = core::Limit::Per::owner;
};

/// The limits that apply to `request` of `stream`, the reserve taken off, with the windows of Redis's time `now` and what
/// the stream's requests cost last. A pattern is matched with the URL's path and with the part of it behind base_url. At
/// another origin than the source's own only limits per source hold: an account's quota is not spent there.
[[nodiscard]] std::vector<MatchedLimit> matching_limits(const core::SourceFile& source, const core::Stream& stream,
                                                        const PageRequest& request, const CostMemory& costs,
                                                        core::WallTime now);

/// The same as asked for when this account pays with this key; both "" : nobody.
[[nodiscard]] std::vector<queue::LimitAsk> asks_for(const std::vector<MatchedLimit>& limits, const Paying& payer);

/// Those of a payer's `limits` that a refusal blocks: the account's, not the source's as a whole,
/// which other accounts use too; only the one that the API says is spent, where it says so and does
/// not ask for a pause besides.
[[nodiscard]] std::vector<queue::LimitAsk> blocked_limits(
    const queue::Payer& payer, const std::vector<queue::LimitFeedback>& feedback,
    bool asked_to_pause);

}  // namespace pawl::collector
