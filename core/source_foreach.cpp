#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "core/decimal.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

/// Values of variables may hold any bytes: what is not UTF-8 becomes U+FFFD.
std::string json_text(const std::string& text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// Plain numbers keep their digits, everything else is text.
std::string json_value(const YamlNode& scalar) {
    const bool number = !scalar.quoted && is_json_number(scalar.text);
    return number ? scalar.text : json_text(scalar.text);
}

/// `{a: 5, b: x}` as JSON object text; nothing when an entry is no plain value.
std::optional<std::string> json_entry(const YamlNode& map, Problems& problems) {
    std::string text;
    for (const YamlNode::Member& member : map.members) {
        if (!member.value.is_scalar()) {
            if (member.value.kind != YamlNode::Kind::invalid)
                problems.add(
                    member.at,
                    fmt::format("\"{}\" must be a value: maps in \"list\" are flat", member.name));
            return std::nullopt;
        }
        text += text.empty() ? "{" : ", ";
        text += json_text(member.name) + ": " + json_value(member.value);
    }
    if (text.empty()) {
        problems.add(map.at, "an entry of \"list\" is empty");
        return std::nullopt;
    }
    return text + "}";
}

class ListReader {
  public:
    ListReader(const MapReader& map, Problems& problems) : map_(map), problems_(problems) {
        if (const YamlNode* as = map.find("as"))
            as_ = read_name(*as, "as", 63, problems).value_or("");
    }

    void read(Foreach::Factor& factor) {
        const YamlNode* list = map_.find("list");
        if (list == nullptr) return;
        if (!list->is_sequence() || list->items.empty()) {
            problems_.add(list->at, "\"list\" must be a list with entries in it");
            return;
        }
        std::set<std::string> seen;  // the same entry twice is asked for once
        for (const YamlNode& item : list->items)
            if (auto entry = read_entry(item); entry && seen.insert(*entry).second)
                factor.list.push_back(std::move(*entry));
    }

  private:
    std::optional<std::string> read_entry(const YamlNode& item) {
        if (item.is_map()) {
            if (!as_.empty() && as_ != "list")
                report_once(
                    item,
                    "\"as\" is for lists of plain values: the values of a map are {list.NAME}");
            return json_entry(item, problems_);
        }
        if (item.is_scalar()) {
            if (!map_.has("as"))
                report_once(
                    item,
                    "\"as\" is missing: what is a value of \"list\" called in {placeholders}?");
            if (as_.empty()) return std::nullopt;
            return "{" + json_text(as_) + ": " + json_value(item) + "}";
        }
        if (item.kind != YamlNode::Kind::invalid)
            problems_.add(item.at, "an entry of \"list\" must be a value or a flat map");
        return std::nullopt;
    }

    void report_once(const YamlNode& item, std::string message) {
        if (!reported_) problems_.add(item.at, std::move(message));
        reported_ = true;
    }

    const MapReader& map_;
    Problems& problems_;
    std::string as_;
    bool reported_ = false;
};

/// `"{lower(login)}/{name}"` is a template, `user_id` and `[a, b]` are columns.
void read_key(const MapReader& map, Foreach& foreach_, Problems& problems) {
    const YamlNode* key = map.find("key");
    if (key == nullptr) return;
    if (!key->is_scalar() || key->text.find('{') == std::string::npos) {
        foreach_.key_columns = read_names(*key, "key", problems);
        return;
    }
    foreach_.key_template = read_template(*key, "key", problems);
    if (!foreach_.key_template) return;
    for (const Template::Part& part : foreach_.key_template->parts())
        if (part.value && !part.plain)  // Postgres makes it, in the transaction of the parent's row
            problems.add(key->position_of(part.column),
                         fmt::format("\"key\": {{{}}} is more than lower(), upper() or trim() of a column",
                                     part.value->text()));
}

void read_rows(const MapReader& map, Foreach& foreach_, Problems& problems) {
    foreach_.kind = map.has("stream") ? Foreach::Kind::stream : Foreach::Kind::table;
    if (const YamlNode* stream = map.find("stream"))
        foreach_.stream = read_name(*stream, "stream", 63, problems).value_or("");
    if (const YamlNode* table = map.find("table"))
        foreach_.table = read_name(*table, "table", 63, problems).value_or("");
    read_key(map, foreach_, problems);
    foreach_.where = map.text("where");
    foreach_.order = map.text("order");
}

constexpr std::int64_t range_number_max = 1'000'000'000'000'000;
constexpr std::int64_t entries_max = 10'000'000;  // partitions that the file itself makes

void read_range(const MapReader& map, Foreach::Factor& factor, Problems& problems) {
    const auto range = map.open("range");
    if (!range) return;
    auto& read = factor.range.emplace();
    const YamlNode* as = map.find("as");
    read.as = as == nullptr ? "n" : read_name(*as, "as", 63, problems).value_or("n");
    if (read.as == "end") problems.add(as->at, "\"end\" is the last number of a step: call the first one otherwise");
    (void)range->require("from", "which is the first number?");
    (void)range->require("to", "which is the last number?");
    read.from = range->whole_number("from", {-range_number_max, range_number_max}, 0);
    read.to = range->whole_number("to", {-range_number_max, range_number_max}, read.from);
    read.step = range->whole_number("step", {1, range_number_max}, 1);
    if (read.to < read.from) problems.add(range->at(), fmt::format("a range from {} to {} is empty", read.from, read.to));
}

bool has_rows(const MapReader& map) { return map.has("stream") || map.has("table"); }

/// One source of partitions: rows, a list, or a range.
void read_part(const YamlNode& node, const std::string& place, Foreach& foreach_, Problems& problems) {
    const MapReader map{node, "streams.*.foreach", problems};
    if (has_rows(map)) {
        for (const std::string_view other : {"list", "range"})
            if (map.has(other))
                problems.add(node.at, fmt::format("\"{}\" cannot stand beside \"stream\" or \"table\"", other),
                             fmt::format("to combine them, write a list: foreach: [{{stream: …}}, {{{}: …}}]", other));
        if (map.has("as")) problems.add(map.at(), "\"as\" is for \"list\" and \"range\" only");
        read_rows(map, foreach_, problems);
        return;
    }
    const auto which = map.one_of({"list", "range"});
    if (!which) {
        problems.add(node.at, "\"list\", \"range\", \"stream\" or \"table\" is missing");
        return;
    }
    for (const std::string_view name : {"key", "where", "order"})
        if (map.has(name))
            problems.add(map.at(), fmt::format("\"{}\" is for \"stream\" and \"table\" only", name));
    Foreach::Factor& factor = foreach_.factors.emplace_back();
    factor.place = place;
    if (foreach_.kind == Foreach::Kind::once) foreach_.kind = Foreach::Kind::list;
    if (which == "list") ListReader{map, problems}.read(factor);
    if (which == "range") read_range(map, factor, problems);
}

/// Two lists that give a value the same name would hide one of them.
void check_names_differ(const YamlNode& node, const Foreach& foreach_, Problems& problems) {
    std::set<std::string> seen;
    for (const Foreach::Factor& factor : foreach_.factors)
        for (const std::string& name : factor.names())
            if (!seen.insert(name).second)
                problems.add(node.at, fmt::format("two parts of \"foreach\" have a value \"{}\"", name), "name one otherwise: as: …");
}

}  // namespace

Foreach read_foreach(const YamlNode& node, Problems& problems) {
    Foreach foreach_;
    if (!node.is_map() && !node.is_sequence()) {
        problems.add(node.at, "\"foreach\" must be a map such as {list: [1, 2], as: id}, or a list of these");
        return foreach_;
    }
    if (node.is_map()) {
        read_part(node, "", foreach_, problems);
    } else {
        int rows = 0;
        for (std::size_t i = 0; i < node.items.size(); ++i) {
            const YamlNode& item = node.items[i];
            if (!item.is_map()) {
                problems.add(item.at, "a part of \"foreach\" must be a map such as {list: [1, 2], as: id}");
                continue;
            }
            if (item.find("stream") != nullptr || item.find("table") != nullptr) ++rows;
            if (rows > 1)
                problems.add(item.at, "only one part of \"foreach\" can be rows of a stream or table",
                             "let a stream between them combine the two");
            else
                read_part(item, std::to_string(i), foreach_, problems);
        }
        if (node.items.empty()) problems.add(node.at, "\"foreach\" is empty");
        check_names_differ(node, foreach_, problems);
    }
    if (foreach_.entries() > entries_max)
        problems.add(node.at, fmt::format("\"foreach\" makes more than {} partitions", entries_max));
    return foreach_;
}

}  // namespace pawl::core::reading
