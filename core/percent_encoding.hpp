#pragma once

#include <string>
#include <string_view>

namespace pawl::core {

/// Percent-encodes all bytes but the unreserved characters of RFC 3986: good for one component of a URL.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace pawl::core
