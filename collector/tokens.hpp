#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "collector/http.hpp"
#include "collector/kept_token.hpp"
#include "collector/token_request.hpp"
#include "collector/token_seal.hpp"
#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/source_file.hpp"
#include "core/telemetry.hpp"
#include "storage/token_store.hpp"

namespace pawl::collector {

/// What a request gets that wants to go out with the token of an account.
struct KeyAnswer {
    enum class [[nodiscard]] Kind : std::uint8_t{
        ready,    ///< `key` is the token
        waiting,  ///< there is none now, one is being asked for: `reason` where that failed
        refused,  ///< the token server gives none: `reason` says why, and what to do
    };
    Kind kind = Kind::waiting;
    std::string key;
    std::string reason;
};

struct TokenPorts {
    Http& http;
    core::Clock& clock;
    core::Random& random;
    core::Telemetry& telemetry;
    storage::TokenStore* store = nullptr;  ///< null: tokens are shared with nobody, and not kept
};

struct TokenOptions {
    core::Millis connect_timeout{10'000};
    core::Millis request_timeout{60'000};
};

/// The token of one account that renews itself before its end. In this process one renewal runs at
/// a time; among processes the one that holds the lease in the store renews, and the others take
/// what it kept. Requests go on with the token in hand meanwhile, and wait only once it is over.
///
/// Postgres away: a grant that uses refresh tokens waits, because a new refresh token could not be
/// kept; the others renew for themselves. A refresh token that was given and cannot be kept yet is
/// kept as soon as Postgres is back (`is_unkept`); a process that dies before, or between the
/// answer and the commit behind it, loses it.
///
/// Owned by a shared_ptr, used by the one io_context thread. What `ports` names outlives it.
class Tokens : public std::enable_shared_from_this<Tokens> {
  public:
    /// `grant` is complete: with_private_key has seen it.
    Tokens(core::TokenGrant grant, std::string source, std::string account, TokenPorts ports,
           TokenOptions options);

    /// The token, where there is one; starts a renewal where it is time for one. Waits for nothing.
    core::Task<KeyAnswer> key();
    /// The same, and waits up to `patience` for a token. Cancel: safe.
    core::Task<KeyAnswer> key_within(core::Micros patience);

    /// The API refused a request that went out with `key`. True: ask again, with the token that
    /// takes its place; each token is renewed once for that. False: so was the token before, and
    /// the account counts as refused.
    [[nodiscard]] bool replace_refused(const std::string& key);
    /// A person says that something changed (reload): what was refused may be asked for again.
    void try_again();
    /// A refresh token was given that is not in the store yet.
    [[nodiscard]] bool is_unkept() const { return unkept_; }
    /// Waits until it is. Cancel: safe.
    core::Task<> until_kept();

  private:
    struct Held {
        std::string token;
        core::SteadyTime renew_at, ends_at;
        bool after_refusal = false;  // took the place of one that the API refused
    };
    using Lease = std::optional<storage::TokenLease>;  // nullopt: there is no store, or it is away

    core::Task<> renew(std::shared_ptr<Tokens> self);
    core::Task<> renew_once();
    core::Task<Lease> take_lease();
    core::Task<Lease> lease_or_adopt();
    core::Task<> ask(Lease lease);
    core::Task<> keep(storage::TokenLease lease, core::SteadyTime given_at, core::Micros life);
    core::Task<bool> put(storage::TokenLease lease, storage::KeptToken token);
    core::Task<> release();
    core::Task<bool> has_moved(std::int64_t version);

    bool adopt(const storage::TokenLease& lease);
    void hold(std::string token, core::Micros life, core::Micros left, bool after_refusal);
    void note_secret(const std::string& secret);
    void fail_for_now(const std::string& reason, core::Micros wait);
    void fail_for_good(const std::string& reason);
    [[nodiscard]] bool is_usable(core::SteadyTime now) const;
    void count(std::string_view result);

    core::TokenGrant grant_;
    storage::TokenSlot slot_;
    TokenPorts ports_;
    TokenOptions options_;
    TokenSeal seal_;
    core::Nonce nonce_;  // of this process: takes its own lease again
    std::string asked_;
    std::string refresh_token_;  // the newest known
    std::optional<Held> held_;
    std::string refused_token_;  // the API refused it: it is not adopted again
    std::string trouble_;        // why the last renewal failed; "" after one that did not
    std::string refusal_;        // the token server's for good
    core::SteadyTime next_try_{};
    int failures_ = 0;
    bool renewing_ = false;
    bool unkept_ = false;
    bool over_told_ = false;
    std::deque<std::string> secrets_;  // remembered, newest last
};

/// The token of `source`'s one account, "default"; null where its credentials do not renew
/// themselves. Reads the private key file relative to `secrets_dir`: blocks. Throws
/// core::ConfigError when it holds no key.
[[nodiscard]] std::shared_ptr<Tokens> tokens_of(const core::SourceFile& source,
                                                const std::string& secrets_dir, TokenPorts ports,
                                                TokenOptions options);

}  // namespace pawl::collector
