#pragma once

#include <string>
#include <string_view>

#include "core/clock.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// The JWT that `grant` signs at `now`: RS256; `iat` a minute before now, so that a clock that runs
/// ahead a little does no harm, `exp` the grant's lifetime behind that. Pure. Throws
/// core::ConfigError when its private key is no RSA key.
[[nodiscard]] std::string signed_jwt(const core::TokenGrant& grant, core::WallTime now);

/// Throws core::ConfigError when `pem` holds no RSA private key without a passphrase. The message
/// shows nothing of it.
void check_private_key(std::string_view pem);

}  // namespace pawl::collector
