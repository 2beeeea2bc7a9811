#include "storage/stager.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "core/log.hpp"
#include "storage/copy_text.hpp"
#include "storage/identifier.hpp"
#include "storage/table_statements.hpp"

// Which columns a batch needs, of which types. How its rows are encoded for them: stager_rows.cpp.
namespace pawl::storage {

using core::ColumnType;
using core::Emit;
using core::EmitRows;
using core::Value;

bool carries_versions(const Emit& emit) {
    return (emit.merge == Emit::Merge::newest || emit.merge == Emit::Merge::history) && !emit.key.empty();
}

ColumnType storable_type(const Value& value) {
    const ColumnType type = core::infer_type(value);
    std::string scratch;
    const bool is_text = value.kind == Value::Kind::text && !value.as;
    return is_text && append_copy(scratch, value, type) == Encoded::misfit ? ColumnType::text
                                                                           : type;
}

const EmitRows* Stager::rows_of(std::size_t page) const {
    return has_rows(*pages_[page].page) ? any_rows_of(page) : nullptr;
}

const EmitRows* Stager::any_rows_of(std::size_t page) const {
    const BatchPage& entry = pages_[page];
    if (entry.stream != stage_.stream) return nullptr;
    for (const EmitRows& rows : entry.page->rows.emits)
        if (rows.emit == stage_.emit) return &rows;
    return nullptr;
}

void Stager::add_column(const std::string& original) {
    const std::string name = identifier(original);
    if (shape_.is_own(name)) return;
    for (const Stage::Column& column : stage_.columns)
        if (column.name == name) return;  // "Id" and "id" in one record: the first is kept
    Stage::Column column;
    column.original = original;
    column.name = name;
    const TableShape::Column* declared = shape_.find(name);
    column.is_key = std::find(shape_.key.begin(), shape_.key.end(), name) != shape_.key.end();
    column.is_fixed = column.is_key || (declared != nullptr && declared->declared);
    stage_.columns.push_back(std::move(column));
}

/// A field may get a column: the table is new, or holds nothing yet but what the source file names.
bool Stager::may_grow() const {
    if (source_.drift == core::SourceFile::Drift::add_columns) return info_->columns.size() < columns_max;
    return std::all_of(info_->columns.begin(), info_->columns.end(), [&](const auto& column) {
        return shape_.is_own(column.first) || shape_.find(column.first) != nullptr;
    });
}

bool Stager::lacks_overflow() const {
    if (!stage_.source_emit().infer || info_->find(overflow_column) != nullptr) return false;
    return source_.drift == core::SourceFile::Drift::add_columns && info_->columns.size() >= columns_max;
}

/// Fields without a column have a place as soon as the table has one for them.
void Stager::add_overflow() {
    if (!stage_.source_emit().infer || source_.drift == core::SourceFile::Drift::freeze) return;
    const TableInfo::Column* known = info_->find(overflow_column);
    const auto same = [](const Stage::Column& column) { return column.name == overflow_column; };
    if (known == nullptr || std::any_of(stage_.columns.begin(), stage_.columns.end(), same)) return;
    Stage::Column column;
    column.original = column.name = overflow_column;
    column.sql_type = known->sql_type;
    column.type = known->type;
    column.is_fixed = true;
    stage_.columns.push_back(std::move(column));
}

void Stager::tell_overflow() {
    if (overflowed_.empty()) return;
    SeenAt seen;
    for (const BatchPage& entry : pages_)
        if (entry.stream == stage_.stream && seen.slice == 0) seen = {entry.page->job.slice, entry.page->job.seq};
    tables_.tell_overflow(connection_, source_, stage_.source_emit().table, overflowed_, seen);
}

/// Key first. A short form owns all columns of its table that no other emit names, whether or not
/// this batch holds them: what a record does not have is null.
void Stager::find_columns() {
    const Emit& emit = stage_.source_emit();
    for (const std::string& column : emit.key) add_column(column);
    for (const Emit::Column& column : emit.columns) add_column(column.name);
    if (!emit.infer) return;
    for (const Emit::Type& type : emit.types) add_column(type.field);
    if (info_->exists)
        for (const auto& [name, column] : info_->columns)
            if (!shape_.is_own(name) && shape_.find(name) == nullptr) add_column(name);
    const bool grows = may_grow();
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        const EmitRows* rows = rows_of(page);
        if (rows == nullptr) continue;
        for (const std::string& column : rows->columns)
            if (grows || info_->find(identifier(column)) != nullptr) add_column(column);
    }
}

ColumnType Stager::observed_type(const Stage::Column& column) const {
    std::optional<ColumnType> type;
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        const EmitRows* rows = rows_of(page);
        if (rows == nullptr) continue;
        for (std::size_t c = 0; c < rows->columns.size(); ++c) {
            if (identifier(rows->columns[c]) != column.name) continue;
            for (std::size_t cell = c; cell < rows->cells.size(); cell += rows->columns.size()) {
                const Value& value = rows->cells[cell];
                if (value.is_null()) continue;
                const ColumnType one = storable_type(value);
                type = type ? core::widen(*type, one) : one;
            }
            break;
        }
    }
    // No value at all: the caller leaves the column out. `text` only ever reaches a table for
    // declared columns.
    return type.value_or(ColumnType::text);
}

std::vector<WantedColumn> Stager::unknown_columns() const {
    std::vector<WantedColumn> wanted;
    for (const Stage::Column& column : stage_.columns) {
        if (info_->find(column.name) != nullptr) continue;
        bool has_value = false;
        for (std::size_t page = 0; page < pages_.size() && !has_value; ++page) {
            const EmitRows* rows = rows_of(page);
            if (rows == nullptr) continue;
            for (std::size_t c = 0; c < rows->columns.size() && !has_value; ++c) {
                if (identifier(rows->columns[c]) != column.name) continue;
                for (std::size_t cell = c; cell < rows->cells.size() && !has_value;
                     cell += rows->columns.size())
                    has_value = !rows->cells[cell].is_null();
            }
        }
        if (has_value) wanted.push_back({column.original, column.name, observed_type(column)});
    }
    return wanted;
}

void Stager::ensure(const std::vector<WantedColumn>& wanted) {
    info_ = tables_.ensure(connection_, source_, stage_.source_emit().table, wanted, seen_);
}

/// Columns take the table's types; those that it does not have (only nulls were seen) go.
void Stager::refresh_types() {
    std::erase_if(stage_.columns,
                  [&](const Stage::Column& column) { return info_->find(column.name) == nullptr; });
    for (Stage::Column& column : stage_.columns) {
        const TableInfo::Column* known = info_->find(column.name);
        column.sql_type = known->sql_type;
        column.type = known->type;
    }
    add_overflow();
}

/// A key column without a type yet: this batch holds nothing but nulls for it.
bool Stager::lacks_key() const {
    const auto is_key = [](const Stage::Column& column) { return column.is_key; };
    const auto found = std::count_if(stage_.columns.begin(), stage_.columns.end(), is_key);
    return stage_.columns.empty() || static_cast<std::size_t>(found) < shape_.key.size();
}

Stage Stager::run(std::size_t number, std::string buffer) {
    stage_.rows = std::move(buffer);
    const Emit& emit = stage_.source_emit();
    stage_.name = fmt::format("pg_temp.pawl_stage_{}", number);
    stage_.staged.assign(pages_.size(), 0);
    stage_.rejected.assign(pages_.size(), {});
    info_ = tables_.find(connection_, source_, emit.table);
    find_columns();
    const auto missing_own = [&] {
        const auto own = own_columns(shape_);
        return info_->exists && (lacks_overflow() || std::any_of(own.begin(), own.end(), [&](const auto& column) {
                                     return info_->find(column.first) == nullptr;
                                 }));
    };
    const std::vector<WantedColumn> wanted = unknown_columns();
    if (!wanted.empty() || missing_own()) {
        for (const BatchPage& entry : pages_)
            if (entry.stream == stage_.stream && seen_.slice == 0)
                seen_ = {entry.page->job.slice, entry.page->job.seq};
        ensure(wanted);
        seen_ = {};
    }
    refresh_types();
    if (lacks_key())
        reject_all(emit.key.empty() ? "no column has a value" : "the key has no value");
    for (int round = 0; !lacks_key() && !encode(); ++round) {
        if (round == widening_rounds)
            throw std::logic_error("columns of " + emit.table + " never stop widening");
        std::vector<WantedColumn> wide;
        for (const Stage::Column& column : stage_.columns)
            if (const auto found = wider_.find(column.name); found != wider_.end())
                wide.push_back({column.original, column.name, found->second});
        ensure(wide);
        refresh_types();
    }
    tell_overflow();
    if (info_->exists) encode_replaced();
    if (stage_.repaired > 0)
        core::log::warn(
            "Values repaired: NUL or lone surrogates became U+FFFD",
            {{"source", source_.name}, {"table", emit.table}, {"count", stage_.repaired}});

    UpsertTarget& target = stage_.target;
    target.table = quoted_table(source_.schema, emit.table);
    target.stage = stage_.name;
    for (const Stage::Column& column : stage_.columns)
        (column.is_key && !emit.key.empty() ? target.key : target.values).push_back(column.name);
    target.merge = emit.merge;
    target.version = version_column(source_, *stage_.stream, stage_.emit);
    target.replaces = !emit.replace_by.empty() && !emit.sweeps();
    return std::move(stage_);
}

}  // namespace pawl::storage
