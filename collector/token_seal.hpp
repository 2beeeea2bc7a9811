#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "core/random.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// Seals what is kept outside the process, and opens it: AES-256-GCM under a key that HKDF-SHA256
/// derives from the secrets of the source file (client secret, first refresh token, private key).
/// The key is nowhere but in memory; who has the database alone can read nothing, and what was
/// sealed for one source and account opens for no other.
class TokenSeal {
  public:
    TokenSeal(const core::TokenGrant& grant, std::string_view source, std::string_view account);

    /// Base64 text, different each time.
    [[nodiscard]] std::string seal(std::string_view text, core::Random& random) const;
    /// nullopt: not sealed by this key for this source and account, or changed since.
    [[nodiscard]] std::optional<std::string> open(std::string_view sealed) const;
    /// Tells keys apart, and nothing about them: 16 hexadecimal digits.
    [[nodiscard]] const std::string& key_id() const { return key_id_; }

  private:
    using Key = std::array<unsigned char, 32>;

    Key key_{};
    std::string key_id_;
    std::string bound_to_;  // source and account: the associated data
};

}  // namespace pawl::collector
