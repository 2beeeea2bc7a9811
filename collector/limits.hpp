#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/request.hpp"
#include "core/source_file.hpp"
#include "queue/quota.hpp"

namespace pawl::collector {

/// `*` stands for anything within a segment of a path, `**` for anything across segments; a pattern that ends in `/**`
/// also fits the path without it.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view path);

/// The limits that apply to `request` when `owner` ("" : nobody) pays, the reserve taken off. A pattern is matched with the
/// URL's path and with the part of it behind base_url. At another origin than the source's own only limits per source
/// hold: an account's quota is not spent there.
[[nodiscard]] std::vector<queue::LimitAsk> matching_limits(const core::SourceFile& source, const PageRequest& request,
                                                           const std::string& owner);

}  // namespace pawl::collector
