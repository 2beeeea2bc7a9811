#include "storage/table_shape.hpp"

#include <algorithm>
#include <set>

#include "core/errors.hpp"
#include "core/identity.hpp"
#include "storage/identifier.hpp"

namespace pawl::storage {

namespace {

bool is_versioned(const core::Emit& emit) {
    using Merge = core::Emit::Merge;
    return !emit.key.empty() && emit.merge != Merge::fill_null && emit.merge != Merge::history;
}

/// `_pawl_version_<stream>`, within 63 bytes.
std::string version_name(const std::string& stream, int number) {
    std::string name = "_pawl_version_" + identifier(stream);
    if (number > 1) name += "_" + std::to_string(number);
    if (name.size() <= 63) return name;
    return name.substr(0, 54) + "_" + core::sha256_hex(name).substr(0, 8);
}

void add_column(TableShape& shape, const std::string& original,
                std::optional<core::ColumnType> declared, bool is_key) {
    const std::string name = identifier(original);
    for (TableShape::Column& column : shape.columns) {
        if (column.name != name) continue;
        if (column.original != original)
            throw core::ConfigError("table " + shape.table + ": the columns \"" + column.original +
                                    "\" and \"" + original + "\" have one name in Postgres, \"" +
                                    name + "\"");
        if (declared)
            column.declared =
                column.declared ? core::widen(*column.declared, *declared) : *declared;
        return;
    }
    shape.columns.push_back({original, name, declared, is_key});
}

}  // namespace

const TableShape::Column* TableShape::find(const std::string& name) const {
    for (const Column& column : columns)
        if (column.name == name) return &column;
    return nullptr;
}

bool TableShape::is_own(const std::string& name) const {
    return name.starts_with("_pawl_") || (history && (name == core::valid_from_column || name == core::valid_to_column));
}

std::vector<std::string> TableShape::primary_key() const {
    std::vector<std::string> names = key;
    if (history) names.emplace_back(core::valid_from_column);
    return names;
}

TableShape shape_of(const core::SourceFile& source, const std::string& table) {
    TableShape shape;
    shape.table = table;
    const auto emits = [&](auto&& visit) {
        for (const core::Stream& stream : source.streams)
            for (std::size_t i = 0; i < stream.emits.size(); ++i)
                if (stream.emits[i].table == table) visit(stream, i, stream.emits[i]);
    };
    emits([&](const core::Stream&, std::size_t, const core::Emit& emit) {
        if (!shape.key.empty()) return;
        for (const std::string& column : emit.key) {
            add_column(shape, column, std::nullopt, true);
            shape.key.push_back(identifier(column));
        }
    });
    emits([&](const core::Stream& stream, std::size_t index, const core::Emit& emit) {
        for (const core::Emit::Column& column : emit.columns)
            add_column(shape, column.name, column.value.static_type(), false);
        for (const core::Emit::Type& type : emit.types) add_column(shape, type.field, type.type, false);
        shape.infers = shape.infers || emit.infer;
        shape.history = shape.history || emit.merge == core::Emit::Merge::history;
        shape.marks = shape.marks || (emit.absent == core::Emit::Absent::mark && !shape.history);
        shape.notes_seen = shape.notes_seen || (emit.sweeps() && emit.merge != core::Emit::Merge::overwrite);
        shape.overflows = shape.infers && source.drift == core::SourceFile::Drift::overflow;
        if (is_versioned(emit)) shape.versions.push_back(version_column(source, stream, index));
    });
    return shape;
}

std::vector<std::string> table_names(const core::SourceFile& source) {
    std::set<std::string> names;
    for (const core::Stream& stream : source.streams)
        for (const core::Emit& emit : stream.emits) names.insert(emit.table);
    return {names.begin(), names.end()};
}

std::string version_column(const core::SourceFile& source, const core::Stream& stream,
                           std::size_t emit) {
    const core::Emit& mine = stream.emits[emit];
    if (!is_versioned(mine)) return "";
    bool is_first = true;
    for (const core::Stream& other : source.streams) {
        int number = 0;
        for (std::size_t i = 0; i < other.emits.size(); ++i) {
            if (other.emits[i].table != mine.table || !is_versioned(other.emits[i])) continue;
            ++number;
            if (other.name == stream.name && i == emit)
                return is_first ? "_pawl_version" : version_name(stream.name, number);
            is_first = false;
        }
    }
    return "_pawl_version";  // the stream is not in the file any more: a reload in between
}

}  // namespace pawl::storage
