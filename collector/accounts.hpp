#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "collector/credentials.hpp"
#include "core/clock.hpp"
#include "queue/quota.hpp"

namespace pawl::collector {

/// Who could pay for a request, and with which key.
struct Paying {
    std::string owner;  ///< alias of the account
    std::string key;    ///< alias of the key

    bool operator==(const Paying&) const = default;
};

/// Which keys a request may use.
struct KeyWish {
    std::vector<std::string> scopes;  ///< the key must have all of them
    bool each_key = false;            ///< keys of one account have budgets of their own: each is worth asking for
    Paying first;                     ///< asked before all others; an empty key: any of this owner
};

/// Which accounts may pay, in which order, and with which of their keys. One per source and
/// process; what it knows of remaining quota is only for the order: the ledger in Redis decides.
class Accounts {
  public:
    explicit Accounts(std::vector<Account> accounts) : accounts_(std::move(accounts)) {}
    /// Keys were added, removed or rotated. What was seen of accounts that stay is kept.
    void replace(std::vector<Account> accounts) { accounts_ = std::move(accounts); }

    [[nodiscard]] bool empty() const { return accounts_.empty(); }
    [[nodiscard]] const std::vector<Account>& all() const { return accounts_; }
    /// True when there are accounts, and the API refuses all their keys.
    [[nodiscard]] bool all_refused() const;
    /// Who may pay a request under these limits, at most `count`: first those whose quota would lapse at the fastest pace,
    /// that is most units left per second until the reset; where that is not known or equal, in turn.
    [[nodiscard]] std::vector<Paying> payers(const std::vector<std::string>& limits, const KeyWish& wish,
                                             std::int64_t redis_now_us, std::size_t count = 8);
    /// The key of this alias; "" when it is gone.
    [[nodiscard]] std::string secret(const std::string& key) const;

    void saw(const std::vector<queue::LimitFeedback>& feedback);
    /// The API refused a key. True when it was seen to `confirm` times, a second apart at least: one stumble of the API,
    /// met by many requests at once, is one refusal.
    [[nodiscard]] bool refused(const std::string& key, int confirm, core::SteadyTime now);
    /// The API took a key: earlier refusals were a stumble.
    void accepted(const std::string& key) { suspicions_.erase(key); }
    void quarantine(const std::string& key) { quarantined_.insert(key); }
    /// What Redis says of all processes, by alias of the key; what is no longer in it may pay again.
    void set_quarantined(const std::map<std::string, std::string>& keys);

  private:
    struct Seen {
        std::int64_t remaining = 0;
        std::int64_t reset_at_us = 0;
    };
    struct Suspicion {
        int refusals = 0;
        core::SteadyTime last;
    };
    [[nodiscard]] double urgency(const std::string& owner, const std::string& key, const std::vector<std::string>& limits,
                                 std::int64_t redis_now_us) const;
    [[nodiscard]] std::vector<std::string> usable_keys(const Account& account, const KeyWish& wish);

    std::vector<Account> accounts_;
    std::set<std::string> quarantined_;  // keys
    std::map<std::string, Suspicion> suspicions_;
    std::map<std::pair<std::string, std::string>, Seen> seen_;  // owner or key, limit
    std::map<std::string, std::size_t> key_turn_;
    std::size_t turn_ = 0;
};

}  // namespace pawl::collector
