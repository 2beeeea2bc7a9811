#include "core/expression.hpp"

#include <array>
#include <limits>

#include "core/errors.hpp"
#include "core/expression_functions.hpp"
#include "core/json_projection.hpp"

namespace pawl::core {

using Node = Expression::Node;
using Op = Expression::Node::Op;

namespace {

/// Follows `steps` from `start`. A path with [*] has no single value: source files are refused for that.
JsonDocument::Node follow(const JsonDocument& doc, JsonDocument::Node start, const std::vector<Node::Step>& steps) {
    JsonDocument::Node at = start;
    for (const auto& step : steps) {
        if (at == JsonDocument::none) break;
        if (step.kind == Node::Step::Kind::member) at = doc.member(at, step.name);
        else if (step.kind == Node::Step::Kind::element) at = doc.element(at, step.index);
        else return JsonDocument::none;
    }
    return at;
}

[[noreturn]] void refuse_records(std::size_t records_max) {
    throw PermanentError("a page with more than " + std::to_string(records_max) + " records");
}

/// All nodes that steps with wildcards lead to, in document order.
void expand(const JsonDocument& doc, JsonDocument::Node at, const std::vector<Node::Step>& steps, std::size_t from,
            std::size_t records_max, std::vector<Record>& out) {
    if (at == JsonDocument::none || doc.kind(at) == JsonKind::null) return;
    if (from == steps.size()) {
        if (out.size() >= records_max) refuse_records(records_max);
        out.push_back({at, std::nullopt});
        return;
    }
    const auto& step = steps[from];
    switch (step.kind) {
        case Node::Step::Kind::member: expand(doc, doc.member(at, step.name), steps, from + 1, records_max, out); break;
        case Node::Step::Kind::element: expand(doc, doc.element(at, step.index), steps, from + 1, records_max, out); break;
        case Node::Step::Kind::each:
            for (auto child = doc.first_child(at); child != JsonDocument::none; child = doc.next(child))
                expand(doc, child, steps, from + 1, records_max, out);
    }
}

class Evaluation {
  public:
    explicit Evaluation(const Scope& scope) : scope_(scope) {}

    Value of(const Node& node) const {
        Value value = untyped(node);
        if (node.as && !value.is_null()) value.as = node.as;
        return value;
    }

  private:
    Value untyped(const Node& node) const {
        switch (node.op) {
            case Op::literal: return literal(node);
            case Op::record: return scope_.part ? part(node) : json_value(follow_from(scope_.record, node));
            case Op::root: return json_value(follow_from(root(), node));
            case Op::parent: return named(scope_.parent, node);
            case Op::list: return named(scope_.list, node);
            case Op::header: return named(scope_.header, node);
            case Op::link: return named(scope_.link, node);
            case Op::window: return named(scope_.window, node);
            case Op::bare_name: {
                const Value* found = scope_.parent ? scope_.parent->find(node.name) : nullptr;
                return found ? *found : named(scope_.list, node);
            }
            case Op::key:
                if (!scope_.entry_key) return {};
                return {Value::Kind::text, std::nullopt, *scope_.entry_key};
            case Op::coalesce:
                for (const auto& argument : node.arguments)
                    if (Value value = of(*argument); !value.is_null()) return value;
                return {};
            case Op::choose: return choose(node);
            case Op::all: return boolean_value(!any_is(node, false));
            case Op::any: return boolean_value(any_is(node, true));
            case Op::negate: return boolean_value(any_is(node, false));
            case Op::compare: return compared(node.comparison, operand(*node.arguments[0]), operand(*node.arguments[1]));
            case Op::count: return count(*node.arguments[0]);
            case Op::join: return join(node);
            case Op::entries: return {};  // yields records, not a value
            case Op::call: return call(node);
        }
        return {};
    }

    /// Copied: a value may outlive its expression (a reload), but not its arena.
    Value literal(const Node& node) const {
        Value value = node.literal;
        if (!value.is_null()) value.text = scope_.arena->keep(node.literal_text);
        return value;
    }

    /// What is looked at only here need not be copied.
    Value operand(const Node& node) const { return node.op == Op::literal ? node.literal_value() : of(node); }

    JsonDocument::Node root() const { return scope_.document ? scope_.document->root() : JsonDocument::none; }

    JsonDocument::Node follow_from(JsonDocument::Node start, const Node& node) const {
        if (!scope_.document || start == JsonDocument::none) return JsonDocument::none;
        return follow(*scope_.document, start, node.steps);
    }

    /// Where a path begins; `none` inside split(), where `$` is no node.
    JsonDocument::Node start_of(const Node& path) const {
        if (path.op == Op::root) return root();
        return scope_.part ? JsonDocument::none : scope_.record;
    }

    Value part(const Node& path) const {
        return path.steps.empty() ? Value{Value::Kind::text, std::nullopt, *scope_.part} : Value{};
    }

    Value named(const NamedValues* values, const Node& node) const {
        const Value* found = values ? values->find(node.name) : nullptr;
        return found ? *found : Value{};
    }

    Value json_value(JsonDocument::Node at) const {
        if (at == JsonDocument::none) return {};
        const JsonDocument& doc = *scope_.document;
        switch (doc.kind(at)) {
            case JsonKind::null: return {};
            case JsonKind::boolean: return {Value::Kind::boolean, std::nullopt, doc.raw(at)};
            case JsonKind::number: return {Value::Kind::number, std::nullopt, doc.raw(at)};
            case JsonKind::text: {
                if (const auto plain = doc.plain_text(at)) return {Value::Kind::text, std::nullopt, *plain};
                return text_value(doc.text(at), *scope_.arena);
            }
            case JsonKind::array:
            case JsonKind::object:
                return {Value::Kind::json, std::nullopt, doc.raw(at)};
        }
        return {};
    }

    Value choose(const Node& node) const {
        if (is_true(operand(*node.arguments[0]))) return of(*node.arguments[1]);
        return node.arguments.size() > 2 ? of(*node.arguments[2]) : Value{};
    }

    bool any_is(const Node& node, bool wanted) const {
        for (const auto& argument : node.arguments)
            if (is_true(operand(*argument)) == wanted) return true;
        return false;
    }

    /// Null in, null out. The first value may become the result, so it is one that lasts.
    Value call(const Node& node) const {
        std::array<Value, call_arguments_max> values;
        std::size_t given = 0;
        for (const auto& argument : node.arguments) {
            values[given] = given == 0 ? of(*argument) : operand(*argument);
            if (values[given++].is_null()) return {};
        }
        return node.function->apply({node, std::span(values.data(), given), scope_});
    }

    /// Elements of an array, members of an object; 0 for what is missing, so that "nobody" counts 0.
    Value count(const Node& path) const {
        if (path.yields_many())
            return number_value(static_cast<std::int64_t>(nodes_of(path).size()), *scope_.arena);
        const auto at = follow_from(start_of(path), path);
        const auto size = at == JsonDocument::none ? 0 : static_cast<std::int64_t>(scope_.document->child_count(at));
        return number_value(size, *scope_.arena);
    }

    std::vector<Record> nodes_of(const Node& path) const {
        std::vector<Record> found;
        const auto start = start_of(path);
        // As many as a document may hold: evaluate() does not throw.
        if (scope_.document && start != JsonDocument::none)
            expand(*scope_.document, start, path.steps, 0, std::numeric_limits<std::size_t>::max(), found);
        return found;
    }

    /// Nulls are left out, as Postgres' array_to_string() does.
    Value join(const Node& node) const {
        const Node& path = *node.arguments[0];
        const Value separator = operand(*node.arguments[1]);
        auto found = nodes_of(path);
        if (separator.is_null() || (found.empty() && !path.yields_many())) return {};
        const auto& doc = *scope_.document;
        if (!path.yields_many() && doc.kind(found[0].node) == JsonKind::array) {
            const auto array = found[0].node;
            found.clear();
            for (auto child = doc.first_child(array); child != JsonDocument::none; child = doc.next(child))
                if (doc.kind(child) != JsonKind::null) found.push_back({child, std::nullopt});
        }
        std::string text;
        bool first = true;
        for (const auto& one : found) {
            if (!first) text += separator.text;
            first = false;
            text += doc.kind(one.node) == JsonKind::text ? doc.text(one.node) : std::string(doc.raw(one.node));
            if (text.size() > made_bytes_max) return {};
        }
        return text_value(std::move(text), *scope_.arena);
    }

    const Scope& scope_;
};

std::vector<JsonProjection*> follow(std::vector<JsonProjection*> at, const std::vector<Node::Step>& steps) {
    for (const auto& step : steps)
        for (auto& projection : at)
            projection = step.kind == Node::Step::Kind::member ? &projection->member(step.name)
                                                               : &projection->every_child();
    return at;
}

std::vector<JsonProjection*> want_path(const Node& path, const std::vector<JsonProjection*>& records,
                                       JsonProjection& root) {
    if (path.op == Op::root) return follow({&root}, path.steps);
    return path.op == Op::record ? follow(records, path.steps) : std::vector<JsonProjection*>{};
}

std::vector<Record> members_of(const JsonDocument& document, const std::vector<Record>& objects, std::size_t records_max) {
    std::vector<Record> members;
    for (const auto& record : objects) {
        if (document.kind(record.node) != JsonKind::object) continue;
        for (auto child = document.first_child(record.node); child != JsonDocument::none; child = document.next(child)) {
            if (members.size() >= records_max) refuse_records(records_max);
            members.push_back({child, document.key(child)});
        }
    }
    return members;
}

std::vector<Record> parts_of(const Node& node, const Scope& scope, std::size_t records_max) {
    std::vector<Record> parts;
    const Value whole = Evaluation(scope).of(*node.arguments[0]);
    const Value separator = Evaluation(scope).of(*node.arguments[1]);
    if (whole.is_null() || separator.text.empty()) return parts;
    std::string_view text = whole.text;
    for (bool more = !text.empty(); more;) {
        if (parts.size() >= records_max) refuse_records(records_max);
        const auto at = text.find(separator.text);
        parts.push_back({scope.record, std::string(text.substr(0, at)), true});
        more = at != std::string_view::npos;
        if (more) text.remove_prefix(at + separator.text.size());
    }
    return parts;
}

}  // namespace

const Value* NamedValues::find(std::string_view name) const {
    for (const auto& [key, value] : entries)
        if (key == name) return &value;
    return nullptr;
}

Expression Expression::compile(std::string_view text) {
    Expression expression;
    expression.root_ = parse_expression(text, Names::scoped);
    expression.text_ = text;
    return expression;
}

Expression Expression::compile_placeholder(std::string_view text) {
    Expression expression;
    expression.root_ = parse_expression(text, Names::placeholder);
    expression.text_ = text;
    return expression;
}

Value Expression::evaluate(const Scope& scope) const { return Evaluation(scope).of(*root_); }

std::vector<Record> Expression::records(const Scope& scope, std::size_t records_max) const {
    if (yields_parts()) return parts_of(*root_, scope, records_max);
    std::vector<Record> found;
    const JsonDocument& document = *scope.document;
    const Node& path = root_->op == Op::entries ? *root_->arguments[0] : *root_;
    const auto from = path.op == Op::root ? document.root() : scope.record;
    if (from == JsonDocument::none) return found;
    expand(document, from, path.steps, 0, records_max, found);
    return root_->op == Op::entries ? members_of(document, found, records_max) : found;
}

std::vector<Record> Expression::records(const JsonDocument& document, JsonDocument::Node start,
                                        std::size_t records_max) const {
    Arena arena;
    Scope scope;
    scope.document = &document;
    scope.record = start;
    scope.arena = &arena;
    return records(scope, records_max);
}

void Expression::want(const std::vector<JsonProjection*>& records, JsonProjection& root) const {
    visit_all(*root_, [&](const Node& node) {
        (void)want_path(node, records, root);
        if (node.op != Op::count && node.op != Op::entries && node.op != Op::join) return;
        for (auto* counted : want_path(*node.arguments[0], records, root)) (void)counted->every_child();
    });
}

std::vector<JsonProjection*> Expression::want_records(const std::vector<JsonProjection*>& records,
                                                      JsonProjection& root) const {
    if (yields_parts()) {
        want(records, root);
        return {};
    }
    const bool members = root_->op == Op::entries;
    auto found = want_path(members ? *root_->arguments[0] : *root_, records, root);
    if (members)
        for (auto& projection : found) projection = &projection->every_child();
    return found;
}

}  // namespace pawl::core
