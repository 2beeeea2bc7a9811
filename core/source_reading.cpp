#include "core/source_reading.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "core/characters.hpp"
#include "core/duration.hpp"

namespace pawl::core::reading {

namespace {

constexpr std::string_view letters_and_digits =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

std::string quote(std::string_view text) { return fmt::format("\"{}\"", text); }

std::string_view kind_in_words(const YamlNode& node) {
    switch (node.kind) {
        case YamlNode::Kind::null:
            return "nothing";
        case YamlNode::Kind::scalar:
            return "a value";
        case YamlNode::Kind::sequence:
            return "a list";
        case YamlNode::Kind::map:
            return "a map";
        case YamlNode::Kind::invalid:
            return "invalid";
    }
    return "";
}

/// A value as a message shows it: one that came of a variable may be a secret.
std::string shown(const YamlNode& node) {
    if (!node.is_scalar()) return std::string(kind_in_words(node));
    return node.variable_values.empty() ? quote(node.text) : "what its variable holds";
}

}  // namespace

void add_wrong_type(const YamlNode& node, std::string_view name, std::string_view wanted,
                    Problems& problems) {
    if (node.kind == YamlNode::Kind::invalid) return;
    const bool placeholder = node.is_map() && node.members.size() == 1 && node.members[0].value.is_null();
    problems.add(node.at, fmt::format("\"{}\" must be {}, not {}", name, wanted, shown(node)),
                 placeholder ? fmt::format("a text that begins with a brace stands in quotes: \"{{{}}}\"", node.members[0].name) : "");
}

std::vector<std::string> quoted(std::vector<std::string> words) {
    for (std::string& word : words) word = quote(word);
    return words;
}

std::string not_supported(std::string_view word) {
    return fmt::format("\"{}\" is not supported in this version", word);
}

bool is_name(std::string_view text, std::size_t length_max) {
    if (text.empty() || text.size() > length_max || text[0] < 'a' || text[0] > 'z') return false;
    return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
           std::string_view::npos;
}

std::optional<std::string> url_fault(std::string_view url) {
    const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
    if (scheme == 0) return "must begin with http:// or https://";
    for (const char c : url)
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
            return "must not hold blanks or control characters";
    const std::string_view authority =
        url.substr(scheme, url.find_first_of("/?#", scheme) - scheme);
    if (authority.empty() || authority.starts_with(':')) return "has no host";
    if (authority.find('@') != std::string_view::npos)
        return "must not hold a user or password: use \"auth\"";
    if (url.find('#') != std::string_view::npos) return "must not hold a fragment (#)";
    return std::nullopt;
}

void add_expression_problem(const YamlNode& node, std::string_view name,
                            const ExpressionError& error, Problems& problems) {
    problems.add(node.position_of(error.column), fmt::format("\"{}\": {}", name, error.what()));
}

std::optional<std::string> read_text(const YamlNode& node, std::string_view name,
                                     Problems& problems) {
    if (!node.is_scalar()) {
        add_wrong_type(node, name, "text", problems);
        return std::nullopt;
    }
    if (node.text.empty()) {
        problems.add(node.at, fmt::format("\"{}\" is empty", name));
        return std::nullopt;
    }
    return node.text;
}

std::optional<bool> read_boolean(const YamlNode& node, std::string_view name, Problems& problems) {
    if (node.is_scalar() && node.text == "true") return true;
    if (node.is_scalar() && node.text == "false") return false;
    add_wrong_type(node, name, "true or false", problems);
    return std::nullopt;
}

std::optional<std::int64_t> read_whole_number(const YamlNode& node, std::string_view name,
                                              Bounds bounds, Problems& problems) {
    const auto number = node.is_scalar() ? parse_whole_number(node.text) : std::nullopt;
    if (number && *number >= bounds.low && *number <= bounds.high) return number;
    add_wrong_type(node, name, fmt::format("a whole number from {} to {}", bounds.low, bounds.high),
                   problems);
    return std::nullopt;
}

std::optional<Micros> read_duration(const YamlNode& node, std::string_view name,
                                    Problems& problems) {
    const auto duration = node.is_scalar() ? parse_duration(node.text) : std::nullopt;
    if (!duration)
        add_wrong_type(node, name, "a duration such as 500ms, 30s, 15m, 6h or 30d", problems);
    return duration;
}

std::optional<std::string> read_name(const YamlNode& node, std::string_view name,
                                     std::size_t length_max, Problems& problems) {
    if (node.is_scalar() && is_name(node.text, length_max)) return node.text;
    add_wrong_type(node, name,
                   fmt::format("a name of lower-case letters, digits and _ that begins with a "
                               "letter (at most {} bytes)",
                               length_max),
                   problems);
    return std::nullopt;
}

std::vector<std::string> read_different(const YamlNode& list, std::string_view name, const ReadOne& read_one,
                                        Problems& problems) {
    std::vector<std::string> names;
    std::unordered_set<std::string> seen;
    if (list.items.empty()) problems.add(list.at, fmt::format("\"{}\" is empty", name));
    for (const YamlNode& item : list.items) {
        auto text = read_one(item);
        if (!text) continue;
        if (!seen.insert(*text).second)
            problems.add(item.at, fmt::format("\"{}\" holds \"{}\" twice", name, *text));
        else
            names.push_back(std::move(*text));
    }
    return names;
}

std::vector<std::string> read_names(const YamlNode& node, std::string_view name,
                                    Problems& problems) {
    const auto one = [&](const YamlNode& item) { return read_name(item, name, 63, problems); };
    if (node.is_sequence()) return read_different(node, name, one, problems);
    auto only = one(node);
    return only ? std::vector<std::string>{std::move(*only)} : std::vector<std::string>{};
}

std::optional<Expression> read_expression(const YamlNode& node, std::string_view name,
                                          Problems& problems) {
    const auto text = read_text(node, name, problems);
    if (!text) return std::nullopt;
    try {
        return Expression::compile(*text);
    } catch (const ExpressionError& error) {
        add_expression_problem(node, name, error, problems);
        return std::nullopt;
    }
}

std::optional<Template> read_template(const YamlNode& node, std::string_view name,
                                      Problems& problems) {
    if (!node.is_scalar()) {
        add_wrong_type(node, name, "text", problems);
        return std::nullopt;
    }
    if (node.text.find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos) {
        problems.add(node.at, fmt::format("\"{}\" must not hold a line break", name));
        return std::nullopt;
    }
    try {
        return Template::compile(node.text);
    } catch (const ExpressionError& error) {
        add_expression_problem(node, name, error, problems);
        return std::nullopt;
    }
}

std::optional<std::string> read_header_name(const YamlNode& node, std::string_view name,
                                            Problems& problems) {
    const auto text = read_text(node, name, problems);
    if (!text) return std::nullopt;
    const std::string allowed = std::string(letters_and_digits) + "!#$%&'*+-.^_`|~";
    if (text->find_first_not_of(allowed) == std::string::npos) return text;
    problems.add(node.at, fmt::format("\"{}\" is not the name of a header", *text));
    return std::nullopt;
}

std::optional<std::string> read_choice(const YamlNode& node, std::string_view name,
                                       std::string_view path, Problems& problems) {
    const Field& field = source_field(path);
    const auto words = split_choices(field.type);
    const auto later = split_choices(field.later);
    if (node.is_scalar()) {
        if (std::find(words.begin(), words.end(), node.text) != words.end()) return node.text;
        if (std::find(later.begin(), later.end(), node.text) != later.end()) {
            problems.add(node.at, not_supported(node.text));
            return std::nullopt;
        }
    }
    if (node.kind == YamlNode::Kind::invalid) return std::nullopt;
    problems.add(
        node.at,
        fmt::format("\"{}\" must be {}, not {}", name, enumerate(quoted(words), "or"), shown(node)),
        node.is_scalar() && node.variable_values.empty() ? did_you_mean(node.text, words) : "");
    return std::nullopt;
}

}  // namespace pawl::core::reading
