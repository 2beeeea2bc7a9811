#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "collector/credentials.hpp"
#include "core/clock.hpp"
#include "queue/quota.hpp"

namespace pawl::collector {

/// Which accounts may pay, in which order, and with which of their keys. One per source and
/// process; what it knows of remaining quota is only for the order: the ledger in Redis decides.
class Accounts {
  public:
    explicit Accounts(std::vector<Account> accounts) : accounts_(std::move(accounts)) {}

    [[nodiscard]] bool empty() const { return accounts_.empty(); }
    [[nodiscard]] const std::vector<Account>& all() const { return accounts_; }
    /// True when there are accounts, and the API refuses all of them.
    [[nodiscard]] bool all_refused() const;
    /// The accounts that may pay a request under these limits, at most `count`: most remaining
    /// quota first; where that is not known or equal, in turn.
    [[nodiscard]] std::vector<std::string> payers(const std::vector<std::string>& limits,
                                                  std::int64_t redis_now_us, std::size_t count = 8);
    /// A key of `owner`; several are used in turn. "" for an unknown owner.
    [[nodiscard]] std::string next_key(const std::string& owner);

    void saw(const std::vector<queue::LimitFeedback>& feedback);
    void quarantine(const std::string& owner) { quarantined_.insert(owner); }
    /// What Redis says of all processes; accounts no longer in it may pay again.
    void set_quarantined(const std::vector<std::string>& owners);

  private:
    struct Seen {
        std::int64_t remaining = 0;
        std::int64_t reset_at_us = 0;
    };
    [[nodiscard]] std::int64_t remaining(const std::string& owner,
                                         const std::vector<std::string>& limits,
                                         std::int64_t redis_now_us) const;

    std::vector<Account> accounts_;
    std::set<std::string> quarantined_;
    std::map<std::pair<std::string, std::string>, Seen> seen_;  // owner, limit
    std::map<std::string, std::size_t> key_turn_;
    std::size_t turn_ = 0;
};

}  // namespace pawl::collector
