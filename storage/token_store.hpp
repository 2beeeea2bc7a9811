#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/clock.hpp"
#include "core/identity.hpp"
#include "core/task.hpp"

namespace pawl::storage {

/// Which token. Another secret in the source file is another slot: what one secret has sealed is
/// neither read nor overwritten by who knows another.
struct TokenSlot {
    std::string source, account;
    std::string key_id;  ///< tells secrets apart, and nothing about them
};

/// A token as it is kept: sealed by who uses it. The store sees no secret.
struct KeptToken {
    std::string sealed;    ///< text; ciphertext to the store
    core::Micros life{0};  ///< from when it was kept to its end
    core::Micros left{0};  ///< until its end, by the store's clock; negative: it is over
};

/// What a process is told that wants to renew a token.
struct TokenLease {
    bool granted = false;      ///< it is the one that renews, for a while; else another does
    core::Nonce nonce;         ///< of who asked
    std::int64_t version = 0;  ///< of what is kept: `keep` puts something in the place of this only
    std::optional<KeptToken> kept;
};

/// Port: tokens that all processes of a source share, and which of them renews one. Throws
/// core::TransientError while Postgres is away, core::ConfigError when rights are missing.
class TokenStore {
  public:
    virtual ~TokenStore() = default;
    /// Asks to be the one that renews, for at most `lease`, and learns what is kept. Repeating it
    /// with the same nonce prolongs.
    virtual core::Task<TokenLease> take(TokenSlot slot, core::Nonce nonce, core::Millis lease) = 0;
    /// Keeps `token` (`left` is ignored, `life` begins now) and gives the lease up. Repeating it is
    /// safe. False: another process kept one since `take`, and that one stays.
    virtual core::Task<bool> keep(TokenSlot slot, TokenLease lease, KeptToken token) = 0;
    /// Gives the lease up, if it is still ours.
    virtual core::Task<> release(TokenSlot slot, core::Nonce nonce) = 0;
};

}  // namespace pawl::storage
