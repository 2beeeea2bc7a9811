#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace pawl::test {

/// An RSA key of this test run, and a check with its public half by the library itself.
class RsaKey {
  public:
    RsaKey() : key_(EVP_RSA_gen(2048), &EVP_PKEY_free) {
        if (!key_) throw std::runtime_error("no RSA key");
    }
    /// PKCS#8, as Google's key files have it; PKCS#1, as GitHub makes it.
    [[nodiscard]] std::string pkcs8() const {
        return written([&](BIO* bio) {
            return PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr,
                                                 nullptr);
        });
    }
    [[nodiscard]] std::string pkcs1() const {
        return written([&](BIO* bio) {
            return PEM_write_bio_PrivateKey_traditional(bio, key_.get(), nullptr, nullptr, 0,
                                                        nullptr, nullptr);
        });
    }
    [[nodiscard]] bool has_signed(std::string_view text, std::string_view signature) const {
        const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(),
                                                                         &EVP_MD_CTX_free);
        const auto bytes = [](std::string_view of) {
            return reinterpret_cast<const unsigned char*>(of.data());
        };
        return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) ==
                   1 &&
               EVP_DigestVerify(context.get(), bytes(signature), signature.size(), bytes(text),
                                text.size()) == 1;
    }

  private:
    template <typename Write>
    static std::string written(Write write) {
        const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), &BIO_free);
        if (write(bio.get()) != 1) throw std::runtime_error("the key cannot be written");
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio.get(), &data);
        return {data, static_cast<std::size_t>(size)};
    }

    std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
};

/// One for all tests: making it takes a while.
inline const RsaKey& rsa_key() {
    static const RsaKey key;
    return key;
}

}  // namespace pawl::test
