#include "core/template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/errors.hpp"
#include "core/url_encoding.hpp"

namespace pawl::core {

namespace {

constexpr std::array<std::string_view, 3> template_functions{"lower", "upper", "trim"};

bool is_placeholder(std::string_view text) {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
    return text.find_first_not_of(
               "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
           std::string_view::npos;
}

bool is_placeholder_name(std::string_view text) {
    if (text.starts_with("parent.") || text.starts_with("list."))
        return is_placeholder(text.substr(text.find('.') + 1));
    return is_placeholder(text);
}

/// What stands between the braces, which open at `column`.
Template::Part parse_placeholder(std::string_view inside, std::size_t column) {
    Template::Part part;
    const std::size_t open = inside.find('(');
    if (open != std::string_view::npos && inside.ends_with(')')) {
        part.function = inside.substr(0, open);
        if (std::find(template_functions.begin(), template_functions.end(), part.function) == template_functions.end())
            throw ExpressionError(
                fmt::format("\"{}\" is not a function of placeholders: lower, upper, trim",
                            part.function),
                column);
        inside = inside.substr(open + 1, inside.size() - open - 2);
    }
    if (!is_placeholder_name(inside))
        throw ExpressionError(
            fmt::format("\"{}\" is not a placeholder", inside.empty() ? "{}" : inside), column);
    part.name = inside;
    return part;
}

std::string apply_function(std::string_view function, std::string_view value) {
    if (function == "trim") {
        const std::size_t begin = value.find_first_not_of(" \t\r\n");
        if (begin == std::string_view::npos) return "";
        return std::string(value.substr(begin, value.find_last_not_of(" \t\r\n") - begin + 1));
    }
    std::string text{value};
    for (char& c : text) {
        if (function == "lower" && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        if (function == "upper" && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
}

bool is_whole_url(std::string_view text) {
    return text.starts_with("http://") || text.starts_with("https://");
}

const Value* find(const NamedValues* values, std::string_view name) {
    return values == nullptr ? nullptr : values->find(name);
}

const Value* find_placeholder(std::string_view name, const NamedValues* parent,
                              const NamedValues* list) {
    if (name.starts_with("parent.")) return find(parent, name.substr(7));
    if (name.starts_with("list.")) return find(list, name.substr(5));
    const Value* value = find(parent, name);
    return value != nullptr ? value : find(list, name);
}

}  // namespace

Template Template::compile(std::string_view text) {
    Template compiled;
    compiled.text_ = text;
    std::string literal;
    const auto end_literal = [&] {
        if (!literal.empty())
            compiled.parts_.push_back({.literal = literal, .name = "", .function = ""});
        literal.clear();
    };
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool doubled = at + 1 < text.size() && text[at + 1] == c;
        if ((c == '{' || c == '}') && doubled) {
            literal += c;
            ++at;
        } else if (c == '}') {
            throw ExpressionError("\"}\" closes nothing: write \"}}\" for a brace", at);
        } else if (c == '{') {
            const std::size_t end = text.find('}', at);
            if (end == std::string_view::npos)
                throw ExpressionError("\"{\" is not closed: write \"{{\" for a brace", at);
            end_literal();
            compiled.parts_.push_back(parse_placeholder(text.substr(at + 1, end - at - 1), at));
            at = end;
        } else {
            literal += c;
        }
    }
    end_literal();
    return compiled;
}

std::string Template::fill(const NamedValues* parent, const NamedValues* list,
                           Escape escape) const {
    std::string text;
    for (const Part& part : parts_) {
        if (part.name.empty()) {
            text += part.literal;
            continue;
        }
        const Value* value = find_placeholder(part.name, parent, list);
        if (value == nullptr || value->is_null())
            throw PermanentError(
                fmt::format("placeholder {{{}}} of \"{}\" has no value", part.name, text_));
        const std::string filled = apply_function(part.function, value->text);
        const bool escaped =
            escape == Escape::url_component && !(parts_.size() == 1 && is_whole_url(filled));
        text += escaped ? escape_url_component(filled) : filled;
    }
    return text;
}

std::optional<Value> Template::sole_value(const NamedValues* parent, const NamedValues* list) const {
    if (parts_.size() != 1 || parts_[0].name.empty() || !parts_[0].function.empty()) return std::nullopt;
    const Value* value = find_placeholder(parts_[0].name, parent, list);
    if (value == nullptr || value->is_null())
        throw PermanentError(fmt::format("placeholder {{{}}} of \"{}\" has no value", parts_[0].name, text_));
    return *value;
}

std::string Template::fill(std::string_view name, std::string_view value) const {
    std::string text;
    for (const Part& part : parts_) {
        if (!part.name.empty() && part.name != name)
            throw PermanentError(
                fmt::format("placeholder {{{}}} of \"{}\" has no value", part.name, text_));
        text += part.name.empty() ? part.literal : apply_function(part.function, value);
    }
    return text;
}

}  // namespace pawl::core
