#include "storage/staging.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/errors.hpp"
#include "core/log.hpp"
#include "core/unicode.hpp"
#include "storage/copy_text.hpp"
#include "storage/identifier.hpp"

namespace pawl::storage {

namespace {

using core::ColumnType;
using core::Emit;
using core::EmitRows;
using core::Value;

constexpr std::size_t key_bytes_max = 2'600;  // a btree entry ends at 2,704 bytes (sqlstate 54000)
constexpr std::size_t record_bytes_max = 65'536;  // of a rejected record
constexpr int widening_rounds = 9;  // there are nine types; each round widens at least one column

/// Its stage carries a version for each row; other versioned emits take the page's time.
bool is_newest(const Emit& emit) { return emit.merge == Emit::Merge::newest && !emit.key.empty(); }

/// The narrowest type for `value` that Postgres takes it for. A text that only looks like a time
/// stays a text.
ColumnType storable_type(const Value& value) {
    const ColumnType type = core::infer_type(value);
    std::string scratch;
    const bool is_text = value.kind == Value::Kind::text && !value.as;
    return is_text && append_copy(scratch, value, type) == Encoded::misfit ? ColumnType::text
                                                                           : type;
}

/// One emit's work on one batch. Its table's knowledge is refreshed as columns come and widen.
class Stager {
  public:
    Stager(PqConnection& connection, Tables& tables, const core::SourceFile& source,
           const std::vector<BatchPage>& pages, const core::Stream& stream, std::size_t emit)
        : connection_(connection),
          tables_(tables),
          source_(source),
          pages_(pages),
          shape_(shape_of(source, stream.emits[emit].table)) {
        stage_.stream = &stream;
        stage_.emit = emit;
    }

    Stage run(std::size_t number);

  private:
    const EmitRows* rows_of(std::size_t page) const;
    void find_columns();
    void add_column(const std::string& original);
    std::vector<WantedColumn> unknown_columns() const;
    ColumnType observed_type(const Stage::Column& column) const;
    void ensure(const std::vector<WantedColumn>& wanted);
    void refresh_types();
    bool encode();
    void encode_page(std::size_t page, const EmitRows& rows);
    void append_row(std::size_t page, const EmitRows& rows, const std::vector<int>& from,
                    std::size_t row);
    bool lacks_key() const;
    void reject_all(const std::string& reason);
    std::string misfit(Stage::Column& column, const Value& value);
    void encode_replaced();

    PqConnection& connection_;
    Tables& tables_;
    const core::SourceFile& source_;
    const std::vector<BatchPage>& pages_;
    TableShape shape_;
    std::shared_ptr<const TableInfo> info_;
    Stage stage_;
    std::map<std::string, ColumnType> wider_;  // columns that must widen before the rows fit
    SeenAt seen_;
};

const EmitRows* Stager::rows_of(std::size_t page) const {
    const BatchPage& entry = pages_[page];
    if (entry.stream != stage_.stream || !has_rows(*entry.page)) return nullptr;
    for (const EmitRows& rows : entry.page->rows.emits)
        if (rows.emit == stage_.emit) return &rows;
    return nullptr;
}

void Stager::add_column(const std::string& original) {
    const std::string name = identifier(original);
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

/// Key first. A short form owns all columns of its table that no other emit names, whether or not
/// this batch holds them: what a record does not have is null.
void Stager::find_columns() {
    const Emit& emit = stage_.source_emit();
    for (const std::string& column : emit.key) add_column(column);
    for (const Emit::Column& column : emit.columns) add_column(column.name);
    if (!emit.infer) return;
    if (info_->exists)
        for (const auto& [name, column] : info_->columns)
            if (!name.starts_with("_pawl_") && shape_.find(name) == nullptr) add_column(name);
    const bool may_grow = !info_->exists || source_.drift == core::SourceFile::Drift::add_columns;
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        const EmitRows* rows = rows_of(page);
        if (rows == nullptr) continue;
        for (const std::string& column : rows->columns)
            if (may_grow || info_->find(identifier(column)) != nullptr) add_column(column);
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
}

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
        if (from[c] < 0) {
            out += "\\N\t";
            continue;
        }
        const Value& value = cells[from[c]];
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
    if (is_newest(stage_.source_emit())) {
        out += '\t';
        const bool told = row < rows.versions.size();
        append_copy_integer(out, told ? rows.versions[row] : pages_[page].page->job.requested_at);
    }
    out += '\n';
    ++stage_.staged[page];
}

/// A key column without a type yet: this batch holds nothing but nulls for it.
bool Stager::lacks_key() const {
    const auto is_key = [](const Stage::Column& column) { return column.is_key; };
    const auto found = std::count_if(stage_.columns.begin(), stage_.columns.end(), is_key);
    return stage_.columns.empty() || static_cast<std::size_t>(found) < shape_.key.size();
}

void Stager::reject_all(const std::string& reason) {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
        const EmitRows* rows = rows_of(page);
        if (rows == nullptr) continue;
        for (std::size_t row = 0; row < rows->row_count(); ++row)
            stage_.rejected[page].push_back({reason, row_text(*rows, row)});
    }
}

void Stager::encode_page(std::size_t page, const EmitRows& rows) {
    std::vector<int> from;  // where a column of the stage stands in these rows; -1: nowhere
    for (const Stage::Column& column : stage_.columns) {
        const auto same = [&](const std::string& name) {
            return name == column.original || identifier(name) == column.name;
        };
        const auto found = std::find_if(rows.columns.begin(), rows.columns.end(), same);
        from.push_back(
            found == rows.columns.end() ? -1 : static_cast<int>(found - rows.columns.begin()));
    }
    for (std::size_t row = 0; row < rows.row_count(); ++row) append_row(page, rows, from, row);
}

/// Encodes all rows for the types as they are known. False: columns must widen first, and then all
/// is encoded again.
bool Stager::encode() {
    stage_.rows.clear();
    stage_.repaired = 0;
    stage_.staged.assign(pages_.size(), 0);
    stage_.rejected.assign(pages_.size(), {});
    wider_.clear();
    std::size_t bytes = 0;
    for (std::size_t page = 0; page < pages_.size(); ++page)
        if (rows_of(page) != nullptr) bytes += pages_[page].page->job.body_size;
    stage_.rows.reserve(bytes);
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
        const EmitRows* rows = rows_of(page);
        if (rows == nullptr || !ends_walk(*pages_[page].page)) continue;
        if (emit.replace_by.empty()) {
            stage_.replaces_walks = emit.key.empty() || stage_.replaces_walks;
            continue;
        }
        if (rows->replace_values.size() != emit.replace_by.size())
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

Stage Stager::run(std::size_t number) {
    const Emit& emit = stage_.source_emit();
    stage_.name = fmt::format("pg_temp.pawl_stage_{}", number);
    stage_.staged.assign(pages_.size(), 0);
    stage_.rejected.assign(pages_.size(), {});
    info_ = tables_.find(connection_, source_, emit.table);
    find_columns();
    const auto missing_own = [&] {
        const std::string version = version_column(source_, *stage_.stream, stage_.emit);
        return info_->exists &&
               (info_->find("_pawl_page") == nullptr || info_->find("_pawl_loaded_at") == nullptr ||
                (!version.empty() && info_->find(version) == nullptr) ||
                (emit.key.empty() && info_->find("_pawl_slice") == nullptr));
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
    target.replaces = !emit.replace_by.empty();
    return std::move(stage_);
}

}  // namespace

bool has_rows(const PageCommit& page) {
    return !page.dead_reason && page.job.outcome == core::Outcome::ok;
}
bool ends_walk(const PageCommit& page) { return page.job.last && has_rows(page); }

std::string Stage::replaced_name() const { return name + "_replaced"; }

std::string Stage::create_sql() const {
    std::vector<std::string> definitions;
    for (const Column& column : columns)
        definitions.push_back(quoted(column.name) + " " + column.sql_type);
    return fmt::format(
        "create temp table {0} ({1}, _pawl_p int, _pawl_o int{2}) on commit drop; copy {0} from "
        "stdin",
        name, fmt::join(definitions, ", "), is_newest(source_emit()) ? ", _pawl_v bigint" : "");
}

std::string Stage::create_replaced_sql() const {
    std::vector<std::string> definitions;
    for (const Column& column : replace_columns)
        definitions.push_back(quoted(column.name) + " " + column.sql_type);
    return fmt::format(
        "create temp table {0} ({1}, _pawl_p int) on commit drop; copy {0} from stdin",
        replaced_name(), fmt::join(definitions, ", "));
}

std::vector<Stage> stage_batch(PqConnection& connection, Tables& tables,
                               const core::SourceFile& source,
                               const std::vector<BatchPage>& pages) {
    // (table, place of the stream in the file, emit): the order in which every writer locks.
    std::set<std::tuple<std::string, std::size_t, std::size_t>> wanted;
    for (const BatchPage& entry : pages) {
        if (!has_rows(*entry.page)) continue;
        const auto place = static_cast<std::size_t>(entry.stream - source.streams.data());
        for (const EmitRows& rows : entry.page->rows.emits)
            if (rows.emit < entry.stream->emits.size())
                wanted.emplace(entry.stream->emits[rows.emit].table, place, rows.emit);
    }
    const auto is_current = [&](const Stage& stage) {
        const auto info = tables.find(connection, source, stage.source_emit().table);
        return std::all_of(stage.columns.begin(), stage.columns.end(),
                           [&](const Stage::Column& column) {
                               const TableInfo::Column* now = info->find(column.name);
                               return now != nullptr && now->sql_type == column.sql_type;
                           });
    };
    for (int round = 0; round < widening_rounds; ++round) {
        std::vector<Stage> stages;
        for (const auto& [table, place, emit] : wanted) {
            Stager stager(connection, tables, source, pages, source.streams[place], emit);
            stages.push_back(stager.run(stages.size() + 1));
        }
        // A later emit into the same table may have widened a column under an earlier one.
        if (std::all_of(stages.begin(), stages.end(), is_current)) return stages;
    }
    throw core::TransientError("Columns of " + source.name +
                               " keep changing while rows are staged");
}

}  // namespace pawl::storage
