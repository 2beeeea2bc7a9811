#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pawl::core {

/// RFC 4648 with padding.
[[nodiscard]] std::string base64(std::string_view bytes);
/// The alphabet for URLs, without padding: what a JWT is written in.
[[nodiscard]] std::string base64url(std::string_view bytes);
/// The bytes of a base64() text; nullopt for anything else, line breaks included.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace pawl::core
