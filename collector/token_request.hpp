#pragma once

#include <string>
#include <variant>

#include "collector/http.hpp"
#include "core/clock.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// A token that was just given.
struct GivenToken {
    std::string token;
    core::Micros life{0};       ///< from now on
    std::string refresh_token;  ///< takes the place of the one that was used; "": that one stays
};

/// Why none was given.
struct TokenRefusal {
    std::string reason;     ///< in words, what to do where a person must; without secrets
    bool for_good = false;  ///< asking again with the same credentials is in vain
    core::Micros wait{0};   ///< the server's own word on when to come back; 0: none
};

using TokenAnswer = std::variant<GivenToken, TokenRefusal>;

struct TokenRequest {
    HttpRequest http;
    std::string assertion;  ///< the JWT in it, a secret while it lives; "": none
};

/// The request for a token. `refresh_token` is the newest one, for a grant that uses one. Pure.
/// Throws core::ConfigError when a private key cannot sign.
[[nodiscard]] TokenRequest token_request(const core::TokenGrant& grant,
                                         const std::string& refresh_token, core::WallTime now);

/// What the server of `grant` answered: `access_token` or `token`, with `expires_in` (seconds) or
/// `expires_at` (RFC 3339, held against the answer's own Date); told neither, a token lives an hour
/// (what Google and GitHub give; a token that ends sooner is renewed when it is refused). Pure.
[[nodiscard]] TokenAnswer read_token_answer(const core::TokenGrant& grant, const HttpResult& result,
                                            core::WallTime now);

}  // namespace pawl::collector
