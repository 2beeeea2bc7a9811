#include "core/redact.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "core/characters.hpp"

namespace pawl::core {

namespace {

constexpr std::size_t secret_min = 4;  // shorter ones would blank out ordinary words
constexpr std::string_view mask = "***";

struct Secrets {
    std::shared_mutex mutex;
    std::vector<std::string> values;  // longest first, so that a secret inside another leaves nothing
};

Secrets& secrets() {
    static Secrets kept;
    return kept;
}

constexpr std::array<std::string_view, 13> telling_names{
    "token",  "access_token",  "refresh_token", "assertion", "api_key",   "apikey",        "key",      "secret",
    "client_secret", "password", "passwd", "authorization", "signature"};

bool is_telling(std::string_view name) {
    return std::any_of(telling_names.begin(), telling_names.end(), [name](std::string_view telling) {
        return telling.size() == name.size() &&
               std::equal(name.begin(), name.end(), telling.begin(),
                          [](char a, char b) { return lower(a) == b; });
    });
}

void replace_all(std::string& text, std::string_view what) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + mask.size()))
        text.replace(at, what.size(), mask);
}

/// `?token=abc&x=1` → `?token=***&x=1`
void mask_query(std::string& text) {
    for (std::size_t at = text.find_first_of("?&"); at != std::string::npos;
         at = text.find_first_of("?&", at + 1)) {
        const auto equals = text.find_first_of("=&? \"'", at + 1);
        if (equals == std::string::npos || text[equals] != '=') continue;
        if (!is_telling(std::string_view(text).substr(at + 1, equals - at - 1))) continue;
        auto end = text.find_first_of("& \"'\n\r\t#", equals + 1);
        if (end == std::string::npos) end = text.size();
        text.replace(equals + 1, end - equals - 1, mask);
    }
}

/// `scheme://user:password@host` → `scheme://user:***@host`
void mask_userinfo(std::string& text) {
    for (std::size_t at = text.find("://"); at != std::string::npos; at = text.find("://", at + 3)) {
        const auto end = text.find_first_of("/ ?#\"'", at + 3);
        const auto sign = text.rfind('@', end == std::string::npos ? std::string::npos : end);
        if (sign == std::string::npos || sign < at + 3) continue;
        const auto colon = text.find(':', at + 3);
        if (colon == std::string::npos || colon > sign) continue;
        text.replace(colon + 1, sign - colon - 1, mask);
    }
}

}  // namespace

void remember_secret(std::string_view secret) {
    if (secret.size() < secret_min) return;
    auto& kept = secrets();
    const std::unique_lock lock(kept.mutex);
    if (std::find(kept.values.begin(), kept.values.end(), secret) != kept.values.end()) return;
    kept.values.emplace_back(secret);
    std::sort(kept.values.begin(), kept.values.end(),
              [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

void forget_secret(std::string_view secret) {
    auto& kept = secrets();
    const std::unique_lock lock(kept.mutex);
    std::erase(kept.values, secret);
}

std::string redact(std::string_view text) {
    std::string clean{text};
    {
        auto& kept = secrets();
        const std::shared_lock lock(kept.mutex);
        for (const auto& secret : kept.values) replace_all(clean, secret);
    }
    mask_query(clean);
    mask_userinfo(clean);
    return clean;
}

}  // namespace pawl::core
