#include "core/named_values.hpp"

#include "core/errors.hpp"

namespace pawl::core {

namespace {

Value value_of(const JsonDocument& document, JsonDocument::Node node, Arena& arena) {
    using Kind = Value::Kind;
    Value value;
    switch (document.kind(node)) {
        case JsonKind::null:
            return value;
        case JsonKind::boolean:
            value.kind = Kind::boolean;
            break;
        case JsonKind::number:
            value.kind = Kind::number;
            break;
        case JsonKind::text:
            value.kind = Kind::text;
            value.text = arena.keep(document.text(node));
            return value;
        case JsonKind::array:
        case JsonKind::object:
            value.kind = Kind::json;
            break;
    }
    value.text = arena.keep(std::string(document.raw(node)));
    return value;
}

}  // namespace

NamedValues read_named_values(std::string_view json, Arena& arena) {
    NamedValues names;
    if (json.empty() || json == "{}") return names;
    const auto document = JsonDocument::parse(std::string(json));
    if (document.kind(document.root()) != JsonKind::object)
        throw PermanentError("The values of a partition are no JSON object");
    for (auto node = document.first_child(document.root()); node != JsonDocument::none;
         node = document.next(node))
        names.entries.emplace_back(document.key(node), value_of(document, node, arena));
    return names;
}

Value value_for_partition(const Expression& expression, std::string_view parent, std::string_view list, Arena& arena) {
    const auto parent_values = read_named_values(parent, arena);
    const auto list_values = read_named_values(list, arena);
    Scope scope;
    scope.parent = &parent_values;
    scope.list = &list_values;
    scope.arena = &arena;
    return expression.evaluate(scope);
}

}  // namespace pawl::core
