#include "collector/accounts.hpp"

#include <algorithm>
#include <limits>

namespace pawl::collector {

bool Accounts::all_refused() const {
    return !accounts_.empty() &&
           std::all_of(accounts_.begin(), accounts_.end(), [this](const Account& account) {
               return quarantined_.contains(account.owner);
           });
}

std::vector<std::string> Accounts::payers(const std::vector<std::string>& limits,
                                          std::int64_t redis_now_us, std::size_t count) {
    std::vector<std::pair<std::int64_t, std::string>> able;
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
        const auto& owner = accounts_[(turn_ + i) % accounts_.size()].owner;
        if (!quarantined_.contains(owner))
            able.emplace_back(remaining(owner, limits, redis_now_us), owner);
    }
    if (!accounts_.empty()) turn_ = (turn_ + 1) % accounts_.size();
    std::stable_sort(able.begin(), able.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    if (able.size() > count) able.resize(count);
    std::vector<std::string> owners;
    for (auto& [left, owner] : able) owners.push_back(std::move(owner));
    return owners;
}

std::string Accounts::next_key(const std::string& owner) {
    for (const auto& account : accounts_)
        if (account.owner == owner) return account.keys[key_turn_[owner]++ % account.keys.size()];
    return {};
}

void Accounts::saw(const std::vector<queue::LimitFeedback>& feedback) {
    for (const auto& told : feedback)
        if (told.remaining && told.reset_at_us)
            seen_[{told.owner, told.name}] = {.remaining = *told.remaining,
                                              .reset_at_us = *told.reset_at_us};
}

void Accounts::set_quarantined(const std::vector<std::string>& owners) {
    quarantined_ = std::set<std::string>(owners.begin(), owners.end());
}

// The scarcest of the limits; unknown, or seen in a window that is over: as much as can be.
std::int64_t Accounts::remaining(const std::string& owner, const std::vector<std::string>& limits,
                                 std::int64_t redis_now_us) const {
    auto least = std::numeric_limits<std::int64_t>::max();
    for (const auto& limit : limits) {
        const auto found = seen_.find({owner, limit});
        if (found != seen_.end() && found->second.reset_at_us > redis_now_us)
            least = std::min(least, found->second.remaining);
    }
    return least;
}

}  // namespace pawl::collector
