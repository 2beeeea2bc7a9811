#include "collector/kept_token.hpp"

#include <nlohmann/json.hpp>

#include "core/identity.hpp"

namespace pawl::collector {

std::string encode(const TokenSecrets& secrets) {
    const nlohmann::json text{{"token", secrets.token},
                              {"refresh_token", secrets.refresh_token},
                              {"asked", secrets.asked}};
    return text.dump();  // printable ASCII all of it: read_token_answer saw to that
}

std::optional<TokenSecrets> decode_token_secrets(std::string_view text) {
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object()) return std::nullopt;
    TokenSecrets secrets;
    for (const auto& [name, into] :
         {std::pair{"token", &secrets.token}, std::pair{"refresh_token", &secrets.refresh_token},
          std::pair{"asked", &secrets.asked}}) {
        const auto found = json.find(name);
        if (found == json.end() || !found->is_string()) return std::nullopt;
        *into = found->get<std::string>();
    }
    return secrets;
}

std::string asked_for(const core::TokenGrant& grant) {
    std::string all = grant.scope + "\n" + grant.audience;
    for (const auto& [name, value] : grant.claims) all += "\n" + name + "=" + value;
    return core::sha256_hex(all).substr(0, 16);
}

}  // namespace pawl::collector
