#pragma once

#include <span>

#include "core/expression_tree.hpp"

namespace pawl::core {

inline constexpr std::size_t call_arguments_max = 3;

/// One evaluation of a function: none of `values` is null.
struct Call {
    const Expression::Node& node;
    std::span<const Value> values;
    const Scope& scope;

    [[nodiscard]] Arena& arena() const { return *scope.arena; }
};

/// One of the closed list of functions.
struct Function {
    std::string_view name;
    Expression::Node::Op op;
    std::size_t arguments_min, arguments_max;
    std::string_view usage;                ///< `replace(text, from, to)`
    std::optional<ColumnType> type = {};   ///< of its value, where there is only one
    Value (*apply)(const Call&) = nullptr;                ///< Op::call
    void (*prepare)(Expression::Node&) = nullptr;         ///< reads literal arguments. Throws ExpressionError
};

/// In the order of docs/source-files.md.
[[nodiscard]] std::span<const Function> expression_functions();

/// Numbers by their value, times as instants, other texts by their bytes. Null where there is no order.
[[nodiscard]] Value compared(Comparison comparison, const Value& a, const Value& b);

/// Text, or a number.
[[nodiscard]] inline bool is_plain(const Value& value) {
    return value.kind == Value::Kind::text || value.kind == Value::Kind::number;
}

[[nodiscard]] Value boolean_value(bool value);
[[nodiscard]] Value number_value(std::int64_t number, Arena& arena);
[[nodiscard]] Value text_value(std::string text, Arena& arena);

/// The longest text that a function makes of shorter ones: replace() could make a page of 32 MiB any size.
inline constexpr std::size_t made_bytes_max = 16u << 20;
/// Null beyond that.
[[nodiscard]] Value made_text(std::string text, Arena& arena);

}  // namespace pawl::core
