#include "core/decode_rows.hpp"

#include "core/column_names.hpp"
#include "core/errors.hpp"
#include "core/json_array.hpp"
#include "core/json_document.hpp"
#include "core/page_records.hpp"

namespace pawl::core {

namespace {

std::vector<Record> found_by(const Expression& path, const JsonDocument& document) {
    return spread(document, path, path.records(document, document.root()));
}

std::string name_at(const JsonDocument& document, JsonDocument::Node node) {
    switch (document.kind(node)) {
        case JsonKind::text: return document.text(node);
        case JsonKind::null: return {};
        default: return std::string(document.raw(node));
    }
}

std::vector<std::string> names_of(const RowColumns& columns, const JsonDocument& document) {
    if (!columns.path) return columns.names;
    std::vector<std::string> names;
    for (const auto& record : found_by(*columns.path, document)) names.push_back(name_at(document, record.node));
    if (names.empty()) throw PermanentError("records.columns: " + columns.path->text() + " finds no names");
    return distinct_names(names);
}

void append_object(std::string& out, const JsonDocument& document, JsonDocument::Node row,
                   const std::vector<std::string>& members) {
    out += '{';
    std::size_t column = 0;
    for (auto value = document.first_child(row); value != JsonDocument::none; value = document.next(value)) {
        if (column > 0) out += ',';
        out += members[column++];
        out += document.raw(value);
    }
    out += '}';
}

}  // namespace

std::string rows_as_objects(const Expression& rows, const RowColumns& columns, std::string json,
                            const JsonBounds& bounds) {
    const auto document = JsonDocument::parse(std::move(json), bounds);
    const auto found = found_by(rows, document);
    const auto whole = document.raw(document.root());
    if (found.empty()) return std::string(whole);
    const auto members = quoted_members(names_of(columns, document));
    std::string out;
    out.reserve(whole.size() * 2);
    const char* copied = whole.data();
    for (const auto& record : found) {  // in the order of the text
        const auto row = document.raw(record.node);
        if (document.kind(record.node) != JsonKind::array || document.child_count(record.node) > members.size()) continue;
        out.append(copied, static_cast<std::size_t>(row.data() - copied));
        append_object(out, document, record.node, members);
        copied = row.data() + row.size();
        check_decoded(out);
    }
    out.append(copied, static_cast<std::size_t>(whole.data() + whole.size() - copied));
    return out;
}

}  // namespace pawl::core
