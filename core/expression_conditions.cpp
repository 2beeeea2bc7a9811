#include "core/decimal.hpp"
#include "core/expression_functions.hpp"
#include "core/instant.hpp"

namespace pawl::core {

namespace {

using ValueKind = Value::Kind;

/// How two values stand to each other, where they do.
std::optional<std::strong_ordering> order_of(const Value& a, const Value& b) {
    if (a.kind == ValueKind::number || b.kind == ValueKind::number)
        return is_plain(a) && is_plain(b) ? compare_numbers(a.text, b.text) : std::nullopt;
    if (a.kind != ValueKind::text || b.kind != ValueKind::text) return std::nullopt;
    const auto left = parse_instant(a.text);
    const auto right = left ? parse_instant(b.text) : std::nullopt;
    if (right) return *left <=> *right;
    return a.text.compare(b.text) <=> 0;
}

bool are_equal(const Value& a, const Value& b) {
    if (const auto order = order_of(a, b)) return *order == 0;
    return a.kind == b.kind && a.text == b.text;  // null, true and false, JSON as it came
}

}  // namespace

bool is_true(const Value& value) {
    if (value.is_null() || value.text.empty() || value.text == "false" || value.text == "0") return false;
    return value.kind != ValueKind::number || compare_numbers(value.text, "0") != std::strong_ordering::equal;
}

Value compared(Comparison comparison, const Value& a, const Value& b) {
    if (comparison == Comparison::equal) return boolean_value(are_equal(a, b));
    if (comparison == Comparison::not_equal) return boolean_value(!are_equal(a, b));
    const auto order = order_of(a, b);
    if (!order) return {};
    switch (comparison) {
        case Comparison::less: return boolean_value(*order < 0);
        case Comparison::less_equal: return boolean_value(*order <= 0);
        case Comparison::greater: return boolean_value(*order > 0);
        default: return boolean_value(*order >= 0);
    }
}

}  // namespace pawl::core
