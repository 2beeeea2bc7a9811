#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/expression.hpp"
#include "core/field_table.hpp"
#include "core/template.hpp"
#include "core/yaml_document.hpp"

/// How the parts of a source file are read (internal to core/source_*.cpp): each reader reports
/// what is wrong and returns nothing or the fallback, so that one pass finds all problems.
namespace pawl::core::reading {

/// Bounds of a whole number, both inclusive.
struct Bounds {
    std::int64_t low = 0;
    std::int64_t high = 0;
};

[[nodiscard]] std::optional<std::string> read_text(const YamlNode& node, std::string_view name,
                                                   Problems& problems);
[[nodiscard]] std::optional<bool> read_boolean(const YamlNode& node, std::string_view name,
                                               Problems& problems);
[[nodiscard]] std::optional<std::int64_t> read_whole_number(const YamlNode& node,
                                                            std::string_view name, Bounds bounds,
                                                            Problems& problems);
[[nodiscard]] std::optional<Micros> read_duration(const YamlNode& node, std::string_view name,
                                                  Problems& problems);
/// A name that becomes part of SQL and of keys: [a-z][a-z0-9_]*, at most `length_max` bytes.
[[nodiscard]] std::optional<std::string> read_name(const YamlNode& node, std::string_view name,
                                                   std::size_t length_max, Problems& problems);
using ReadOne = std::function<std::optional<std::string>(const YamlNode&)>;
/// The items of a list that is not empty, none of them twice.
[[nodiscard]] std::vector<std::string> read_different(const YamlNode& list, std::string_view name, const ReadOne& read_one,
                                                      Problems& problems);
/// One name, or a list of different ones.
[[nodiscard]] std::vector<std::string> read_names(const YamlNode& node, std::string_view name,
                                                  Problems& problems);
[[nodiscard]] std::optional<Expression> read_expression(const YamlNode& node, std::string_view name,
                                                        Problems& problems);
[[nodiscard]] std::optional<Template> read_template(const YamlNode& node, std::string_view name,
                                                    Problems& problems);
/// A header name (RFC 9110 token) as written.
[[nodiscard]] std::optional<std::string> read_header_name(const YamlNode& node,
                                                          std::string_view name,
                                                          Problems& problems);
/// One of the choices in the table's row `path`; others are unknown or not supported yet.
[[nodiscard]] std::optional<std::string> read_choice(const YamlNode& node, std::string_view name,
                                                     std::string_view path, Problems& problems);
/// `http(s)://host…` without user, blanks or fragment. Returns what is wrong, or nothing.
[[nodiscard]] std::optional<std::string> url_fault(std::string_view url);

[[nodiscard]] bool is_name(std::string_view text, std::size_t length_max);
/// Reports a compile error at its place inside the scalar.
void add_expression_problem(const YamlNode& node, std::string_view name,
                            const ExpressionError& error, Problems& problems);
[[nodiscard]] std::string not_supported(std::string_view word);
/// `"name" must be X, not Y`, where Y is the text of a scalar or the kind of another node.
void add_wrong_type(const YamlNode& node, std::string_view name, std::string_view wanted,
                    Problems& problems);
/// The words in quotes.
[[nodiscard]] std::vector<std::string> quoted(std::vector<std::string> words);

}  // namespace pawl::core::reading
