#include "tests/replica/rate_limits.hpp"

#include <algorithm>

namespace pawl::replica {
namespace {

constexpr std::size_t past_max = 10'000;

void close_window(RateLimits::Account& account) {
    if (account.window.end == 0) return;
    if (account.past.size() == past_max) account.past.erase(account.past.begin());
    account.past.push_back(account.window);
    account.window = {};
}

}  // namespace

RateLimits::Account& RateLimits::account(const std::string& owner, Time now) {
    auto& account = accounts_[owner];
    account.limit = owner == anonymous ? options_.anonymous_limit : options_.limit;
    if (now >= account.window.end) close_window(account);
    return account;
}

RateLimits::Verdict RateLimits::begin(const std::string& owner, Time now) {
    auto& its = account(owner, now);
    ++its.requests;
    its.in_flight_max = std::max(its.in_flight_max, ++its.in_flight);
    if (options_.per_minute_max > 0) {
        while (!its.last_minute.empty() && its.last_minute.front() <= now - 60 * second)
            its.last_minute.pop_front();
        its.last_minute.push_back(now);
    }
    if (its.window.end == 0) its.window = {now, now + options_.window, 0, 0};
    if (options_.concurrent_max > 0 && its.in_flight > options_.concurrent_max) {
        ++its.too_many_at_once;
        ++its.window.refused;
        return Verdict::too_many_at_once;
    }
    if (options_.per_minute_max > 0 &&
        static_cast<std::int64_t>(its.last_minute.size()) > options_.per_minute_max) {
        ++its.too_many_a_minute;
        ++its.window.refused;
        return Verdict::too_many_a_minute;
    }
    if (its.window.used >= its.limit) {
        ++its.exhausted;
        ++its.window.refused;
        return Verdict::exhausted;
    }
    ++its.charged;
    its.used_max = std::max(its.used_max, ++its.window.used);
    return Verdict::granted;
}

void RateLimits::refund(const std::string& owner) {
    auto& its = accounts_[owner];
    --its.charged;
    ++its.free;
    if (its.window.used > 0) --its.window.used;
}

void RateLimits::finish(const std::string& owner) { --accounts_[owner].in_flight; }

RateLimits::Standing RateLimits::standing(const std::string& owner, Time now) {
    auto& its = account(owner, now);
    auto end = its.window.end == 0 ? now + options_.window : its.window.end;
    return {its.limit, its.window.used, std::max<std::int64_t>(its.limit - its.window.used, 0),
            (end + second - 1) / second};
}

void RateLimits::reset() {
    for (auto& [owner, account] : accounts_) {
        auto in_flight = account.in_flight;
        account = {};
        account.in_flight = account.in_flight_max = in_flight;
    }
}

}  // namespace pawl::replica
