#include "collector/jwt.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "core/base64.hpp"
#include "core/errors.hpp"

namespace pawl::collector {

namespace {

using Json = nlohmann::ordered_json;

constexpr core::Seconds backdated{60};  // GitHub's advice against clock drift

struct FreePem {
    void operator()(BIO* bio) const { BIO_free(bio); }
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreePem>;

// Without this OpenSSL asks for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Owned<EVP_PKEY> read_key(std::string_view pem) {
    const Owned<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    Owned<EVP_PKEY> key;
    if (bio) key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr));
    ERR_clear_error();
    if (!key || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA)
        throw core::ConfigError(
            "auth: jwt: the private key is no RSA key in PEM without a passphrase; give the file "
            "that the API's site made, whole, with its BEGIN and END lines");
    return key;
}

std::string sign(EVP_PKEY* key, std::string_view text) {
    const Owned<EVP_MD_CTX> context(EVP_MD_CTX_new());
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    std::string signature;
    const auto out = [&] { return reinterpret_cast<unsigned char*>(signature.data()); };
    bool done = context &&
                EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
                EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1;
    signature.resize(size);
    done = done && EVP_DigestSign(context.get(), out(), &size, bytes, text.size()) == 1;
    if (!done) throw core::ConfigError("auth: jwt: the private key cannot sign");
    signature.resize(size);
    return signature;
}

// `iss` may come from a variable that holds anything: bytes that are no text are replaced.
std::string encoded(const Json& part) {
    return core::base64url(part.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace

std::string signed_jwt(const core::TokenGrant& grant, core::WallTime now) {
    const auto issued =
        std::chrono::duration_cast<core::Seconds>(now.time_since_epoch()) - backdated;
    const auto expires = issued + std::chrono::duration_cast<core::Seconds>(grant.lifetime);
    Json header{{"alg", "RS256"}, {"typ", "JWT"}};
    if (!grant.key_id.empty()) header["kid"] = grant.key_id;
    Json claims{{"iss", grant.issuer}, {"iat", issued.count()}, {"exp", expires.count()}};
    if (!grant.audience.empty()) claims["aud"] = grant.audience;
    for (const auto& [name, value] : grant.claims) claims[name] = value;
    const std::string text = encoded(header) + "." + encoded(claims);
    const auto key = read_key(grant.private_key);
    return text + "." + core::base64url(sign(key.get(), text));
}

void check_private_key(std::string_view pem) { (void)read_key(pem); }

}  // namespace pawl::collector
