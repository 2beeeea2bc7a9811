#include "core/request_body.hpp"

#include <charconv>
#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "core/percent_encoding.hpp"

namespace pawl::core {

namespace {

std::optional<std::size_t> index_of(const std::string& text, std::size_t bound) {
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
    if (error != std::errc{} || end != text.data() + text.size() || index >= bound) return std::nullopt;
    return index;
}

template <typename Node>
Node* child_of(Node& node, const std::string& step) {
    if (node.kind == BodyNode::Kind::array) {
        const auto index = index_of(step, node.members.size());
        return index ? &node.members[*index].value : nullptr;
    }
    for (auto& [name, value] : node.members)
        if (name == step) return &value;
    return nullptr;
}

BodyNode json_node(std::string json) {
    BodyNode node;
    node.text = std::move(json);
    return node;
}

std::string json_of(const Value& value) {
    return value.kind == Value::Kind::text ? json_text(value.text) : std::string(value.text);
}

}  // namespace

std::string json_text(std::string_view text) {
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string Into::text() const {
    if (path.empty()) return query;
    std::string text = "body";
    for (const std::string& step : path) text += "." + step;
    return text;
}

const BodyNode* BodyNode::at(const std::vector<std::string>& path) const {
    const BodyNode* node = this;
    for (const std::string& step : path) {
        node = child_of(*node, step);
        if (node == nullptr) return nullptr;
    }
    return node;
}

void BodyNode::put(const std::vector<std::string>& path, std::string json) {
    BodyNode* node = this;
    for (const std::string& step : path) {
        BodyNode* child = child_of(*node, step);
        if (child == nullptr && node->kind == Kind::json && node->text == "null") node->kind = Kind::object;
        if (child == nullptr && node->kind != Kind::object)
            throw PermanentError("The request's body has no place for " + Into{"", path}.text());
        node = child != nullptr ? child : &node->members.emplace_back(step, json_node("null")).value;
    }
    *node = json_node(std::move(json));
}

BodyNode BodyNode::fill(const TemplateScope& scope) const {
    if (kind == Kind::json) return *this;
    if (kind == Kind::text) {
        Arena arena;
        const auto sole = filled.sole_value(scope, arena);
        return json_node(sole ? json_of(*sole) : json_text(filled.fill(scope, Template::Escape::none)));
    }
    BodyNode copy;
    copy.kind = kind;
    for (const auto& [name, value] : members) copy.members.emplace_back(name, value.fill(scope));
    return copy;
}

std::string BodyNode::json() const {
    if (kind == Kind::json) return text;
    std::string out = kind == Kind::array ? "[" : "{";
    for (const auto& [name, value] : members) {
        if (out.size() > 1) out += ",";
        if (kind == Kind::object) out += json_text(name) + ":";
        out += value.json();
    }
    return out + (kind == Kind::array ? "]" : "}");
}

std::string BodyNode::form() const {
    std::string out;
    for (const auto& [name, value] : members) {
        if (value.text == "null") continue;
        const auto parsed = nlohmann::json::parse(value.text, nullptr, false);
        const auto plain = parsed.is_string() ? parsed.get<std::string>() : value.text;
        if (!out.empty()) out += "&";
        out += percent_encoded(name) + "=" + percent_encoded(plain);
    }
    return out;
}

void BodyNode::add_templates(std::vector<Template>& templates) const {
    if (kind == Kind::text) templates.push_back(filled);
    for (const auto& [name, value] : members) value.add_templates(templates);
}

std::string_view RequestBody::content_type() const {
    return kind == Kind::form ? "application/x-www-form-urlencoded" : "application/json";
}

}  // namespace pawl::core
