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

void add_placeholders(const Template& text, std::vector<std::string>& names) {
    for (const Template::Part& part : text.parts()) {
        if (part.name.empty() || part.name.starts_with("list.")) continue;
        add_once(names, part.name.starts_with("parent.") ? part.name.substr(7) : part.name);
    }
}

std::vector<std::string> parent_columns_of(const Stream& stream) {
    std::vector<std::string> names;
    if (stream.foreach_.kind != Foreach::Kind::stream &&
        stream.foreach_.kind != Foreach::Kind::table)
        return names;
    add_placeholders(stream.url, names);
    for (const auto& [name, value] : stream.query) add_placeholders(value, names);
    for (const auto& [name, value] : stream.headers) add_placeholders(value, names);
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
    return {{"kind", static_cast<int>(p.kind)},
            {"next", text_of(p.next)},
            {"into_query", p.into_query},
            {"more", text_of(p.more)},
            {"param", p.param},
            {"size_param", p.size_param},
            {"start", p.start},
            {"size", p.size},
            {"last", text_of(p.last)},
            {"max_pages", p.max_pages},
            {"on_max", static_cast<int>(p.on_max)}};
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

/// Canonical: members sorted by name, no blanks. Bytes that are no text (from variables) are
/// replaced.
std::string hash_of(const json& description) {
    return sha256_hex(description.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string request_hash_of(const Stream& stream) {
    return hash_of({{"method", stream.method},
                    {"url", stream.url.text()},
                    {"query", sorted(stream.query, false)},
                    {"headers", sorted(stream.headers, true)},
                    {"paginate", describe(stream.paginate)}});
}

std::string mapping_hash_of(const Stream& stream) {
    json emits = json::array();
    for (const Emit& emit : stream.emits) emits.push_back(describe(emit));
    return hash_of({{"decode", static_cast<int>(stream.decode)},
                    {"records", text_of(stream.records)},
                    {"split", stream.text_records.split},
                    {"match", stream.text_records.match},
                    {"emits", emits}});
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
    if (stream.expect) all.push_back(stream.expect->count);
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
