#include <fmt/format.h>

#include <algorithm>

#include "core/clock_window.hpp"
#include "core/duration.hpp"
#include "core/schedule.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

// More requests at once than any API allows; keeps products within 64 bits.
constexpr std::int64_t requests_max = 1'000'000'000;

std::string read_match(const MapReader& map, Problems& problems) {
    const YamlNode* node = map.find("match");
    if (node == nullptr) return Limit{}.match;
    std::string glob = map.text("match", "/**");
    if (!glob.starts_with('/') || glob.find_first_of(" ?#[]{}") != std::string::npos ||
        glob.find("***") != std::string::npos)
        problems.add(node->at, fmt::format("\"{}\" is not a glob over URL paths", glob),
                     "it begins with /; * stands for text within a segment, ** for any segments");
    return glob;
}

void read_rate(const MapReader& map, Limit& limit, Problems& problems) {
    const YamlNode* node = map.find("rate");
    if (node == nullptr) return;
    constexpr std::string_view per_month = "/month";
    limit.monthly = node->is_scalar() && node->text.ends_with(per_month);
    std::string text = node->text;
    if (limit.monthly) text.replace(text.size() - per_month.size(), per_month.size(), "/31d");
    const auto rate = node->is_scalar() ? parse_rate(text) : std::nullopt;
    if (rate && rate->count <= requests_max) {
        limit.count = rate->count;
        limit.period = rate->period;
        return;
    }
    problems.add(node->at,
                 fmt::format("\"rate\" must be requests per period such as 5000/h, 30/m, "
                             "100/15m or 10000/month, not \"{}\"",
                             node->text));
}

void read_reserve(const MapReader& map, Limit& limit, Problems& problems) {
    const YamlNode* node = map.find("reserve");
    if (node == nullptr) return;
    const auto share = node->is_scalar() ? parse_share(node->text) : std::nullopt;
    if (share && *share <= 0.95)
        limit.reserve = *share;
    else
        problems.add(
            node->at,
            fmt::format("\"reserve\" must be a share from 0 to 95% such as 5% or 0.05, not \"{}\"",
                        node->text));
}

/// How the budget comes back where the API does not tell.
void read_algorithm(const MapReader& map, Limit& limit, Problems& problems) {
    using Algorithm = Limit::Algorithm;
    const bool fixed_by_rate = limit.monthly;
    limit.algorithm = choose<Algorithm>(map.choice("algorithm"),
                                        {{"sliding_window", Algorithm::sliding},
                                         {"token_bucket", Algorithm::bucket},
                                         {"adaptive", Algorithm::adaptive},
                                         {"fixed_window", Algorithm::fixed}},
                                        fixed_by_rate ? Algorithm::fixed : Algorithm::sliding);
    const bool fixed = limit.algorithm == Algorithm::fixed;
    if (fixed_by_rate && !fixed)
        problems.add(map.at(), "a rate per month is a fixed_window: months have no one length");
    if (fixed && !limit.monthly && limit.count > 0 && !divides_a_day(limit.period))
        problems.add(map.at(),
                     "the period of a fixed_window must divide a day, or be a month: 500/h, "
                     "10000/1d, 100/15m, 50000/month");
    limit.timezone = map.text("timezone", "UTC");
    const YamlNode* zone = map.find("timezone");
    if (zone != nullptr && !fixed) problems.add(zone->at, "\"timezone\" is for a fixed_window only");
    if (!is_time_zone(limit.timezone)) {
        if (zone != nullptr)
            problems.add(zone->at, fmt::format("\"{}\" is not a time zone such as America/Los_Angeles",
                                               limit.timezone));
        limit.timezone = "UTC";
    }
    if (fixed && map.has("burst"))
        problems.add(map.find("burst")->at, "a fixed_window is spent at any pace: it has no \"burst\"");
}

/// A number, or where the answer tells it and what to expect before.
void read_cost(const MapReader& map, Limit& limit, Problems& problems) {
    constexpr Bounds bounds{0, requests_max};
    const YamlNode* node = map.find("cost");
    if (node == nullptr) return;
    if (!node->is_map()) {
        limit.cost = map.whole_number("cost", bounds, 1);
        return;
    }
    const auto told = map.open("cost");
    (void)told->require("from", "where does the answer tell what a request cost?");
    limit.cost_from = told->expression("from");
    limit.cost = told->whole_number("estimate", bounds, 1);
    if (limit.cost_from && !limit.cost_from->parent_names().empty())
        problems.add(told->find("from")->at, "the cost is read from the response: parent.… is not known here");
}

/// adaptive: where the rate begins. A twentieth of the ceiling unless told.
void read_start(const MapReader& map, Limit& limit, Problems& problems) {
    const bool adapts = limit.algorithm == Limit::Algorithm::adaptive;
    limit.start = map.whole_number("start", {1, requests_max}, std::max<std::int64_t>(1, limit.count / 20));
    const YamlNode* start = map.find("start");
    if (start != nullptr && !adapts) problems.add(start->at, "\"start\" is for an adaptive limit only");
    if (adapts && map.has("burst")) problems.add(map.find("burst")->at, "an adaptive limit is evenly spaced: it has no \"burst\"");
    if (adapts && limit.count > 0 && limit.start > limit.count)
        problems.add(map.at(), fmt::format("\"start\" must not be above the rate's {}", limit.count));
}

Limit read_limit(const YamlNode& node, Problems& problems) {
    const MapReader map{node, "limits[]", problems};
    Limit limit;
    if (const YamlNode* name = map.require("name"))
        limit.name = read_name(*name, "name", 40, problems).value_or("");
    limit.match = read_match(map, problems);
    limit.per = choose<Limit::Per>(map.choice("per"),
                                   {{"owner", Limit::Per::owner},
                                    {"key", Limit::Per::key},
                                    {"source", Limit::Per::source}},
                                   Limit::Per::owner);
    read_rate(map, limit, problems);
    read_reserve(map, limit, problems);
    limit.concurrency = map.whole_number("concurrency", {1, 100'000}, 0);
    limit.burst = map.whole_number("burst", {1, requests_max}, 0);
    read_cost(map, limit, problems);
    read_algorithm(map, limit, problems);
    read_start(map, limit, problems);
    if (!map.has("rate") && !map.has("concurrency"))
        problems.add(map.at(), "a limit needs \"rate\" or \"concurrency\"");
    const bool adapts = limit.algorithm == Limit::Algorithm::adaptive;  // to the requests in flight, too
    for (const std::string_view name : {"reserve", "burst", "cost", "algorithm"})
        if (map.has(name) && !map.has("rate") && !(adapts && name == "algorithm"))
            problems.add(map.at(), fmt::format("\"{}\" needs \"rate\"", name));
    if (limit.count > 0 && limit.burst > limit.count)
        problems.add(map.at(),
                     fmt::format("\"burst\" must not be above the rate's {}", limit.count));
    if (limit.count > 0 && limit.cost > limit.count)
        problems.add(map.at(), fmt::format("\"cost\" must not be above the rate's {}", limit.count));
    return limit;
}

/// A header by its name, or a map with `header` in it. Returns the map, where it is one.
std::optional<MapReader> read_header_or_map(const MapReader& map, std::string_view name,
                                            std::string& header) {
    const YamlNode* node = map.find(name);
    if (node == nullptr) return std::nullopt;
    if (!node->is_map()) {
        header = map.header_name(name);
        return std::nullopt;
    }
    auto inner = map.open(name);
    (void)inner->require("header");
    header = inner->header_name("header");
    return inner;
}

/// The limit that `member` of `map` names.
std::optional<std::string> known_limit(const MapReader& map, const YamlNode::Member& member,
                                       const std::vector<Limit>& limits, Problems& problems) {
    std::string limit = map.text(member.name);
    if (limit.empty()) return std::nullopt;
    std::vector<std::string> known;
    for (const Limit& one : limits) known.push_back(one.name);
    if (std::find(known.begin(), known.end(), limit) == known.end())
        problems.add(member.value.at, fmt::format("there is no limit \"{}\"", limit), did_you_mean(limit, known));
    return limit;
}

void read_resource(const MapReader& map, const std::vector<Limit>& limits, Feedback& feedback,
                   Problems& problems) {
    const auto resource = read_header_or_map(map, "resource", feedback.resource);
    if (!resource) return;
    for (const YamlNode::Member& member : resource->node().members) {
        if (member.name == "header") continue;
        if (auto limit = known_limit(*resource, member, limits, problems))
            feedback.resource_names[member.name] = std::move(*limit);
    }
}

/// The limits that the standard headers tell of.
void read_standard(const MapReader& map, const std::vector<Limit>& limits, Feedback& feedback, Problems& problems) {
    feedback.ietf = map.choice("standard") == "ietf";
    if (feedback.ietf)
        for (const std::string_view name : {"limit", "remaining", "reset", "resource"})
            if (map.has(name))
                problems.add(map.find(name)->at, fmt::format("\"standard\" and \"{}\" exclude each other", name));
    const auto policies = map.open("policies");
    if (!policies) return;
    if (!feedback.ietf) problems.add(policies->at(), "\"policies\" needs \"standard: ietf\"");
    for (const YamlNode::Member& member : policies->node().members)
        if (auto limit = known_limit(*policies, member, limits, problems)) feedback.policies[member.name] = std::move(*limit);
}

void read_free(const MapReader& map, Feedback& feedback, Problems& problems) {
    const YamlNode* node = map.find("free");
    if (node == nullptr) return;
    const auto add = [&](const YamlNode& item) {
        if (const auto status = read_whole_number(item, "free", {100, 599}, problems))
            feedback.free.insert(static_cast<int>(*status));
    };
    if (!node->is_sequence()) add(*node);
    for (const YamlNode& item : node->items) add(item);
}

}  // namespace

std::vector<Limit> read_limits(const MapReader& file, Problems& problems) {
    std::vector<Limit> limits;
    const YamlNode* node = file.find("limits");
    if (node == nullptr) return limits;
    if (!node->is_sequence()) {
        problems.add(node->at, "\"limits\" must be a list of maps");
        return limits;
    }
    constexpr std::size_t limits_max = 1'000;
    if (node->items.size() > limits_max) {
        problems.add(node->at, fmt::format("more than {} limits", limits_max));
        return limits;
    }
    for (const YamlNode& item : node->items) {
        if (!item.is_map()) {
            problems.add(item.at, "a limit must be a map such as {name: core, rate: 5000/h}");
            continue;
        }
        Limit limit = read_limit(item, problems);
        for (const Limit& other : limits)
            if (!limit.name.empty() && other.name == limit.name)
                problems.add(item.at, fmt::format("there are two limits \"{}\"", limit.name));
        limits.push_back(std::move(limit));
    }
    return limits;
}

Feedback read_feedback(const MapReader& file, const std::vector<Limit>& limits,
                       Problems& problems) {
    Feedback feedback;
    feedback.retry_after = "retry-after";  // RFC 9110
    const auto map = file.open("feedback");
    if (!map) return feedback;
    feedback.limit = map->header_name("limit");
    feedback.remaining = map->header_name("remaining");
    if (map->has("retry_after")) feedback.retry_after = map->header_name("retry_after");
    const auto reset = read_header_or_map(*map, "reset", feedback.reset);
    using Format = Feedback::ResetFormat;
    if (reset)
        feedback.reset_format = choose<Format>(reset->choice("format"),
                                               {{"epoch", Format::epoch},
                                                {"delta", Format::delta},
                                                {"iso8601", Format::iso8601},
                                                {"http_date", Format::http_date}},
                                               Format::epoch);
    read_resource(*map, limits, feedback, problems);
    read_free(*map, feedback, problems);
    read_standard(*map, limits, feedback, problems);
    return feedback;
}

}  // namespace pawl::core::reading
