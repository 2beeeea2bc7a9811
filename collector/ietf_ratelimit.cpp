#include "collector/ietf_ratelimit.hpp"

#include <algorithm>

#include "core/characters.hpp"
#include "core/http_date.hpp"

namespace pawl::collector {

namespace {

constexpr std::size_t policies_max = 16;

// A member of a structured list (RFC 9651): its item as written, without quotes, and its parameters.
struct Member {
    std::string item;
    std::vector<std::pair<std::string, std::string>> parameters;

    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name) const {
        for (const auto& [key, value] : parameters)
            if (key == name) return core::parse_integer(value);
        return std::nullopt;
    }
};

// Parts of `text` between `separator`, but not within quotes.
std::vector<std::string_view> unquoted_parts(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    std::size_t begin = 0;
    bool quoted = false;
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (i < text.size() && text[i] == '"') quoted = !quoted;
        if (i < text.size() && (quoted || text[i] != separator)) continue;
        parts.push_back(core::trimmed(text.substr(begin, i - begin)));
        begin = i + 1;
    }
    return parts;
}

std::string unquoted(std::string_view text) {
    if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
    return std::string(text);
}

std::vector<Member> read_list(std::string_view text) {
    std::vector<Member> members;
    for (const auto part : unquoted_parts(text, ',')) {
        if (part.empty() || members.size() == policies_max) continue;
        const auto pieces = unquoted_parts(part, ';');
        Member member;
        member.item = unquoted(pieces.front());
        for (std::size_t i = 1; i < pieces.size(); ++i) {
            const auto equals = pieces[i].find('=');
            if (equals == std::string_view::npos) continue;
            member.parameters.emplace_back(core::trimmed(pieces[i].substr(0, equals)),
                                           unquoted(core::trimmed(pieces[i].substr(equals + 1))));
        }
        members.push_back(std::move(member));
    }
    return members;
}

// "limit=100, remaining=50, reset=5": draft 7 had a dictionary where later ones have a list.
std::optional<RateLimitPolicy> read_dictionary(const std::vector<Member>& members) {
    RateLimitPolicy policy;
    for (const auto& member : members) {
        const auto equals = member.item.find('=');
        if (equals == std::string::npos) continue;
        const auto name = core::trimmed(std::string_view(member.item).substr(0, equals));
        const auto value = core::parse_integer(std::string_view(member.item).substr(equals + 1));
        if (name == "limit") policy.quota = value;
        if (name == "remaining") policy.remaining = value;
        if (name == "reset") policy.reset = value;
    }
    return policy.remaining ? std::optional(policy) : std::nullopt;
}

std::vector<Member> list_in(const HttpResponse& response, std::string_view name) {
    const auto text = response.header(name);
    return text ? read_list(*text) : std::vector<Member>{};
}

// The first number of a list: "100, 100;w=60" is 100.
std::optional<std::int64_t> first_number(const HttpResponse& response, std::string_view name) {
    const auto members = list_in(response, name);
    return members.empty() ? std::nullopt : core::parse_integer(members.front().item);
}

// Policies whose names are numbers: 100;w=60. The one in force is the one with that quota.
void learn_window(RateLimitPolicy& policy, const std::vector<Member>& policies) {
    for (const auto& member : policies)
        if (policy.quota && core::parse_integer(member.item) == policy.quota) policy.window = member.number("w");
}

}  // namespace

std::vector<RateLimitPolicy> read_ietf_ratelimit(const HttpResponse& response) {
    const auto limits = list_in(response, "ratelimit");
    const auto policies = list_in(response, "ratelimit-policy");
    std::vector<RateLimitPolicy> told;
    if (auto old = read_dictionary(limits)) {
        learn_window(*old, policies);
        return {*old};
    }
    for (const auto& member : limits) {
        RateLimitPolicy policy;
        policy.name = member.item;
        policy.remaining = member.number("r");
        policy.reset = member.number("t");
        if (!policy.remaining) continue;
        for (const auto& named : policies) {
            if (named.item != member.item) continue;
            policy.quota = named.number("q");
            policy.window = named.number("w");
        }
        told.push_back(std::move(policy));
    }
    if (!told.empty()) return told;
    RateLimitPolicy oldest;
    oldest.quota = first_number(response, "ratelimit-limit");
    oldest.remaining = first_number(response, "ratelimit-remaining");
    oldest.reset = first_number(response, "ratelimit-reset");
    if (!oldest.remaining) return {};
    auto windows = list_in(response, "ratelimit-limit");
    std::erase_if(windows, [](const Member& member) { return member.parameters.empty(); });
    learn_window(oldest, policies.empty() ? windows : policies);
    return {oldest};
}

}  // namespace pawl::collector
