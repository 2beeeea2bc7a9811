#include <fmt/format.h>

#include <algorithm>

#include "core/decimal.hpp"
#include "core/percent_encoding.hpp"
#include "core/redact.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

constexpr std::size_t nodes_max = 10'000;  // of one body: a person wrote it

bool is_bare_json(const std::string& text) { return is_json_number(text) || text == "true" || text == "false"; }

/// A body as it is written in YAML becomes JSON: numbers, true, false and null stay what they are, texts are templates.
class BodyReader {
  public:
    explicit BodyReader(Problems& problems) : problems_(problems) {}

    BodyNode read(const YamlNode& yaml) {
        BodyNode node;
        if (++nodes_ > nodes_max) return node;
        switch (yaml.kind) {
            case YamlNode::Kind::null:
            case YamlNode::Kind::invalid: return node;
            case YamlNode::Kind::scalar: return read_scalar(yaml);
            case YamlNode::Kind::sequence:
                node.kind = BodyNode::Kind::array;
                for (const YamlNode& item : yaml.items) node.members.emplace_back("", read(item));
                return node;
            case YamlNode::Kind::map:
                node.kind = BodyNode::Kind::object;
                for (const YamlNode::Member& member : yaml.members)
                    node.members.emplace_back(member.name, read(member.value));
                return node;
        }
        return node;
    }

    [[nodiscard]] bool is_too_large() const { return nodes_ > nodes_max; }

  private:
    BodyNode read_scalar(const YamlNode& yaml) {
        BodyNode node;
        if (!yaml.quoted && is_bare_json(yaml.text)) {
            node.text = yaml.text;
        } else if (auto filled = read_template(yaml, "body", problems_)) {
            node.kind = BodyNode::Kind::text;
            node.filled = std::move(*filled);
        }
        return node;
    }

    Problems& problems_;
    std::size_t nodes_ = 0;
};

BodyNode object_of(std::vector<BodyNode::Member> members) {
    BodyNode node;
    node.kind = BodyNode::Kind::object;
    node.members = std::move(members);
    return node;
}

BodyNode text_of(const std::string& text) {
    BodyNode node;
    node.text = json_text(text);
    return node;
}

/// A query is full of braces, so it is no template: what differs from request to request stands in `variables`.
BodyNode read_graphql(const YamlNode& node, Problems& problems) {
    if (node.is_scalar()) return object_of({{"query", text_of(node.text)}});
    if (!node.is_map()) {
        add_wrong_type(node, "graphql", "a query, or a map with query and variables", problems);
        return object_of({});
    }
    const MapReader map{node, "streams.*.body.graphql", problems};
    (void)map.require("query");
    BodyNode body = object_of({{"query", text_of(map.text("query"))}});
    if (map.has("operation")) body.members.emplace_back("operationName", text_of(map.text("operation")));
    if (const YamlNode* variables = map.find("variables")) {
        if (!variables->is_map()) add_wrong_type(*variables, "variables", "a map", problems);
        body.members.emplace_back("variables", BodyReader{problems}.read(*variables));
    }
    return body;
}

/// A form holds values only.
void check_flat(const YamlNode& form, Problems& problems) {
    for (const YamlNode::Member& member : form.members)
        if (member.value.is_map() || member.value.is_sequence())
            problems.add(member.at, fmt::format("\"{}\" must be a value: a form is flat", member.name));
}

void read_body(const MapReader& map, Stream& stream, Problems& problems) {
    const auto which = map.one_of({"json", "form", "graphql"});
    const YamlNode* node = which ? map.find(*which) : nullptr;
    if (!which) problems.add(map.at(), "\"json\", \"form\" or \"graphql\" is missing: what is sent?");
    if (node == nullptr) return;
    stream.body.kind = which == "form" ? RequestBody::Kind::form : RequestBody::Kind::json;
    if (which == "graphql") {
        stream.body.root = read_graphql(*node, problems);
        return;
    }
    if (which == "form" && !node->is_map()) {
        add_wrong_type(*node, "form", "a map", problems);
        return;
    }
    if (which == "form")
        check_flat(*node, problems);
    BodyReader reader{problems};
    stream.body.root = reader.read(*node);
    if (reader.is_too_large())
        problems.add(node->at, fmt::format("\"body\" has more than {} values", nodes_max));
}

void check_place(const MapReader& map, const Stream& stream, const Into& into, const std::string& part, Problems& problems) {
    if (!into.in_body()) return;
    const Position at = map.node().nearest({part}).at;
    if (stream.body.kind == RequestBody::Kind::none) {
        problems.add(at, fmt::format("\"{}\" is a place in a body, and the stream sends none", into.text()),
                     "write body: {json: {…}}");
        return;
    }
    if (stream.body.kind == RequestBody::Kind::form && into.path.size() > 1)
        problems.add(at, fmt::format("\"{}\" lies in a form, which is flat", into.text()));
    try {
        BodyNode trial = stream.body.root;
        trial.put(into.path, "0");
    } catch (const std::exception&) {
        problems.add(at, fmt::format("the body has no place for \"{}\"", into.text()));
    }
}

/// A text that is sent, in each form in which it may be told: as it is, in a form, in JSON.
void remember_sent(const std::string& text) {
    remember_secret(text);
    remember_secret(percent_encoded(text));
    const auto json = json_text(text);
    remember_secret(std::string_view(json).substr(1, json.size() - 2));
}

/// A body whose texts are no templates, and secrets: who logs in, and with what. What a variable holds is a text.
BodyNode read_fixed(const YamlNode& yaml) {
    BodyNode node;
    if (yaml.is_map() || yaml.is_sequence()) node.kind = yaml.is_map() ? BodyNode::Kind::object : BodyNode::Kind::array;
    for (const YamlNode::Member& member : yaml.members) node.members.emplace_back(member.name, read_fixed(member.value));
    for (const YamlNode& item : yaml.items) node.members.emplace_back("", read_fixed(item));
    if (!yaml.is_scalar()) return node;
    remember_sent(yaml.text);
    for (const std::string& value : yaml.variable_values) remember_sent(value);
    const bool bare = !yaml.quoted && yaml.variable_values.empty() && is_bare_json(yaml.text);
    node.text = bare ? yaml.text : json_text(yaml.text);
    return node;
}

}  // namespace

std::pair<std::string, std::string> read_fixed_body(const MapReader& map, Problems& problems) {
    const auto which = map.one_of({"json", "form"});
    const YamlNode* node = which ? map.find(*which) : nullptr;
    if (!which) problems.add(map.at(), "\"json\" or \"form\" is missing: what is sent?");
    if (node == nullptr) return {};
    if (!node->is_map()) {
        add_wrong_type(*node, *which, "a map", problems);
        return {};
    }
    const auto body = read_fixed(*node);
    if (which == "json") return {body.json(), "application/json"};
    check_flat(*node, problems);
    return {body.form(), "application/x-www-form-urlencoded"};
}

Into read_into(const YamlNode& node, std::string_view name, Problems& problems) {
    const std::string text = read_text(node, name, problems).value_or("");
    const bool in_query = text.starts_with("query.") && text.size() > 6;
    if (in_query) return {.query = text.substr(6), .path = {}};
    Into into;
    if (text.starts_with("body."))
        for (std::size_t at = 5; at <= text.size();) {
            const std::size_t end = std::min(text.find('.', at), text.size());
            into.path.push_back(text.substr(at, end - at));
            at = end + 1;
        }
    const bool whole = !into.path.empty() && std::none_of(into.path.begin(), into.path.end(),
                                                          [](const std::string& step) { return step.empty(); });
    if (whole) return into;
    if (!text.empty())
        problems.add(node.at, fmt::format("\"{}\" must be query.NAME or body.PATH, not \"{}\"", name, text));
    return {};
}

void read_method_and_body(const MapReader& map, Stream& stream, Problems& problems) {
    if (const auto body = map.open("body")) read_body(*body, stream, problems);
    if (stream.body.kind != RequestBody::Kind::none) stream.method = "POST";
    if (const auto method = map.choice("method")) stream.method = *method;
    if (stream.method == "GET" && stream.body.kind != RequestBody::Kind::none && map.has("method"))
        problems.add(map.node().find("method")->at, "GET sends no body");
}

void check_places(const MapReader& map, const Stream& stream, Problems& problems) {
    for (const Into* into : {&stream.paginate.into, &stream.paginate.param, &stream.paginate.size_param})
        check_place(map, stream, *into, "paginate", problems);
    if (!stream.incremental) return;
    for (const Into* into : {&stream.incremental->into, &stream.incremental->from_into, &stream.incremental->to_into})
        check_place(map, stream, *into, "incremental", problems);
}

}  // namespace pawl::core::reading
