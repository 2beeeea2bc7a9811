#include "core/page_records.hpp"

#include <algorithm>

namespace pawl::core {

namespace {

std::vector<Record> elements_of(const JsonDocument& document, JsonDocument::Node array) {
    std::vector<Record> elements;
    for (auto node = document.first_child(array); node != JsonDocument::none; node = document.next(node))
        elements.push_back({node, std::nullopt});
    return elements;
}

/// Adds what is called `name` at `node` or below; what lies within one of them is part of it.
void add_elements(const JsonDocument& document, JsonDocument::Node node, const std::string& name, std::vector<Record>& found) {
    for (auto child = document.first_child(node); child != JsonDocument::none; child = document.next(child)) {
        const bool named = document.kind(node) == JsonKind::object && document.key(child) == name;
        if (!named) add_elements(document, child, name, found);
        else if (document.kind(child) == JsonKind::array)
            for (auto& one : elements_of(document, child)) found.push_back(std::move(one));
        else found.push_back({child, std::nullopt});
    }
}

}  // namespace

std::vector<Record> page_records(const Stream& stream, const JsonDocument& document) {
    if (!stream.records_element.empty()) {
        std::vector<Record> found;
        add_elements(document, document.root(), stream.records_element, found);
        return found;
    }
    if (stream.records) return spread(document, *stream.records, stream.records->records(document, document.root()));
    if (stream.reads_elements() && document.kind(document.root()) == JsonKind::array) return elements_of(document, document.root());
    return {{document.root(), std::nullopt}};
}

std::optional<std::vector<Record>> listed_records(const Stream& stream, const JsonDocument& document) {
    if (stream.records || !stream.records_element.empty()) return page_records(stream, document);
    if (document.kind(document.root()) == JsonKind::array) return elements_of(document, document.root());
    return std::nullopt;
}

std::optional<std::int64_t> mark_of_record(const Incremental& incremental, const JsonDocument& document,
                                           const Record& record) {
    Arena arena;
    Scope scope;
    scope.document = &document;
    scope.record = record.node;
    scope.arena = &arena;
    return mark_of(incremental.field->evaluate(scope), incremental.numeric);
}

std::optional<std::int64_t> largest_mark(const Stream& stream, const JsonDocument& document) {
    if (!stream.incremental || !stream.incremental->field) return std::nullopt;
    std::optional<std::int64_t> largest;
    const auto listed = listed_records(stream, document);
    for (const Record& record : listed ? *listed : std::vector<Record>{{document.root(), std::nullopt}})
        largest = std::max(largest, mark_of_record(*stream.incremental, document, record));
    return largest;
}

std::vector<Record> spread(const JsonDocument& document, const Expression& path, std::vector<Record> records) {
    if (path.yields_many() || records.size() != 1 || document.kind(records[0].node) != JsonKind::array) return records;
    return elements_of(document, records[0].node);
}

}  // namespace pawl::core
