// A sealed text is base64 of: one byte 1 (the format) · nonce, 12 bytes · ciphertext · tag, 16
// bytes. The nonce is random: with a renewal a minute, 2^32 of one key, GCM's bound for random
// nonces, take eight thousand years.
#include "collector/token_seal.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>

#include <memory>
#include <stdexcept>

#include "core/base64.hpp"

namespace pawl::collector {

namespace {

constexpr char format = 1;
constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;

struct FreeCipher {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
    void operator()(EVP_KDF* kdf) const { EVP_KDF_free(kdf); }
    void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

unsigned char* writable(std::string& text, std::size_t at = 0) {
    return reinterpret_cast<unsigned char*>(text.data()) + at;
}
const unsigned char* readable(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
int length(std::string_view text) { return static_cast<int>(text.size()); }

void require(bool done) {
    if (!done) throw std::runtime_error("AES-256-GCM or HKDF is not available in this OpenSSL");
}

// What the secrets are, each with its length before it, so that no two sets of them look alike.
std::string secrets_of(const core::TokenGrant& grant) {
    std::string all;
    for (const auto& part : {grant.url, grant.client_id, grant.client_secret, grant.refresh_token,
                             grant.issuer, grant.private_key, grant.login})
        all += std::to_string(part.size()) + ":" + part;
    return all;
}

// RFC 5869. `purpose` makes keys that tell nothing of each other.
template <std::size_t size>
void derive(std::string secret, std::string purpose, std::array<unsigned char, size>& out) {
    const std::unique_ptr<EVP_KDF, FreeCipher> kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
    require(kdf != nullptr);
    const std::unique_ptr<EVP_KDF_CTX, FreeCipher> context(EVP_KDF_CTX_new(kdf.get()));
    std::string digest = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, purpose.data(), purpose.size()),
        OSSL_PARAM_construct_end()};
    require(context && EVP_KDF_derive(context.get(), out.data(), out.size(), parameters) == 1);
}

std::string hexadecimal(const std::array<unsigned char, 8>& bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

}  // namespace

TokenSeal::TokenSeal(const core::TokenGrant& grant, std::string_view source,
                     std::string_view account)
    : bound_to_("pawl.token\n" + std::string(source) + "\n" + std::string(account)) {
    const std::string secrets = secrets_of(grant);
    derive(secrets, "pawl token 1 seal", key_);
    std::array<unsigned char, 8> id{};
    derive(secrets, "pawl token 1 key id", id);
    key_id_ = hexadecimal(id);
}

std::string TokenSeal::seal(std::string_view text, core::Random& random) const {
    std::string out(1 + nonce_bytes + text.size() + tag_bytes, '\0');
    out[0] = format;
    random.fill(writable(out, 1), nonce_bytes);
    const Cipher cipher(EVP_CIPHER_CTX_new());
    int written = 0;
    auto* body = writable(out, 1 + nonce_bytes);
    auto* tag = writable(out, out.size() - tag_bytes);
    require(cipher &&
            EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(),
                               writable(out, 1)) == 1 &&
            EVP_EncryptUpdate(cipher.get(), nullptr, &written, readable(bound_to_),
                              length(bound_to_)) == 1 &&
            EVP_EncryptUpdate(cipher.get(), body, &written, readable(text), length(text)) == 1 &&
            EVP_EncryptFinal_ex(cipher.get(), body + written, &written) == 1 &&
            EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes, tag) == 1);
    return core::base64(out);
}

std::optional<std::string> TokenSeal::open(std::string_view sealed) const {
    auto in = core::from_base64(sealed);
    if (!in || in->size() < 1 + nonce_bytes + tag_bytes || in->front() != format)
        return std::nullopt;
    const auto body =
        std::string_view(*in).substr(1 + nonce_bytes, in->size() - 1 - nonce_bytes - tag_bytes);
    const Cipher cipher(EVP_CIPHER_CTX_new());
    int written = 0;
    std::string text(body.size(), '\0');
    auto* tag = writable(*in, in->size() - tag_bytes);
    require(cipher && EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key_.data(),
                                         writable(*in, 1)) == 1);
    const bool opened =
        EVP_DecryptUpdate(cipher.get(), nullptr, &written, readable(bound_to_),
                          length(bound_to_)) == 1 &&
        EVP_DecryptUpdate(cipher.get(), writable(text), &written, readable(body), length(body)) ==
            1 &&
        EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, tag) == 1 &&
        EVP_DecryptFinal_ex(cipher.get(), writable(text) + written, &written) == 1;
    if (!opened) return std::nullopt;
    return text;
}

}  // namespace pawl::collector
