#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/source_file.hpp"

namespace pawl::collector {

/// What is sealed and kept of a renewal.
struct TokenSecrets {
    std::string token;
    std::string refresh_token;  ///< the newest; "" where the grant has none
    std::string asked;  ///< of asked_for(): a token that was asked for otherwise is not used

    friend bool operator==(const TokenSecrets&, const TokenSecrets&) = default;
};

/// As JSON text, and back; nullopt for anything else.
[[nodiscard]] std::string encode(const TokenSecrets& secrets);
[[nodiscard]] std::optional<TokenSecrets> decode_token_secrets(std::string_view text);

/// Tells what kind of token `grant` asks for: another scope, audience or claim is another one.
[[nodiscard]] std::string asked_for(const core::TokenGrant& grant);

}  // namespace pawl::collector
