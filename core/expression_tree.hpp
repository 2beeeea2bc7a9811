#pragma once

#include "core/expression.hpp"

namespace pawl::core {

/// The compiled tree of an expression. Private to expression.cpp and its parser.
struct Expression::Node {
    enum class Op : std::uint8_t {
        literal,
        record,    ///< $ and paths from it; `value` inside entries() is the same
        root,      ///< $$ and paths from it
        parent, list, header, link,  ///< by `name`
        key,
        coalesce,  ///< a ?? b, coalesce(a, b, …)
        lower, upper, trim,
        count,
        entries,
    };
    struct Step {
        enum class Kind : std::uint8_t { member, element, each };
        Kind kind = Kind::member;
        std::string name;
        std::int64_t index = 0;
    };

    Op op = Op::literal;
    std::vector<Step> steps;
    std::string name;
    Value literal;             ///< kind; its text is `literal_text`
    std::string literal_text;
    std::vector<std::shared_ptr<const Node>> arguments;
    std::optional<ColumnType> as;

    [[nodiscard]] Value literal_value() const {
        Value value = literal;
        value.text = literal_text;
        return value;
    }
};

/// Recursive descent over
///   expression = operand { "??" operand } [ "as" TYPE ]
///   operand    = path | name "." name { "." name } | "key" | "value" | literal | function "(" expression { "," … } ")"
///   path       = ( "$" | "$$" ) { "." name | "[" integer "]" | "[*]" | "['" text "']" }
/// Throws ExpressionError.
[[nodiscard]] std::shared_ptr<const Expression::Node> parse_expression(std::string_view text);

}  // namespace pawl::core
