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

    void read(Foreach& foreach_) {
        foreach_.kind = Foreach::Kind::list;
        foreach_.as = as_;
        const YamlNode* list = map_.find("list");
        if (list == nullptr) return;
        if (!list->is_sequence() || list->items.empty()) {
            problems_.add(list->at, "\"list\" must be a list with entries in it");
            return;
        }
        std::set<std::string> seen;  // the same entry twice is asked for once
        for (const YamlNode& item : list->items)
            if (auto entry = read_entry(item); entry && seen.insert(*entry).second)
                foreach_.list.push_back(std::move(*entry));
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

}  // namespace

Foreach read_foreach(const YamlNode& node, Problems& problems) {
    Foreach foreach_;
    if (node.is_sequence()) {
        problems.add(node.at, not_supported("foreach: […]"));
        return foreach_;
    }
    if (!node.is_map()) {
        problems.add(node.at, "\"foreach\" must be a map such as {list: [1, 2], as: id}");
        return foreach_;
    }
    const MapReader map{node, "streams.*.foreach", problems};
    const bool rows = map.has("stream") || map.has("table");
    if (map.has("list") && rows) {
        problems.add(node.at, not_supported("list together with stream or table"));
    } else if (map.has("list")) {
        ListReader{map, problems}.read(foreach_);
    } else if (rows) {
        read_rows(map, foreach_, problems);
    } else if (!map.has("range")) {
        problems.add(node.at, "\"list\", \"stream\" or \"table\" is missing");
    }
    for (const std::string_view name : {"key", "where", "order"})
        if (map.has(name) && map.has("list"))
            problems.add(map.at(),
                         fmt::format("\"{}\" is for \"stream\" and \"table\" only", name));
    if (map.has("as") && !map.has("list") && rows)
        problems.add(map.at(), "\"as\" is for \"list\" only");
    return foreach_;
}

}  // namespace pawl::core::reading
