#include "core/template.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "core/percent_encoding.hpp"

namespace pawl::core {

namespace {

constexpr std::size_t placeholders_max = 100;

/// Where the placeholder that opens at `open` closes: braces in quotes are text, as in `{match(x, '[0-9]{4}')}`.
std::size_t closing_brace(std::string_view text, std::size_t open) {
    char quote = 0;
    for (std::size_t at = open + 1; at < text.size(); ++at) {
        const char c = text[at];
        if (quote != 0) quote = c == quote ? '\0' : quote;
        else if (c == '\'' || c == '"') quote = c;
        else if (c == '}') return at;
    }
    return std::string_view::npos;
}

/// What stands between the braces, which open at `column`.
Template::Part parse_placeholder(std::string_view inside, std::size_t column) {
    if (inside.find_first_not_of(' ') == std::string_view::npos) throw ExpressionError("a placeholder is empty: {}", column);
    Template::Part part{.literal = {}, .column = column};
    try {
        part.value = Expression::compile_placeholder(inside);
    } catch (const ExpressionError& error) {
        throw ExpressionError(error.what(), column + 1 + error.column);
    }
    part.plain = part.value->plain();
    const bool in_sql = part.plain && (part.plain->function.empty() || part.plain->function == "lower" ||
                                       part.plain->function == "upper" || part.plain->function == "trim");
    if (!in_sql) part.plain.reset();
    return part;
}

bool is_whole_url(std::string_view text) {
    return text.starts_with("http://") || text.starts_with("https://");
}

}  // namespace

Template Template::compile(std::string_view text) {
    Template compiled;
    compiled.text_ = text;
    std::string literal;
    std::size_t placeholders = 0;
    const auto end_literal = [&] {
        if (!literal.empty()) compiled.parts_.push_back({.literal = literal});
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
            const std::size_t end = closing_brace(text, at);
            if (end == std::string_view::npos)
                throw ExpressionError("\"{\" is not closed: write \"{{\" for a brace", at);
            end_literal();
            if (++placeholders > placeholders_max)
                throw ExpressionError(fmt::format("more than {} placeholders", placeholders_max), at);
            compiled.parts_.push_back(parse_placeholder(text.substr(at + 1, end - at - 1), at));
            at = end;
        } else {
            literal += c;
        }
    }
    end_literal();
    return compiled;
}

Value Template::value_of(const Part& part, const TemplateScope& scope, Arena& arena) const {
    Scope seen;
    seen.parent = scope.parent;
    seen.list = scope.list;
    seen.window = scope.window;
    seen.now = scope.now;
    seen.arena = &arena;
    const Value value = part.value->evaluate(seen);
    if (value.is_null())
        throw PermanentError(fmt::format("placeholder {{{}}} of \"{}\" has no value", part.value->text(), text_));
    return value;
}

std::string Template::fill(const TemplateScope& scope, Escape escape) const {
    Arena arena;
    std::string text;
    for (const Part& part : parts_) {
        if (!part.value) {
            text += part.literal;
            continue;
        }
        const Value value = value_of(part, scope, arena);
        const bool escaped = escape == Escape::url_component && !(parts_.size() == 1 && is_whole_url(value.text));
        text += escaped ? percent_encoded(value.text) : std::string(value.text);
    }
    return text;
}

std::optional<Value> Template::sole_value(const TemplateScope& scope, Arena& arena) const {
    if (parts_.size() != 1 || !parts_[0].value) return std::nullopt;
    return value_of(parts_[0], scope, arena);
}

std::string Template::fill(std::string_view name, std::string_view value) const {
    const NamedValues only{{{std::string(name), {Value::Kind::text, std::nullopt, value}}}};
    return fill({.list = &only}, Escape::none);
}

std::vector<Template::Name> Template::names() const {
    std::vector<Name> names;
    for (const Part& part : parts_) {
        if (!part.value) continue;
        const bool needed = part.plain.has_value();
        for (auto& name : part.value->bare_names()) names.push_back({std::move(name), needed});
        for (auto& name : part.value->parent_names()) names.push_back({"parent." + name, needed});
        for (auto& name : part.value->list_names()) names.push_back({"list." + name, needed});
    }
    return names;
}

bool Template::uses_window() const {
    return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.value && part.value->uses_window(); });
}

}  // namespace pawl::core
