#include <fmt/format.h>

#include <algorithm>

#include "core/unicode.hpp"
#include "storage/copy_text.hpp"
#include "storage/identifier.hpp"
#include "storage/stager.hpp"

// Rows of a batch as COPY text, for columns whose types are known; what does not fit either widens
// its column or is rejected.
namespace pawl::storage {

using core::ColumnType;
using core::Emit;
using core::EmitRows;
using core::Value;

namespace {

constexpr std::size_t key_bytes_max = 2'600;  // a btree entry ends at 2,704 bytes (sqlstate 54000)
constexpr std::size_t record_bytes_max = 65'536;  // of a rejected record
// Where a column of the stage stands in a page's rows, if it does not stand there as one.
constexpr int nowhere = -1, left_over = -2;

/// The cells of a row as a JSON object, for people.
std::string row_text(const EmitRows& rows, std::size_t row) {
    std::string out = "{";
    for (std::size_t c = 0; c < rows.columns.size() && out.size() < record_bytes_max; ++c) {
        const Value& value = rows.cells[row * rows.columns.size() + c];
        if (c > 0) out += ", ";
        out += core::quote_json(rows.columns[c]) + ": ";
        if (value.is_null())
            out += "null";
        else if (value.kind == Value::Kind::text)
            out += core::quote_json(value.text);
        else
            out += value.text;
    }
    out += "}";
    if (out.size() > record_bytes_max) out = core::repair_utf8(out.substr(0, record_bytes_max));
    return out;
}

}  // namespace

/// Why `value` cannot go into `column`; "" when the column shall widen instead.
std::string Stager::misfit(Stage::Column& column, const Value& value) {
    const auto found = wider_.find(column.name);
    const ColumnType now = found == wider_.end() ? column.type : found->second;
    const ColumnType wide = core::widen(now, storable_type(value));
    std::string scratch;
    const bool would_fit = append_copy(scratch, value, wide) != Encoded::misfit;
    if (!column.is_fixed && would_fit && wide != column.type) {
        wider_[column.name] = wide;
        return "";
    }
    std::string shown(value.text.substr(0, 80));
    return fmt::format("column {}: {} does not fit {}", column.original,
                       core::repair_utf8(core::quote_json(shown)), column.sql_type);
}

void Stager::append_row(std::size_t page, const EmitRows& rows, const std::vector<int>& from,
                        std::size_t row) {
    std::string& out = stage_.rows;
    const std::size_t start = out.size();
    const Value* cells = rows.cells.data() + row * rows.columns.size();
    std::size_t key_bytes = 0;
    std::string reason;
    bool fits = true;
    for (std::size_t c = 0; c < stage_.columns.size(); ++c) {
        Stage::Column& column = stage_.columns[c];
        if (from[c] == nowhere) {
            out += "\\N\t";
            continue;
        }
        std::string overflow;
        Value rest;
        if (from[c] == left_over) {
            overflow = overflow_of(rows, cells);
            if (!overflow.empty()) rest = {Value::Kind::json, std::nullopt, overflow};
        }
        const Value& value = from[c] == left_over ? rest : cells[from[c]];
        const std::size_t at = out.size();
        switch (append_copy(out, value, column.type)) {
            case Encoded::ok:
                break;
            case Encoded::repaired:
                ++stage_.repaired;
                break;
            case Encoded::misfit:
                fits = false;
                out.resize(at);
                if (reason.empty()) reason = misfit(column, value);
                break;
        }
        if (column.is_key) {
            key_bytes += out.size() - at;
            if (value.is_null() && reason.empty())
                reason = "key column " + column.original + " is null";
        }
        out += '\t';
    }
    if (key_bytes > key_bytes_max && reason.empty())
        reason =
            fmt::format("the key is {} bytes long; an index takes {}", key_bytes, key_bytes_max);
    if (!fits || !reason.empty()) {
        out.resize(start);
        if (!reason.empty()) stage_.rejected[page].push_back({reason, row_text(rows, row)});
        return;
    }
    append_copy_integer(out, static_cast<std::int64_t>(page) + 1);
    out += '\t';
    append_copy_integer(out, static_cast<std::int64_t>(row));
    if (carries_versions(stage_.source_emit())) {
        out += '\t';
        const bool told = row < rows.versions.size();
        append_copy_integer(out, told ? rows.versions[row] : pages_[page].page->job.requested_at);
    }
    out += '\n';
    ++stage_.staged[page];
}

/// The fields of a row that have no column, as a JSON object; "" where all of them are null.
std::string Stager::overflow_of(const EmitRows& rows, const Value* cells) {
    std::string out;
    for (const std::size_t c : left_over_) {
        const Value& value = cells[c];
        if (value.is_null()) continue;
        out += (out.empty() ? "{" : ", ") + core::quote_json(rows.columns[c]) + ": ";
        out += value.kind == Value::Kind::text ? core::quote_json(value.text) : std::string(value.text);
        overflowed_.insert(rows.columns[c]);
    }
    return out.empty() ? out : out + "}";
}

void Stager::reject_all(const std::string& reason) {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        const EmitRows* rows = rows_of(page);
        if (rows == nullptr) continue;
        for (std::size_t row = 0; row < rows->row_count(); ++row)
            stage_.rejected[page].push_back({reason, row_text(*rows, row)});
    }
}

void Stager::find_left_over(const EmitRows& rows) {
    left_over_.clear();
    if (stage_.columns.empty() || stage_.columns.back().name != overflow_column) return;
    for (std::size_t c = 0; c < rows.columns.size(); ++c) {
        const std::string name = identifier(rows.columns[c]);
        const auto same = [&](const Stage::Column& column) { return column.name == name; };
        if (std::none_of(stage_.columns.begin(), stage_.columns.end(), same)) left_over_.push_back(c);
    }
}

void Stager::encode_page(std::size_t page, const EmitRows& rows) {
    std::vector<int> from;  // where a column of the stage stands in these rows
    find_left_over(rows);
    for (const Stage::Column& column : stage_.columns) {
        if (column.name == overflow_column) {
            from.push_back(left_over_.empty() ? nowhere : left_over);
            continue;
        }
        const auto same = [&](const std::string& name) {
            return name == column.original || identifier(name) == column.name;
        };
        const auto found = std::find_if(rows.columns.begin(), rows.columns.end(), same);
        from.push_back(
            found == rows.columns.end() ? nowhere : static_cast<int>(found - rows.columns.begin()));
    }
    for (std::size_t row = 0; row < rows.row_count(); ++row) append_row(page, rows, from, row);
}

/// Encodes all rows for the types as they are known. False: columns must widen first, and then all
/// is encoded again.
bool Stager::encode() {
    stage_.rows.clear();
    overflowed_.clear();
    stage_.repaired = 0;
    stage_.staged.assign(pages_.size(), 0);
    stage_.rejected.assign(pages_.size(), {});
    wider_.clear();
    std::size_t bytes = 0;
    for (std::size_t page = 0; page < pages_.size(); ++page)
        if (rows_of(page) != nullptr) bytes += pages_[page].page->job.body_size;
    stage_.rows.reserve(bytes + bytes / 4);  // a record whole and its columns
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        const EmitRows* rows = rows_of(page);
        if (rows == nullptr) continue;
        encode_page(page, *rows);
        if (!wider_.empty() && seen_.slice == 0)
            seen_ = {pages_[page].page->job.slice, pages_[page].page->job.seq};
    }
    return wider_.empty();
}

void Stager::encode_replaced() {
    const Emit& emit = stage_.source_emit();
    for (const std::string& name : emit.replace_by) {
        const TableInfo::Column* known = info_->find(identifier(name));
        if (known == nullptr)
            return;  // the table has no such column yet: there is nothing to replace
        stage_.replace_columns.push_back(
            {name, identifier(name), known->sql_type, known->type, false, false});
    }
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        const PageCommit& commit = *pages_[page].page;
        if (pages_[page].stream != stage_.stream || !(emit.sweeps() ? ends_whole_walk(commit) : ends_walk(commit))) continue;
        if (emit.replace_by.empty()) {
            stage_.replaces_walks = emit.is_replaced_as_a_whole() || stage_.replaces_walks;
            continue;
        }
        const EmitRows* rows = emit.sweeps() ? any_rows_of(page) : rows_of(page);
        if (rows == nullptr || rows->replace_values.size() != emit.replace_by.size())
            continue;  // not known: nothing to go by
        const std::size_t start = stage_.replaced.size();
        bool fits = true;
        for (std::size_t c = 0; c < emit.replace_by.size(); ++c) {
            fits = fits && append_copy(stage_.replaced, rows->replace_values[c],
                                       stage_.replace_columns[c].type) != Encoded::misfit;
            stage_.replaced += '\t';
        }
        append_copy_integer(stage_.replaced, static_cast<std::int64_t>(page) + 1);
        stage_.replaced += '\n';
        if (!fits) stage_.replaced.resize(start);  // no row of the table can have such a value
    }
}

}  // namespace pawl::storage
