#include "collector/limits.hpp"

#include <algorithm>
#include <cmath>

#include "collector/feedback.hpp"
#include "collector/url.hpp"
#include "core/clock_window.hpp"

namespace pawl::collector {

namespace {

// Matches by trying again from the last star: linear for one star, at most pattern × path for
// several.
bool matches_from(std::string_view pattern, std::string_view path) {
    if (pattern.empty()) return path.empty();
    if (pattern == "/**" && path.empty()) return true;
    if (pattern.substr(0, 2) == "**") {
        for (std::size_t skip = 0; skip <= path.size(); ++skip)
            if (matches_from(pattern.substr(2), path.substr(skip))) return true;
        return false;
    }
    if (pattern.front() == '*') {
        for (std::size_t skip = 0; skip <= path.size(); ++skip) {
            if (matches_from(pattern.substr(1), path.substr(skip))) return true;
            if (skip < path.size() && path[skip] == '/') return false;
        }
        return false;
    }
    return !path.empty() && pattern.front() == path.front() &&
           matches_from(pattern.substr(1), path.substr(1));
}

// "/v3/search/code" behind a base_url of "https://host/v3" is "/search/code".
std::string_view behind_base(const core::SourceFile& source, std::string_view path) {
    auto base = path_of(source.base_url);
    while (!base.empty() && base.back() == '/') base.remove_suffix(1);
    if (base.empty() || path.substr(0, base.size()) != base) return path;
    const auto rest = path.substr(base.size());
    if (rest.empty()) return "/";
    return rest.front() == '/' ? rest : path;
}

queue::Pace pace_of(const core::SourceFile& source, const core::Limit& limit) {
    if (is_told(source, limit)) return queue::Pace::told;
    switch (limit.algorithm) {
        case core::Limit::Algorithm::bucket:
            return queue::Pace::bucket;
        case core::Limit::Algorithm::fixed:
            return queue::Pace::fixed;
        case core::Limit::Algorithm::adaptive:
            return queue::Pace::learned;
        case core::Limit::Algorithm::sliding:
            break;
    }
    return queue::Pace::sliding;
}

std::int64_t cost_of(const core::Stream& stream, const core::Limit& limit, const CostMemory& costs) {
    if (limit.cost_from)
        if (const auto last = costs.last(stream.name, limit.name)) return *last;
    for (const auto& name : {limit.name, std::string()})
        if (const auto found = stream.cost.find(name); found != stream.cost.end()) return found->second;
    return limit.cost;
}

queue::LimitAsk ask_of(const core::SourceFile& source, const core::Limit& limit,
                       const core::Stream& stream, const CostMemory& costs, core::WallTime now) {
    queue::LimitAsk ask;
    ask.name = limit.name;
    if (limit.count > 0) {
        const auto kept =
            std::floor(static_cast<double>(limit.count) * (1.0 - limit.reserve) + 1e-9);
        ask.count = std::max<std::int64_t>(1, static_cast<std::int64_t>(kept));
        ask.period_us = limit.period.count();
    }
    ask.burst = std::max<std::int64_t>(1, limit.burst);
    ask.concurrency = limit.concurrency;
    ask.reserve = limit.reserve;
    ask.pace = pace_of(source, limit);
    ask.cost = limit.count > 0 ? cost_of(stream, limit, costs) : 1;
    ask.start = limit.start;
    if (ask.pace == queue::Pace::fixed) {
        const auto ends = core::window_end(limit, now - core::Micros(ask.guard_us()));
        ask.ends_us = ends.time_since_epoch().count();
        ask.next_ends_us = core::window_end(limit, ends).time_since_epoch().count();
    }
    return ask;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view path) {
    constexpr std::size_t stars_max = 8;  // the parser's patterns have two or three
    if (std::count(pattern.begin(), pattern.end(), '*') >
        static_cast<std::ptrdiff_t>(2 * stars_max))
        return false;
    return matches_from(pattern, path);
}

std::vector<MatchedLimit> matching_limits(const core::SourceFile& source, const core::Stream& stream,
                                          const PageRequest& request, const CostMemory& costs, core::WallTime now) {
    std::vector<MatchedLimit> matched;
    const auto path = path_of(request.url);
    const auto inner = behind_base(source, path);
    for (const auto& limit : source.limits) {
        if (!request.own_origin && limit.per != core::Limit::Per::source) continue;
        if (glob_matches(limit.match, path) || glob_matches(limit.match, inner))
            matched.push_back({.ask = ask_of(source, limit, stream, costs, now), .per = limit.per});
    }
    return matched;
}

std::vector<queue::LimitAsk> asks_for(const std::vector<MatchedLimit>& limits, const Paying& payer) {
    std::vector<queue::LimitAsk> asks;
    for (const auto& [ask, per] : limits) {
        asks.push_back(ask);
        if (per == core::Limit::Per::owner) asks.back().owner = payer.owner;
        if (per == core::Limit::Per::key) asks.back().owner = payer.key;
    }
    return asks;
}

std::vector<queue::LimitAsk> blocked_limits(const queue::Payer& payer,
                                            const std::vector<queue::LimitFeedback>& feedback,
                                            bool asked_to_pause) {
    auto blocked = payer.limits;
    std::erase_if(blocked, [&](const queue::LimitAsk& ask) { return ask.owner != payer.owner && ask.owner != payer.key; });
    if (asked_to_pause) return blocked;
    auto spent = blocked;
    std::erase_if(spent, [&](const queue::LimitAsk& ask) {
        return std::none_of(
            feedback.begin(), feedback.end(), [&](const queue::LimitFeedback& told) {
                return told.name == ask.name && told.remaining && *told.remaining <= 0;
            });
    });
    return spent.empty() ? blocked : spent;
}

}  // namespace pawl::collector
