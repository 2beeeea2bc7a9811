#include <fmt/format.h>

#include <algorithm>

#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

constexpr std::string_view emit_path = "streams.*.emit[]";

bool sets(const Emit& emit, const std::string& column) {
    return std::any_of(emit.columns.begin(), emit.columns.end(),
                       [&](const Emit::Column& c) { return c.name == column; });
}

void check_append(const MapReader& map, Problems& problems) {
    if (map.has("key"))
        problems.add(map.node().find("key")->at,
                     "\"key\" has no place beside \"merge: append\": every record is a row of its own",
                     "take \"key\" away to append, or \"merge\" to keep one row per key");
    if (map.has("replace_by"))
        problems.add(map.node().find("replace_by")->at,
                     "\"replace_by\" has no place beside \"merge: append\": its rows are never taken away");
}

void check_history(const MapReader& map, Problems& problems) {
    for (const char* field : {"set", "columns"}) {
        const YamlNode* node = map.node().find(field);
        if (node == nullptr || !node->is_map()) continue;
        for (const YamlNode::Member& member : node->members)
            if (member.name == valid_from_column || member.name == valid_to_column)
                problems.add(member.at, fmt::format("\"merge: history\" fills \"{}\" itself", member.name));
    }
}

/// `{newest: $.x}`, `{history: true}`, or both.
void read_merge_map(const YamlNode& merge, Emit& emit, Problems& problems) {
    const MapReader inner{merge, std::string(emit_path) + ".merge", problems};
    emit.merge = Emit::Merge::newest;
    if (inner.has("history")) {
        emit.merge = Emit::Merge::history;
        if (const YamlNode* node = inner.find("history"); node != nullptr && !(node->is_scalar() && node->text == "true"))
            problems.add(node->at, "\"history\" must be true, or not be there");
    } else {
        (void)inner.require("newest");
    }
    emit.newest = inner.expression("newest");
}

/// A word, with `newest: $.x` beside `newest` and, if need be, `history`; or a map.
void read_merge(const MapReader& map, Emit& emit, Problems& problems) {
    const YamlNode* merge = map.find("merge");
    if (merge != nullptr && merge->is_map()) {
        read_merge_map(*merge, emit, problems);
    } else if (merge != nullptr) {
        emit.merge = choose<Emit::Merge>(
            read_choice(*merge, "merge", std::string(emit_path) + ".merge", problems),
            {{"overwrite", Emit::Merge::overwrite},
             {"newest", Emit::Merge::newest},
             {"fill_null", Emit::Merge::fill_null},
             {"append", Emit::Merge::append},
             {"history", Emit::Merge::history}},
            Emit::Merge::overwrite);
        if (merge->text == "newest") {
            (void)map.require("newest", "which value says how new a row is?");
            emit.newest = map.expression("newest");
        }
        if (merge->text == "history" && map.has("newest")) emit.newest = map.expression("newest");
    }
    if (emit.merge == Emit::Merge::history) check_history(map, problems);
    if (map.has("newest") && (merge == nullptr || (merge->text != "newest" && merge->text != "history")))
        problems.add(map.node().find("newest")->at, "\"newest\" needs \"merge: newest\" or \"merge: history\"");
    if (emit.merge == Emit::Merge::append)
        check_append(map, problems);
    else if (map.has("merge") && !map.has("key"))
        problems.add(map.node().find("merge")->at,
                     "\"merge\" needs \"key\": a table without one is replaced as a whole");
}

void read_set(const MapReader& map, Emit& emit, Problems& problems) {
    emit.infer = !map.has("set");
    const auto set = map.open("set");
    if (!set) return;
    if (set->node().members.empty()) problems.add(set->at(), "\"set\" is empty");
    for (const YamlNode::Member& member : set->node().members) {
        if (!is_name(member.name, 63))
            problems.add(member.at,
                         fmt::format("column \"{}\" must be lower-case letters, digits and _, "
                                     "beginning with a letter (at most 63 bytes)",
                                     member.name));
        else if (auto value = set->expression(member.name))
            emit.columns.push_back({member.name, std::move(*value)});
    }
}

/// With `replace_by` alone, what is absent is deleted.
void read_absent(const MapReader& map, Emit& emit, Problems& problems) {
    using Absent = Emit::Absent;
    const auto word = map.choice("absent");
    const bool ends = emit.merge == Emit::Merge::history;
    const Absent unsaid = emit.replace_by.empty() ? Absent::keep : ends ? Absent::mark : Absent::remove;
    emit.absent = choose<Absent>(word, {{"keep", Absent::keep}, {"mark", Absent::mark}, {"delete", Absent::remove}}, unsaid);
    if (!word) return;
    const Position at = map.node().find("absent")->at;
    if (emit.merge == Emit::Merge::append)
        problems.add(at, "\"absent\" has no place beside \"merge: append\": its rows are never taken away");
    else if (!map.has("key"))
        problems.add(at, "\"absent\" needs \"key\": a table without one is replaced as a whole");
    else if (ends && emit.absent == Absent::remove)
        problems.add(at, "with history nothing is deleted: \"absent: mark\" ends the row that is absent");
    else if (emit.absent == Absent::keep && !emit.replace_by.empty())
        problems.add(at, "\"absent: keep\" and \"replace_by\" exclude each other");
}

/// True when all columns could be read, so that checks on them tell something new.
bool is_complete(const MapReader& map, const Emit& emit) {
    const YamlNode* set = map.node().find("set");
    return set != nullptr && set->is_map() && !emit.columns.empty() &&
           set->members.size() == emit.columns.size();
}

void check_key(const MapReader& map, const Emit& emit, Problems& problems) {
    if (!is_complete(map, emit)) return;
    std::vector<std::string> columns;
    for (const Emit::Column& column : emit.columns) columns.push_back(column.name);
    for (const std::string& name : emit.key)
        if (!sets(emit, name))
            problems.add(map.node().find("key")->at,
                         fmt::format("key column \"{}\" is not in \"set\"", name),
                         did_you_mean(name, columns));
}

void check_replace_by(const MapReader& map, const Emit& emit, Problems& problems) {
    if (emit.replace_by.empty() || emit.merge == Emit::Merge::append) return;
    const Position at = map.node().find("replace_by")->at;
    if (emit.key.empty() && !map.has("key"))
        problems.add(at,
                     "\"replace_by\" needs \"key\": a table without one is replaced as a whole");
    if (!map.has("set")) {
        problems.add(at, "\"replace_by\" needs \"set\"");
        return;
    }
    if (!is_complete(map, emit)) return;
    for (const std::string& name : emit.replace_by) {
        const auto column = std::find_if(emit.columns.begin(), emit.columns.end(),
                                         [&](const Emit::Column& c) { return c.name == name; });
        if (column == emit.columns.end())
            problems.add(at,
                         fmt::format("\"replace_by\" names \"{}\", which is not in \"set\"", name));
        else if (column->value.uses_record())
            problems.add(at,
                         fmt::format("\"replace_by\" names \"{}\", which differs from record to "
                                     "record: {}",
                                     name, column->value.text()),
                         "it must be known for the page as a whole: from $$, parent or list");
    }
}

std::vector<std::string> read_key_columns(const YamlNode& node, Problems& problems) {
    constexpr std::size_t columns_max = 32;  // of an index of Postgres (INDEX_MAX_KEYS)
    auto columns = read_names(node, "key", problems);
    if (columns.size() <= columns_max) return columns;
    problems.add(node.at, fmt::format("\"key\" has {} columns, and a key of Postgres has at most {}", columns.size(), columns_max));
    return {};
}

Emit read_emit(const YamlNode& node, Problems& problems) {
    const MapReader map{node, std::string(emit_path), problems};
    Emit emit;
    if (const YamlNode* table = map.require("table"))
        emit.table = read_name(*table, "table", 63, problems).value_or("");
    if (const YamlNode* key = map.find("key")) emit.key = read_key_columns(*key, problems);
    emit.each = map.records_path("each");
    read_set(map, emit, problems);
    read_merge(map, emit, problems);
    if (const YamlNode* columns = map.find("replace_by"))
        emit.replace_by = read_names(*columns, "replace_by", problems);
    read_absent(map, emit, problems);
    if (emit.each && emit.each->yields_parts() && emit.infer)
        problems.add(map.find("each")->at, "the parts of split() need \"set\": they are $, without fields");
    check_key(map, emit, problems);
    check_replace_by(map, emit, problems);
    return emit;
}

/// `columns: {stars: bigint}`: types that are not left to the data.
void read_types(const MapReader& stream, Emit& emit, Problems& problems) {
    const auto columns = stream.open("columns");
    if (!columns) return;
    if (columns->node().members.empty()) problems.add(columns->at(), "\"columns\" is empty");
    for (const YamlNode::Member& member : columns->node().members) {
        const YamlNode* value = columns->find(member.name);
        if (member.name.empty() || member.name.starts_with("_pawl_")) {
            problems.add(member.at, fmt::format("\"{}\" cannot be the name of a column", member.name));
        } else if (value != nullptr) {
            const auto type = value->is_scalar() ? parse_column_type(value->text) : std::nullopt;
            if (type)
                emit.types.push_back({member.name, *type});
            else
                problems.add(value->at,
                             fmt::format("\"{}\" must be a type: {}; not {}", member.name, enumerate(column_type_names(), "or"),
                                         value->is_scalar() ? "\"" + value->text + "\"" : "a list or map"),
                             value->is_scalar() ? did_you_mean(value->text, column_type_names()) : "");
        }
    }
    std::sort(emit.types.begin(), emit.types.end(), [](const auto& a, const auto& b) { return a.field < b.field; });
}

bool is_word(const YamlNode* node, std::string_view word) { return node != nullptr && node->is_scalar() && node->text == word; }

/// `key: id`, or `merge: append`, makes one table of the stream's name.
Emit read_short_form(const MapReader& stream, const std::string& name, Problems& problems) {
    Emit emit;
    emit.table = name;
    emit.infer = true;
    if (const YamlNode* key = stream.find("key")) emit.key = read_key_columns(*key, problems);
    read_merge(stream, emit, problems);
    read_absent(stream, emit, problems);
    read_types(stream, emit, problems);
    return emit;
}

}  // namespace

std::vector<Emit> read_emits(const MapReader& stream, const std::string& name, Problems& problems) {
    std::vector<Emit> emits;
    if (!stream.has("emit")) {
        if (!stream.has("key") && !is_word(stream.node().find("merge"), "append"))
            problems.add(stream.at(), "\"key\" or \"emit\" is missing: where do the records go?");
        else
            emits.push_back(read_short_form(stream, name, problems));
        return emits;
    }
    for (const std::string_view field : {"key", "merge", "newest", "absent"})
        if (stream.has(field))
            problems.add(stream.node().find(field)->at,
                         fmt::format("\"{}\" belongs into \"emit\" here", field));
    if (stream.has("columns"))
        problems.add(stream.node().find("columns")->at, "\"columns\" is for the short form",
                     "with \"emit\", types stand in \"set\": stars: \"$.stars as bigint\"");
    const YamlNode* node = stream.find("emit");
    if (node == nullptr) return emits;
    if (node->is_map()) {
        emits.push_back(read_emit(*node, problems));
        return emits;
    }
    if (!node->is_sequence() || node->items.empty()) {
        problems.add(
            node->at,
            "\"emit\" must be a map such as {table: …, key: …, set: …}, or a list of these");
        return emits;
    }
    for (const YamlNode& item : node->items) {
        if (item.is_map())
            emits.push_back(read_emit(item, problems));
        else
            problems.add(item.at,
                         "an entry of \"emit\" must be a map such as {table: …, key: …, set: …}");
    }
    return emits;
}

}  // namespace pawl::core::reading
