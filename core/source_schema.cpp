#include "core/source_schema.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "core/duration.hpp"
#include "core/field_table.hpp"

namespace pawl::core {

namespace {

using Schema = nlohmann::ordered_json;

/// What a value may be, of which the words for people in the table's column `type` are made.
enum class Shape : std::uint8_t {
    text,          // any scalar: YAML reads 5 as a number where pawl takes a text
    name,          // a text, and no number
    url,
    number,
    whole,         // a scalar that may be a number or a text, as a time is
    share,
    duration,
    duration_range,
    rate,
    status,
    map,           // of the rows below
    maps,          // a list of those
    list,          // of anything
    names,         // a list of texts
    statuses,
    anything,
    type_word,     // one of the choices of `type` below, where there is such a row, else a text
};

const std::map<std::string_view, std::vector<Shape>>& shapes_of_words() {
    using enum Shape;
    static const std::map<std::string_view, std::vector<Shape>> words{
        {"any", {anything}},
        {"character", {text}},
        {"character or none", {text}},
        {"column or list of columns", {name, names}},
        {"cron", {name}},
        {"duration", {duration}},
        {"duration or number", {whole}},
        {"duration or range", {duration_range}},
        {"expression", {text}},
        {"expression or list of names", {text, names}},
        {"expression or map", {text, map}},
        {"glob", {name}},
        {"header name", {name}},
        {"header name or map", {name, map}},
        {"iso8601, number", {name}},
        {"limit", {name}},
        {"list", {list}},
        {"list of maps", {maps}},
        {"list of names", {names}},
        {"list of scopes", {name, names}},
        {"list of statuses", {statuses}},
        {"list of streams", {name, names}},
        {"map", {map}},
        {"map or list of maps", {map, maps}},
        {"name", {name}},
        {"number", {number}},
        {"number or map", {number, map}},
        {"parameter name", {name}},
        {"path", {name}},
        {"query.NAME or body.PATH", {name}},
        {"rate", {rate}},
        {"regular expression", {text}},
        {"share", {share}},
        {"SQL", {name}},
        {"status, 5xx, or list", {status, statuses}},
        {"stream", {name}},
        {"table", {name}},
        {"template", {text}},
        {"template, column, or list of columns", {name, names}},
        {"text", {text}},
        {"text or map", {type_word, map}},
        {"type", {name}},
        {"time format, number, hex", {name}},
        {"time or number", {whole}},
        {"time zone", {name}},
        {"time, number or expression", {whole}},
        {"URL", {url}},
    };
    return words;
}

constexpr std::string_view span = "([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?";  // largest first

Schema schema_of(const Field& field);

Schema variable() { return {{"$ref", "#/definitions/variable"}}; }
Schema pattern(const std::string& text) { return {{"type", "string"}, {"pattern", "^" + text + "$"}}; }
Schema status() {
    return {{"anyOf", {{{"type", "integer"}, {"minimum", 100}, {"maximum", 599}}, pattern("[1-5](xx|[0-9]{2})")}}};
}
Schema array_of(Schema item) { return {{"type", "array"}, {"items", std::move(item)}}; }

/// Keys that are not in the table are errors, unless the table has `*`, or says nothing of what is in the map.
Schema map_below(const Field& field) {
    Schema properties = Schema::object();
    Schema others = false;
    const auto children = source_field_children(field.path);
    for (const Field* child : children) {
        const auto name = child->path.substr(child->path.rfind('.') + 1);
        if (name == "*")
            others = schema_of(*child);
        else if (child->built)
            properties[std::string(name)] = schema_of(*child);
    }
    Schema map{{"type", "object"}};
    if (children.empty()) return map;
    if (!properties.empty()) map["properties"] = std::move(properties);
    map["additionalProperties"] = std::move(others);
    return map;
}

Schema choices(const Field& field) {
    Schema words = Schema::array();
    for (const std::string& word : split_choices(field.type)) words.push_back(word);
    return {{"enum", std::move(words)}};
}

/// The word that may stand in the place of a map.
Schema word_of(const Field& field) {
    for (const Field* child : source_field_children(field.path))
        if (child->path.ends_with(".type")) return choices(*child);
    return {{"type", "string"}};
}

Schema of_shape(Shape shape, const Field& field) {
    const std::string some_span = "(?=[0-9])" + std::string(span);
    switch (shape) {
        case Shape::text:
            return {{"type", {"string", "number", "boolean"}}};
        case Shape::name:
            return {{"type", "string"}};
        case Shape::url:
            return pattern("(https?://|.*\\$\\{).*");
        case Shape::number:
            return {{"type", "integer"}};
        case Shape::whole:
            return {{"type", {"string", "number"}}};
        case Shape::share:
            return {{"anyOf", {{{"type", "number"}, {"minimum", 0}, {"maximum", 1}}, pattern("[0-9]+([.][0-9]+)?%?")}}};
        case Shape::duration:
            return {{"anyOf", {{{"const", 0}}, pattern("(0|" + some_span + ")")}}};
        case Shape::duration_range:
            return pattern(some_span + "([.][.]" + some_span + ")?");
        case Shape::rate:
            return pattern("[0-9]+/(month|d|h|m|s|ms|" + some_span + ")");
        case Shape::status:
            return status();
        case Shape::map:
            return map_below(field);
        case Shape::maps:
            return array_of(map_below(field));
        case Shape::list:
            return {{"type", "array"}};
        case Shape::names:
            return array_of({{"type", "string"}});
        case Shape::statuses:
            return array_of({{"anyOf", {status(), variable()}}});
        case Shape::anything:
            return Schema::object();
        case Shape::type_word:
            return word_of(field);
    }
    throw std::logic_error("a shape without a schema");
}

/// True where a text with `${VAR}` in it may stand, and would not do already.
bool needs_variable(const std::vector<Shape>& shapes) {
    using enum Shape;
    const auto has = [&](std::initializer_list<Shape> any) {
        return std::find_first_of(shapes.begin(), shapes.end(), any.begin(), any.end()) != shapes.end();
    };
    return has({number, share, duration, duration_range, rate, status, type_word}) && !has({text, name, url, whole, anything});
}

std::vector<Schema> alternatives(const Field& field) {
    const bool has_map = !source_field_children(field.path).empty();
    const auto words = shapes_of_words().find(field.type);
    if (field.type == "true | false") return {{{"type", "boolean"}}, variable()};
    std::vector<Schema> found;
    if (words == shapes_of_words().end()) {
        const bool one_choice = field.type == "none" || field.type == "ietf" || field.type == "true";
        if (!one_choice && field.type.find(" | ") == std::string_view::npos)
            throw std::logic_error("a type without a schema: " + std::string(field.type));
        found = {choices(field), variable()};
        if (has_map) found.push_back(map_below(field));
        return found;
    }
    for (const Shape shape : words->second) found.push_back(of_shape(shape, field));
    if (needs_variable(words->second)) found.push_back(variable());
    if (field.type == "template" && field.path.ends_with(".*")) found.push_back({{"type", "null"}});  // `~` takes it away
    return found;
}

/// The default as a value; nothing where it is words for people.
std::optional<Schema> default_of(const Field& field) {
    if (field.fallback.empty()) return std::nullopt;
    const std::string text(field.fallback);
    if (field.type == "true | false") return text == "true";
    if (field.type.starts_with("number")) {
        const auto number = parse_whole_number(text);
        return number ? std::optional<Schema>(*number) : std::nullopt;
    }
    if (text == "[]") return Schema::array();
    if (text.find_first_of(" {") != std::string::npos && text != "{key}") return std::nullopt;
    return text;
}

Schema schema_of(const Field& field) {
    auto found = alternatives(defining_field(field));
    Schema schema{{"description", field.doc}};
    const auto fallback = default_of(field);
    if (fallback) schema["default"] = *fallback;
    if (!fallback && !field.fallback.empty())
        schema["description"] = std::string(field.doc) + " Default: " + std::string(field.fallback);
    if (found.size() == 1)
        schema.update(found.front());
    else
        schema["anyOf"] = std::move(found);
    return schema;
}

}  // namespace

std::string source_schema() {
    Schema schema{{"$schema", "http://json-schema.org/draft-07/schema#"},
                  {"title", "Source file of pawl"},
                  {"type", "object"},
                  {"required", {"source", "streams"}}};
    Schema properties = Schema::object();
    for (const Field* field : source_field_children(""))
        if (field->built) properties[std::string(field->path)] = schema_of(*field);
    schema["properties"] = std::move(properties);
    schema["additionalProperties"] = false;
    schema["definitions"] = {
        {"variable",
         {{"description", "A text with a variable of the environment in it."}, {"type", "string"}, {"pattern", "\\$\\{"}}}};
    return schema.dump(2) + "\n";
}

}  // namespace pawl::core
