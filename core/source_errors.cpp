#include <fmt/format.h>

#include "core/characters.hpp"
#include "core/duration.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

constexpr Word<Verdict> verdicts[] = {
    {"page", Verdict::page},
    {"retry", Verdict::retry},
    {"rate_limited", Verdict::rate_limited},
    {"quarantine_key", Verdict::quarantine_key},
    {"gone", Verdict::gone},
    {"cursor_expired", Verdict::cursor_expired},
    {"empty", Verdict::empty},
    {"truncated", Verdict::truncated},
    {"fail", Verdict::fail},
};

using Range = std::pair<int, int>;

// An API that stumbles refuses a good key once; it must not cost a quarter of the quota until a person looks.
constexpr int key_confirm = 2;

/// `404`, or `5xx` for all that begin with 5.
std::optional<Range> parse_status(std::string_view text) {
    if (text.size() == 3 && text.ends_with("xx") && text[0] >= '1' && text[0] <= '5') {
        const int hundreds = (text[0] - '0') * 100;
        return Range{hundreds, hundreds + 99};
    }
    const auto number = parse_whole_number(text);
    if (!number || *number < 100 || *number > 599) return std::nullopt;
    return Range{static_cast<int>(*number), static_cast<int>(*number)};
}

void add_status(const YamlNode& node, std::vector<Range>& ranges, Problems& problems) {
    const auto range = node.is_scalar() ? parse_status(node.text) : std::nullopt;
    if (range)
        ranges.push_back(*range);
    else if (node.kind != YamlNode::Kind::invalid)
        problems.add(node.at, fmt::format("\"status\" must be a status from 100 to 599, or such as "
                                          "5xx, or a list of these, not \"{}\"",
                                          node.text));
}

void read_status(const MapReader& map, ErrorRule& rule, Problems& problems) {
    const YamlNode* node = map.find("status");
    if (node == nullptr) return;
    if (!node->is_sequence()) return add_status(*node, rule.status, problems);
    if (node->items.empty()) problems.add(node->at, "\"status\" is empty");
    for (const YamlNode& item : node->items) add_status(item, rule.status, problems);
}

/// `retry-after`, or `{x-ratelimit-remaining: "0"}`.
void read_header(const MapReader& map, ErrorRule& rule, Problems& problems) {
    const YamlNode* node = map.find("header");
    if (node == nullptr) return;
    if (!node->is_map()) {
        rule.header = map.header_name("header");
        return;
    }
    if (node->members.size() != 1) {
        problems.add(node->at, "\"header\" must be one name, or one {name: value}");
        return;
    }
    const YamlNode::Member& member = node->members.front();
    const YamlNode name{.kind = YamlNode::Kind::scalar, .at = member.at, .text = member.name};
    rule.header = lower(read_header_name(name, "header", problems).value_or(""));
    if (member.value.is_scalar())
        rule.header_value = member.value.text;
    else
        problems.add(member.at, fmt::format("\"{}\" must be text", member.name));
}

void read_wait(const MapReader& map, ErrorRule& rule, Problems& problems) {
    const YamlNode* node = map.find("wait");
    if (node == nullptr) return;
    const auto range = node->is_scalar() ? parse_duration_range(node->text) : std::nullopt;
    if (range && range->first.count() > 0) {
        rule.wait_min = range->first;
        rule.wait_max = range->second;
        return;
    }
    problems.add(node->at,
                 fmt::format("\"wait\" must be a duration such as 30s or a range such as 2s..10m, "
                             "not \"{}\"",
                             node->text));
}

ErrorRule read_rule(const YamlNode& node, Problems& problems) {
    const MapReader map{node, "errors[]", problems};
    ErrorRule rule;
    read_status(map, rule, problems);
    rule.body = map.text("body");
    read_header(map, rule, problems);
    (void)map.require("do", "what is to be done?");
    rule.verdict = choose(map.choice("do"), verdicts, Verdict::retry);
    rule.attempts = static_cast<int>(map.whole_number("attempts", {1, 1000}, rule.attempts));
    read_wait(map, rule, problems);
    if (rule.verdict == Verdict::quarantine_key) rule.confirm = key_confirm;
    rule.confirm = static_cast<int>(map.whole_number("confirm", {1, 10}, rule.confirm));
    if (!map.has("status") && !map.has("body") && !map.has("header"))
        problems.add(map.at(),
                     "a rule needs \"status\", \"body\" or \"header\": it would match everything");
    if (map.has("confirm") && map.has("do") && rule.verdict != Verdict::gone && rule.verdict != Verdict::quarantine_key)
        problems.add(map.at(), "\"confirm\" is for \"do: gone\" and \"do: quarantine_key\" only");
    return rule;
}

ErrorRule rule_for(std::vector<Range> status, Verdict verdict, std::string header = "") {
    ErrorRule rule;
    rule.status = std::move(status);
    rule.verdict = verdict;
    rule.header = std::move(header);
    if (verdict == Verdict::quarantine_key) rule.confirm = key_confirm;
    return rule;
}

}  // namespace

std::vector<ErrorRule> read_errors(const MapReader& file, Problems& problems) {
    std::vector<ErrorRule> rules;
    const YamlNode* node = file.find("errors");
    if (node == nullptr) return rules;
    if (!node->is_sequence()) {
        problems.add(node->at, "\"errors\" must be a list of maps");
        return rules;
    }
    for (const YamlNode& item : node->items) {
        if (item.is_map())
            rules.push_back(read_rule(item, problems));
        else
            problems.add(item.at, "a rule must be a map such as {status: 404, do: gone}");
    }
    return rules;
}

std::vector<ErrorRule> default_errors(bool has_credentials, const std::string& retry_after) {
    std::vector<ErrorRule> rules;
    rules.push_back(rule_for({{429, 429}}, Verdict::rate_limited));
    rules.push_back(rule_for({{403, 403}}, Verdict::rate_limited, retry_after));
    rules.push_back(
        rule_for({{401, 401}}, has_credentials ? Verdict::quarantine_key : Verdict::fail));
    rules.push_back(rule_for({{410, 410}}, Verdict::cursor_expired));  // what is gone says so again on page one
    rules.push_back(rule_for({{404, 404}, {410, 410}, {451, 451}}, Verdict::gone));
    rules.push_back(rule_for({{204, 204}}, Verdict::empty));
    rules.push_back(rule_for({{408, 408}, {500, 599}}, Verdict::retry));
    rules.push_back(rule_for({{400, 499}}, Verdict::fail));
    return rules;
}

}  // namespace pawl::core::reading
