#pragma once

#include <string>
#include <string_view>

namespace pawl::core {

/// RFC 3986: everything but unreserved characters as %XX.
[[nodiscard]] std::string escape_url_component(std::string_view text);

}  // namespace pawl::core
