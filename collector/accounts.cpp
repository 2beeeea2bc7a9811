#include "collector/accounts.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

namespace pawl::collector {

namespace {

constexpr core::Micros refusals_apart = std::chrono::seconds(1);

bool has_all(const Key& key, const std::vector<std::string>& scopes) {
    return std::all_of(scopes.begin(), scopes.end(), [&](const std::string& scope) {
        return std::find(key.scopes.begin(), key.scopes.end(), scope) != key.scopes.end();
    });
}

}  // namespace

bool Accounts::all_refused() const {
    for (const auto& account : accounts_)
        for (const auto& key : account.keys)
            if (!quarantined_.contains(alias_of(account, key))) return false;
    return !accounts_.empty();
}

std::vector<Paying> Accounts::payers(const std::vector<std::string>& limits, const KeyWish& wish,
                                     std::int64_t redis_now_us, std::size_t count) {
    std::vector<std::tuple<bool, double, Paying>> able;
    for (std::size_t i = 0; i < accounts_.size(); ++i) {
        const auto& account = accounts_[(turn_ + i) % accounts_.size()];
        for (auto& key : usable_keys(account, wish)) {
            const bool is_first = account.owner == wish.first.owner && (wish.first.key.empty() || key == wish.first.key);
            const auto score = urgency(account.owner, key, limits, redis_now_us);
            able.emplace_back(is_first, score, Paying{account.owner, std::move(key)});
        }
    }
    if (!accounts_.empty()) turn_ = (turn_ + 1) % accounts_.size();
    std::stable_sort(able.begin(), able.end(), [](const auto& a, const auto& b) {
        return std::tie(std::get<0>(a), std::get<1>(a)) > std::tie(std::get<0>(b), std::get<1>(b));
    });
    if (able.size() > count) able.resize(count);
    std::vector<Paying> payers;
    for (auto& [is_first, score, payer] : able) payers.push_back(std::move(payer));
    return payers;
}

// All of them where each has a budget of its own, else the one whose turn it is.
std::vector<std::string> Accounts::usable_keys(const Account& account, const KeyWish& wish) {
    std::vector<std::string> usable;
    for (const auto& key : account.keys) {
        auto alias = alias_of(account, key);
        if (!quarantined_.contains(alias) && has_all(key, wish.scopes)) usable.push_back(std::move(alias));
    }
    if (wish.each_key || usable.size() < 2) return usable;
    const bool names_one = account.owner == wish.first.owner &&
                           std::find(usable.begin(), usable.end(), wish.first.key) != usable.end();
    return {names_one ? wish.first.key : usable[key_turn_[account.owner]++ % usable.size()]};
}

std::string Accounts::secret(const std::string& alias) const {
    for (const auto& account : accounts_)
        for (const auto& key : account.keys)
            if (alias_of(account, key) == alias) return key.secret;
    return {};
}

void Accounts::saw(const std::vector<queue::LimitFeedback>& feedback) {
    for (const auto& told : feedback)
        if (told.remaining && told.reset_at_us)
            seen_[{told.owner, told.name}] = {.remaining = *told.remaining,
                                              .reset_at_us = *told.reset_at_us};
}

bool Accounts::refused(const std::string& key, int confirm, core::SteadyTime now) {
    auto& suspicion = suspicions_[key];
    if (suspicion.refusals == 0 || now - suspicion.last >= refusals_apart) {
        ++suspicion.refusals;
        suspicion.last = now;
    }
    return suspicion.refusals >= confirm;
}

void Accounts::set_quarantined(const std::map<std::string, std::string>& keys) {
    quarantined_.clear();
    for (const auto& [key, reason] : keys) quarantined_.insert(key);
}

// Of the scarcest of the limits; unknown, or seen in a window that is over: as much as can be.
double Accounts::urgency(const std::string& owner, const std::string& key, const std::vector<std::string>& limits,
                         std::int64_t redis_now_us) const {
    constexpr std::int64_t second_us = 1'000'000;
    double least = std::numeric_limits<double>::infinity();
    for (const auto& limit : limits) {
        for (const auto& payer : {owner, key}) {
            const auto found = seen_.find({payer, limit});
            if (found == seen_.end() || found->second.reset_at_us <= redis_now_us) continue;
            const auto left_us = std::max(second_us, found->second.reset_at_us - redis_now_us);
            least = std::min(least, static_cast<double>(found->second.remaining) / static_cast<double>(left_us));
        }
    }
    return least;
}

}  // namespace pawl::collector
