#include "collector/named_values.hpp"

#include "core/errors.hpp"

namespace pawl::collector {

namespace {

core::Value value_of(const core::JsonDocument& document, core::JsonDocument::Node node,
                     core::Arena& arena) {
    using Kind = core::Value::Kind;
    core::Value value;
    switch (document.kind(node)) {
        case core::JsonKind::null:
            return value;
        case core::JsonKind::boolean:
            value.kind = Kind::boolean;
            break;
        case core::JsonKind::number:
            value.kind = Kind::number;
            break;
        case core::JsonKind::text:
            value.kind = Kind::text;
            value.text = arena.keep(document.text(node));
            return value;
        case core::JsonKind::array:
        case core::JsonKind::object:
            value.kind = Kind::json;
            value.unicode_escape = document.has_unicode_escape(node);
            break;
    }
    value.text = arena.keep(std::string(document.raw(node)));
    return value;
}

}  // namespace

core::NamedValues read_named_values(std::string_view json, core::Arena& arena) {
    core::NamedValues names;
    if (json.empty() || json == "{}") return names;
    const auto document = core::JsonDocument::parse(std::string(json));
    if (document.kind(document.root()) != core::JsonKind::object)
        throw core::PermanentError("The values of a partition are no JSON object");
    for (auto node = document.first_child(document.root()); node != core::JsonDocument::none;
         node = document.next(node))
        names.entries.emplace_back(document.key(node), value_of(document, node, arena));
    return names;
}

}  // namespace pawl::collector
