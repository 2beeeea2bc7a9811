#pragma once

#include "core/expression.hpp"
#include "core/pattern.hpp"
#include "core/time_format.hpp"

namespace pawl::core {

struct Function;

/// The compiled tree of an expression. Private to core/expression*.cpp.
struct Expression::Node {
    enum class Op : std::uint8_t {
        literal,
        record,    ///< $ and paths from it; `value` inside entries() is the same
        root,      ///< $$ and paths from it
        parent, list, header, link, window,  ///< by `name`
        bare_name,  ///< in placeholders: of the parent row, else of the list entry
        key,
        coalesce,  ///< a ?? b, coalesce(a, b, …)
        choose,    ///< if(condition, a, b)
        all, any, negate,  ///< and, or, not
        compare,
        count, entries, join,  ///< of a path
        call,      ///< of `function`, with the values of its arguments
    };
    struct Step {
        enum class Kind : std::uint8_t { member, element, each };
        Kind kind = Kind::member;
        std::string name;
        std::int64_t index = 0;
    };
    enum class Comparison : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };

    Op op = Op::literal;
    std::vector<Step> steps;   ///< of a path; of split(): at most one element
    std::string name;
    Value literal;             ///< kind; its text is `literal_text`
    std::string literal_text;
    std::vector<std::shared_ptr<const Node>> arguments;
    std::optional<ColumnType> as;
    std::size_t column = 0;    ///< where it stands in the expression

    const Function* function = nullptr;      ///< of a function, however it is evaluated
    std::optional<ColumnType> type;          ///< what the function gives
    Comparison comparison = Comparison::equal;
    // What a function's literal arguments say, made once.
    std::shared_ptr<const TimeFormat> format;
    std::shared_ptr<const Pattern> pattern;
    const date::time_zone* zone = nullptr;

    [[nodiscard]] Value literal_value() const {
        Value value = literal;
        value.text = literal_text;
        return value;
    }
    /// entries(), split() without an index, and paths with [*]: several records instead of one value.
    [[nodiscard]] bool yields_many() const;
};

using Comparison = Expression::Node::Comparison;

/// Whether names that stand alone are known: in the placeholders of templates they are, and there nothing of a response is.
enum class Names : std::uint8_t { scoped, placeholder };

/// Recursive descent over
///   expression = any [ "as" TYPE ]
///   any        = all { "or" all }
///   all        = condition { "and" condition }
///   condition  = "not" condition | choice [ ( "==" | "!=" | "<" | "<=" | ">" | ">=" ) choice ]
///   choice     = operand { "??" operand }
///   operand    = path | name "." name { "." name } | "key" | "value" | literal | "(" expression ")"
///              | function "(" [ expression { "," expression } ] ")" [ "[" integer "]" ]
///   path       = ( "$" | "$$" ) { "." name | "[" integer "]" | "[*]" | "['" text "']" }
/// Throws ExpressionError.
[[nodiscard]] std::shared_ptr<const Expression::Node> parse_expression(std::string_view text, Names names);

/// The column type of `node` that is known without data.
[[nodiscard]] std::optional<ColumnType> static_type_of(const Expression::Node& node);

template <typename Visit>
void visit_all(const Expression::Node& node, const Visit& visit) {
    visit(node);
    for (const auto& argument : node.arguments) visit_all(*argument, visit);
}

}  // namespace pawl::core
