#include <algorithm>

#include "core/expression_functions.hpp"

// What is known of an expression without data.
namespace pawl::core {

namespace {

using Node = Expression::Node;
using Op = Expression::Node::Op;

/// The type that holds all of `arguments`, from `first` on; null literals are of any.
std::optional<ColumnType> common_type(const std::vector<std::shared_ptr<const Node>>& arguments, std::size_t first) {
    std::optional<ColumnType> type;
    for (std::size_t i = first; i < arguments.size(); ++i) {
        const bool is_null_literal = arguments[i]->op == Op::literal && arguments[i]->literal.is_null();
        if (is_null_literal) continue;
        const auto one = static_type_of(*arguments[i]);
        if (!one) return std::nullopt;
        type = type ? widen(*type, *one) : *one;
    }
    return type;
}

std::vector<std::string> names_of(const Node& root, Op op) {
    std::vector<std::string> names;
    visit_all(root, [&](const Node& node) {
        if (node.op == op) names.push_back(node.name);
    });
    return names;
}

bool uses_any(const Node& root, std::initializer_list<Op> ops) {
    bool uses = false;
    visit_all(root, [&](const Node& node) { uses = uses || std::find(ops.begin(), ops.end(), node.op) != ops.end(); });
    return uses;
}

bool is_split(const Node& node) {
    return node.op == Op::call && node.function->name == "split" && node.steps.empty();
}

std::optional<std::string> plain_name(const Node& node) {
    if (node.op == Op::bare_name) return node.name;
    if (node.op == Op::parent) return "parent." + node.name;
    if (node.op == Op::list) return "list." + node.name;
    return std::nullopt;
}

}  // namespace

std::optional<ColumnType> static_type_of(const Node& node) {
    if (node.as) return node.as;
    switch (node.op) {
        case Op::count:
        case Op::join:
        case Op::call: return node.type;
        case Op::header:
        case Op::key: return ColumnType::text;
        case Op::link: return node.name.ends_with(".page") ? ColumnType::bigint : ColumnType::text;
        case Op::coalesce: return common_type(node.arguments, 0);
        case Op::choose: return common_type(node.arguments, 1);
        case Op::all:
        case Op::any:
        case Op::negate:
        case Op::compare: return ColumnType::boolean;
        case Op::literal:
            return node.literal.is_null() ? std::nullopt : std::optional(infer_type(node.literal_value()));
        default: return std::nullopt;
    }
}

bool Node::yields_many() const {
    return op == Op::entries || is_split(*this) ||
           std::any_of(steps.begin(), steps.end(), [](const Step& step) { return step.kind == Step::Kind::each; });
}

std::optional<ColumnType> Expression::static_type() const { return static_type_of(*root_); }

std::vector<std::string> Expression::parent_names() const { return names_of(*root_, Op::parent); }

std::vector<std::string> Expression::list_names() const { return names_of(*root_, Op::list); }

std::vector<std::string> Expression::bare_names() const { return names_of(*root_, Op::bare_name); }

std::vector<std::string> Expression::header_names() const {
    auto names = names_of(*root_, Op::header);
    for (auto& name : names) std::replace(name.begin(), name.end(), '_', '-');
    return names;
}

bool Expression::uses_link() const { return uses_any(*root_, {Op::link}); }

bool Expression::uses_window() const { return uses_any(*root_, {Op::window}); }

bool Expression::uses_record() const { return uses_any(*root_, {Op::record, Op::key}); }

bool Expression::uses_response() const {
    return uses_any(*root_, {Op::record, Op::root, Op::header, Op::link, Op::key});
}

bool Expression::yields_many() const {
    return root_->yields_many() || (root_->op == Op::entries && root_->arguments[0]->yields_many());
}

bool Expression::has_value() const { return yields_parts() || !yields_many(); }

bool Expression::yields_parts() const { return is_split(*root_); }

std::optional<Expression::Plain> Expression::plain() const {
    if (root_->as) return std::nullopt;
    if (auto name = plain_name(*root_)) return Plain{std::move(*name), ""};
    if (root_->op != Op::call || root_->arguments.size() != 1 || root_->arguments[0]->as) return std::nullopt;
    auto name = plain_name(*root_->arguments[0]);
    return name ? std::optional(Plain{std::move(*name), std::string(root_->function->name)}) : std::nullopt;
}

}  // namespace pawl::core
