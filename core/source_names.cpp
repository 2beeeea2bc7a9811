#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/characters.hpp"
#include "core/identity.hpp"
#include "core/source_parts.hpp"
#include "core/stream_projection.hpp"

namespace pawl::core::reading {

namespace {

using nlohmann::json;

void add_once(std::vector<std::string>& names, std::string name) {
    if (std::find(names.begin(), names.end(), name) == names.end())
        names.push_back(std::move(name));
}

void add_placeholders(const Foreach& foreach_, const Template& text, std::vector<std::string>& names) {
    for (const auto& [name, needed] : text.names()) {
        if (name.starts_with("list.") || foreach_.is_listed(name)) continue;
        add_once(names, name.starts_with("parent.") ? name.substr(7) : name);
    }
}

std::vector<std::string> parent_columns_of(const Stream& stream) {
    std::vector<std::string> names;
    if (stream.foreach_.kind != Foreach::Kind::stream &&
        stream.foreach_.kind != Foreach::Kind::table)
        return names;
    add_placeholders(stream.foreach_, stream.url, names);
    for (const auto& [name, value] : stream.query) add_placeholders(stream.foreach_, value, names);
    for (const auto& [name, value] : stream.headers) add_placeholders(stream.foreach_, value, names);
    std::vector<Template> in_body;
    stream.body.root.add_templates(in_body);
    for (const Template& text : in_body) add_placeholders(stream.foreach_, text, names);
    for (const Expression& expression : expressions_of(stream))
        for (std::string& name : expression.parent_names()) add_once(names, std::move(name));
    return names;
}

/// `header.x_total` is the response header x-total: expressions write _ for -.
std::vector<std::string> header_names_of(const Stream& stream) {
    std::vector<std::string> names;
    for (const Expression& expression : expressions_of(stream))
        for (std::string name : expression.header_names()) {
            std::replace(name.begin(), name.end(), '_', '-');
            add_once(names, lower(name));
        }
    return names;
}

json text_of(const std::optional<Expression>& expression) {
    return expression ? json(expression->text()) : json(nullptr);
}

/// Sorted, because neither YAML nor HTTP gives the order a meaning here.
json sorted(const NamedTemplates& entries, bool headers) {
    json all = json::object();
    for (const auto& [name, value] : entries) {
        const std::string key = headers ? lower(name) : name;
        // Who asks does not change what is asked: a new token or contact address starts no new
        // walk.
        if (headers && (key == "authorization" || key == "cookie" || key == "user-agent")) continue;
        all[key] = value.text();
    }
    return all;
}

json describe(const Pagination& p) {
    json paginate = {{"kind", static_cast<int>(p.kind)},
            {"next", text_of(p.next)},
            {"into_query", p.into.text()},
            {"more", text_of(p.more)},
            {"param", p.param.text()},
            {"size_param", p.size_param.text()},
            {"start", p.start},
            {"size", p.size},
            {"last", text_of(p.last)},
            {"max_pages", p.max_pages},
            {"on_max", static_cast<int>(p.on_max)}};
    if (p.stop_when) paginate["stop_when"] = p.stop_when->text();
    if (p.last_id) paginate["last_id"] = true;
    return paginate;
}

json describe(const Emit& emit) {
    json columns = json::object();
    for (const Emit::Column& column : emit.columns) columns[column.name] = column.value.text();
    json described{{"table", emit.table},
                   {"key", emit.key},
                   {"each", text_of(emit.each)},
                   {"columns", columns},
                   {"infer", emit.infer},
                   {"merge", static_cast<int>(emit.merge)},
                   {"newest", text_of(emit.newest)},
                   {"replace_by", emit.replace_by}};
    // Only where it is said: a file that does not say it keeps the hash it had before this could be said.
    if (emit.sweeps()) described["absent"] = static_cast<int>(emit.absent);
    for (const Emit::Type& type : emit.types) described["types"][type.field] = to_string(type.type);
    return described;
}

/// Only what a stream uses, so that the hashes of streams that do not use it stay as they were.
void add_decoding(const Stream& stream, json& description) {
    const CsvOptions& csv = stream.csv;
    if (stream.decode == Stream::Decode::csv)
        description["csv"] = {std::string(1, csv.delimiter), std::string(1, csv.quote), csv.header, csv.skip};
    if (stream.decode == Stream::Decode::xml) description["xml"] = {stream.xml.lists, stream.records_element};
    if (stream.row_columns) description["columns"] = {text_of(stream.row_columns->path), stream.row_columns->names};
}

/// Canonical: members sorted by name, no blanks. Bytes that are no text (from variables) are
/// replaced.
std::string hash_of(const json& description) {
    return sha256_hex(description.dump(-1, ' ', false, json::error_handler_t::replace));
}

/// `lookback` and the order of windows decide what is asked next, not what a walk that is under way asks.
json describe(const Incremental& i) {
    return {{"kind", static_cast<int>(i.kind)},
            {"field", text_of(i.field)},
            {"into", {i.into.text(), i.from_into.text(), i.to_into.text()}},
            {"written", {i.numeric, i.hex, i.format ? i.format->write(0, nullptr) : "", i.granularity, i.inclusive}},
            {"lookback", i.kind == Incremental::Kind::window ? 0 : i.lookback},
            {"start", i.start.value_or(0)}};
}

json describe(const BodyNode& node) {
    switch (node.kind) {
        case BodyNode::Kind::json: return {"json", node.text};
        case BodyNode::Kind::text: return {"text", node.filled.text()};
        case BodyNode::Kind::array:
        case BodyNode::Kind::object: break;
    }
    json members = json::array();
    for (const auto& [name, value] : node.members) members.push_back({name, describe(value)});
    return members;
}

/// What a stream does not use is left out, so that its hash stays what it was before there was such a thing.
std::string request_hash_of(const Stream& stream) {
    json request = {{"method", stream.method},
                    {"url", stream.url.text()},
                    {"query", sorted(stream.query, false)},
                    {"headers", sorted(stream.headers, true)},
                    {"paginate", describe(stream.paginate)}};
    if (stream.incremental) request["incremental"] = describe(*stream.incremental);
    if (stream.body.kind != RequestBody::Kind::none)
        request["body"] = {static_cast<int>(stream.body.kind), describe(stream.body.root)};
    return hash_of(request);
}

std::string mapping_hash_of(const Stream& stream) {
    json emits = json::array();
    for (const Emit& emit : stream.emits) emits.push_back(describe(emit));
    json description = {{"decode", static_cast<int>(stream.decode)},
                        {"records", text_of(stream.records)},
                        {"split", stream.text_records.split},
                        {"match", stream.text_records.match},
                        {"emits", emits}};
    add_decoding(stream, description);
    return hash_of(description);
}

}  // namespace

std::vector<Expression> expressions_of(const Stream& stream) {
    std::vector<Expression> all;
    const auto add = [&](const std::optional<Expression>& expression) {
        if (expression) all.push_back(*expression);
    };
    add(stream.records);
    add(stream.paginate.next);
    add(stream.paginate.more);
    add(stream.paginate.last);
    add(stream.paginate.stop_when);
    if (stream.expect) all.push_back(stream.expect->count);
    if (stream.incremental) {
        add(stream.incremental->field);
        add(stream.incremental->end_value);
    }
    for (const Emit& emit : stream.emits) {
        add(emit.each);
        add(emit.newest);
        for (const Emit::Column& column : emit.columns) all.push_back(column.value);
    }
    return all;
}

void complete_stream(Stream& stream, const std::vector<Limit>& limits) {
    stream.parent_columns = parent_columns_of(stream);
    stream.header_names = header_names_of(stream);
    stream.request_hash = request_hash_of(stream);
    stream.mapping_hash = mapping_hash_of(stream);
    stream.rows_wanted = projection_for_rows(stream);
    stream.paging_wanted = projection_for_paging(stream, limits);
}

}  // namespace pawl::core::reading
