#include "core/expression.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "core/expression_tree.hpp"
#include "core/json_projection.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

using Node = Expression::Node;
using Op = Expression::Node::Op;

namespace {

Value number_value(std::int64_t number, Arena& arena) {
    return {Value::Kind::number, std::nullopt, arena.keep(std::to_string(number))};
}

Value text_value(std::string text, Arena& arena) {
    return {Value::Kind::text, std::nullopt, arena.keep(std::move(text))};
}

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

const Value* lookup(const NamedValues* values, const std::string& name) {
    return values ? values->find(name) : nullptr;
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
            case Op::record: return json_value(follow_from(scope_.record, node));
            case Op::root: return json_value(follow_from(scope_.document ? scope_.document->root() : 0, node));
            case Op::parent: return named(scope_.parent, node);
            case Op::list: return named(scope_.list, node);
            case Op::header: return named(scope_.header, node);
            case Op::link: return named(scope_.link, node);
            case Op::key:
                if (!scope_.entry_key) return {};
                return {Value::Kind::text, std::nullopt, *scope_.entry_key};
            case Op::coalesce:
                for (const auto& argument : node.arguments)
                    if (Value value = of(*argument); !value.is_null()) return value;
                return {};
            case Op::lower:
            case Op::upper: return cased(node);
            case Op::trim: return trimmed(node);
            case Op::count: return count(node);
            case Op::entries: return {};  // yields records, not a value
        }
        return {};
    }

    /// Copied: a value may outlive its expression (a reload), but not its arena.
    Value literal(const Node& node) const {
        Value value = node.literal;
        if (!value.is_null()) value.text = scope_.arena->keep(node.literal_text);
        return value;
    }

    JsonDocument::Node follow_from(JsonDocument::Node start, const Node& node) const {
        if (!scope_.document || start == JsonDocument::none) return JsonDocument::none;
        return follow(*scope_.document, start, node.steps);
    }

    Value named(const NamedValues* values, const Node& node) const {
        const Value* found = lookup(values, node.name);
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

    /// ASCII letters only: what names of accounts and repositories need; the same as SQL's lower() for them.
    Value cased(const Node& node) const {
        const Value value = of(*node.arguments[0]);
        if (value.kind != Value::Kind::text) return value;
        std::string text{value.text};
        const bool up = node.op == Op::upper;
        for (char& c : text) {
            if (up && c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
            if (!up && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        }
        return text_value(std::move(text), *scope_.arena);
    }

    Value trimmed(const Node& node) const {
        Value value = of(*node.arguments[0]);
        if (value.kind != Value::Kind::text) return value;
        constexpr std::string_view blank = " \t\r\n";
        const auto first = value.text.find_first_not_of(blank);
        if (first == std::string_view::npos) return {Value::Kind::text, std::nullopt, {}};
        value.text = value.text.substr(first, value.text.find_last_not_of(blank) - first + 1);
        return value;
    }

    /// Elements of an array, members of an object; 0 for what is missing, so that "nobody" counts 0.
    Value count(const Node& node) const {
        const Node& what = *node.arguments[0];
        const auto start = what.op == Op::root && scope_.document ? scope_.document->root() : scope_.record;
        const auto at = follow_from(start, what);
        const auto size = at == JsonDocument::none ? 0 : static_cast<std::int64_t>(scope_.document->child_count(at));
        return number_value(size, *scope_.arena);
    }

    const Scope& scope_;
};

/// All nodes that steps with wildcards lead to, in document order.
void expand(const JsonDocument& doc, JsonDocument::Node at, const std::vector<Node::Step>& steps, std::size_t from,
            std::size_t records_max, std::vector<Record>& out) {
    if (at == JsonDocument::none || doc.kind(at) == JsonKind::null) return;
    if (from == steps.size()) {
        if (out.size() >= records_max)
            throw PermanentError("a page with more than " + std::to_string(records_max) + " records");
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

template <typename Visit>
void visit_all(const Node& node, const Visit& visit) {
    visit(node);
    for (const auto& argument : node.arguments) visit_all(*argument, visit);
}

}  // namespace

const Value* NamedValues::find(std::string_view name) const {
    for (const auto& [key, value] : entries)
        if (key == name) return &value;
    return nullptr;
}

Expression Expression::compile(std::string_view text) {
    Expression expression;
    expression.root_ = parse_expression(text);
    expression.text_ = text;
    return expression;
}

Value Expression::evaluate(const Scope& scope) const { return Evaluation(scope).of(*root_); }

std::vector<Record> Expression::records(const JsonDocument& document, JsonDocument::Node start,
                                        std::size_t records_max) const {
    std::vector<Record> out;
    const Node& path = root_->op == Op::entries ? *root_->arguments[0] : *root_;
    const auto from = path.op == Op::root ? document.root() : start;
    if (from == JsonDocument::none) return out;
    expand(document, from, path.steps, 0, records_max, out);
    if (root_->op != Op::entries) return out;
    std::vector<Record> members;
    for (const auto& record : out) {
        if (document.kind(record.node) != JsonKind::object) continue;
        for (auto child = document.first_child(record.node); child != JsonDocument::none; child = document.next(child)) {
            if (members.size() >= records_max)
                throw PermanentError("a page with more than " + std::to_string(records_max) + " records");
            members.push_back({child, document.key(child)});
        }
    }
    return members;
}

void Expression::want(const std::vector<JsonProjection*>& records, JsonProjection& root) const {
    visit_all(*root_, [&](const Node& node) {
        (void)want_path(node, records, root);
        if (node.op != Op::count && node.op != Op::entries) return;
        for (auto* counted : want_path(*node.arguments[0], records, root)) (void)counted->every_child();
    });
}

std::vector<JsonProjection*> Expression::want_records(const std::vector<JsonProjection*>& records,
                                                      JsonProjection& root) const {
    const bool members = root_->op == Op::entries;
    auto found = want_path(members ? *root_->arguments[0] : *root_, records, root);
    if (members)
        for (auto& projection : found) projection = &projection->every_child();
    return found;
}

std::optional<ColumnType> Expression::static_type() const {
    const Node* node = root_.get();
    if (node->as) return node->as;
    switch (node->op) {
        case Op::count: return ColumnType::bigint;
        case Op::lower:
        case Op::upper:
        case Op::trim:
        case Op::header:
        case Op::key: return ColumnType::text;
        case Op::link: return node->name.ends_with(".page") ? std::optional(ColumnType::bigint) : ColumnType::text;
        case Op::coalesce: {
            std::optional<ColumnType> type;
            for (const auto& argument : node->arguments) {
                Expression part;
                part.root_ = argument;
                const auto one = part.static_type();
                if (!one) return std::nullopt;
                type = type ? widen(*type, *one) : *one;
            }
            return type;
        }
        case Op::literal:
            return node->literal.is_null() ? std::nullopt : std::optional(infer_type(node->literal_value()));
        default: return std::nullopt;
    }
}

std::vector<std::string> Expression::parent_names() const {
    std::vector<std::string> names;
    visit_all(*root_, [&names](const Node& node) {
        if (node.op == Op::parent) names.push_back(node.name);
    });
    return names;
}

std::vector<std::string> Expression::list_names() const {
    std::vector<std::string> names;
    visit_all(*root_, [&names](const Node& node) {
        if (node.op == Op::list) names.push_back(node.name);
    });
    return names;
}

std::vector<std::string> Expression::header_names() const {
    std::vector<std::string> names;
    visit_all(*root_, [&names](const Node& node) {
        if (node.op != Op::header) return;
        std::string name = node.name;
        std::replace(name.begin(), name.end(), '_', '-');
        names.push_back(name);
    });
    return names;
}

bool Expression::uses_link() const {
    bool uses = false;
    visit_all(*root_, [&uses](const Node& node) { uses = uses || node.op == Op::link; });
    return uses;
}

bool Expression::uses_record() const {
    bool uses = false;
    visit_all(*root_, [&uses](const Node& node) { uses = uses || node.op == Op::record || node.op == Op::key; });
    return uses;
}

bool Expression::uses_response() const {
    bool uses = false;
    visit_all(*root_, [&uses](const Node& node) {
        uses = uses || node.op == Op::record || node.op == Op::root || node.op == Op::header || node.op == Op::link ||
               node.op == Op::key;
    });
    return uses;
}

bool Expression::yields_many() const {
    const Node& path = root_->op == Op::entries ? *root_->arguments[0] : *root_;
    return root_->op == Op::entries || std::any_of(path.steps.begin(), path.steps.end(), [](const Node::Step& step) {
               return step.kind == Node::Step::Kind::each;
           });
}

}  // namespace pawl::core
