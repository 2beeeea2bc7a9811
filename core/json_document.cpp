#include "core/json_document.hpp"

#include "core/errors.hpp"
#include "core/json_indexer.hpp"
#include "core/json_projection.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

JsonDocument JsonDocument::parse(std::string text, const JsonBounds& bounds, const JsonProjection* wanted) {
    if (text.size() > bounds.bytes_max)
        throw PermanentError("JSON of " + std::to_string(text.size()) + " bytes is over the bound of " +
                             std::to_string(bounds.bytes_max));
    return index(std::move(text), {.bounds = bounds, .wanted = wanted, .checked = false});
}

JsonDocument JsonDocument::parse_checked(std::string text, const JsonProjection& wanted) {
    return index(std::move(text), {.bounds = {}, .wanted = &wanted, .checked = true});
}

JsonDocument JsonDocument::index(std::string text, const JsonReading& reading) {
    JsonDocument document;
    document.text_ = std::move(text);
    document.text_.reserve(document.text_.size() + padding);
    index_json(document.text_, reading, document.values_);
    return document;
}

std::string_view JsonDocument::raw(Node node) const {
    const auto& value = values_[node];
    return {text_.data() + value.begin, value.end - value.begin};
}

std::optional<std::string_view> JsonDocument::plain_text(Node node) const {
    const auto& value = values_[node];
    if (value.escaped) return std::nullopt;
    return std::string_view{text_.data() + value.begin + 1, value.end - value.begin - 2};
}

std::string JsonDocument::text(Node node) const {
    const auto& value = values_[node];
    return unescape_json({text_.data() + value.begin + 1, value.end - value.begin - 2});
}

JsonDocument::Node JsonDocument::first_child(Node node) const {
    return values_[node].children == 0 ? none : node + 1;
}

std::string JsonDocument::key(Node node) const {
    const auto& value = values_[node];
    const std::string_view raw{text_.data() + value.key_begin, value.key_end - value.key_begin};
    return value.key_escaped ? unescape_json(raw) : std::string(raw);
}

JsonDocument::Node JsonDocument::member(Node object, std::string_view name) const {
    Node found = none;
    if (kind(object) != JsonKind::object) return found;
    for (Node child = first_child(object); child != none; child = next(child)) {
        const auto& value = values_[child];
        const std::string_view raw{text_.data() + value.key_begin, value.key_end - value.key_begin};
        if (value.key_escaped ? unescape_json(raw) == name : raw == name) found = child;
    }
    return found;
}

JsonDocument::Node JsonDocument::element(Node array, std::int64_t index) const {
    if (kind(array) != JsonKind::array) return none;
    const auto count = static_cast<std::int64_t>(child_count(array));
    if (index < 0) index += count;
    if (index < 0 || index >= count) return none;
    Node child = first_child(array);
    while (index-- > 0) child = next(child);
    return child;
}

}  // namespace pawl::core
