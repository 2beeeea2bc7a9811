#include "core/identity.hpp"

#include <openssl/evp.h>

#include <stdexcept>

#include "core/characters.hpp"

namespace pawl::core {

namespace {

constexpr std::string_view digits = "0123456789abcdef";

constexpr bool dash_before(std::size_t byte) {
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

}  // namespace

Token Token::random(Random& random) {
    Token token;
    random.fill(token.bytes.data(), token.bytes.size());
    return token;
}

std::optional<Token> Token::parse(std::string_view uuid) {
    if (uuid.size() != 36) return std::nullopt;
    Token token;
    std::size_t at = 0;
    for (std::size_t i = 0; i < token.bytes.size(); ++i) {
        if (dash_before(i) && uuid[at++] != '-') return std::nullopt;
        const int byte = hex_number(uuid, at, 2);
        if (byte < 0) return std::nullopt;
        token.bytes[i] = static_cast<std::uint8_t>(byte);
        at += 2;
    }
    return token;
}

std::string Token::str() const {
    std::string text;
    text.reserve(36);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (dash_before(i)) text += '-';
        text += digits[bytes[i] >> 4];
        text += digits[bytes[i] & 15];
    }
    return text;
}

std::string sha256_hex(std::string_view bytes) {
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), hash, &size, EVP_sha256(), nullptr) != 1)
        throw std::runtime_error("SHA-256 is not available in this OpenSSL");
    std::string text;
    text.reserve(2 * size);
    for (unsigned int i = 0; i < size; ++i) {
        text += digits[hash[i] >> 4];
        text += digits[hash[i] & 15];
    }
    return text;
}

}  // namespace pawl::core
