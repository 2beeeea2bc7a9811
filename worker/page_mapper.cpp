#include "worker/page_mapper.hpp"

#include <algorithm>

#include "core/decoded.hpp"
#include "core/errors.hpp"
#include "core/instant.hpp"
#include "core/link_header.hpp"
#include "core/named_values.hpp"
#include "core/page_records.hpp"
#include "worker/link_parameters.hpp"

namespace pawl::worker {

namespace {

using core::Emit;
using core::EmitRows;
using core::JsonDocument;
using core::JsonKind;
using core::Record;
using core::Scope;
using core::Value;

constexpr std::size_t rejected_bytes_max = 64u << 10;  // of one record, kept to look at

/// All that expressions may look at besides the single record.
struct PageContext {
    core::NamedValues parent, list, header, link, window;

    PageContext(const core::Job& job, bool numeric, core::Arena& arena)
        : parent(core::read_named_values(job.parent, arena)),
          list(core::read_named_values(job.list, arena)),
          link(link_parameters(job.link_header, arena)),
          window(core::window_values(numeric, job.window, arena)) {
        for (const auto& [name, value] : job.headers) {
            std::string key = name;
            std::replace(key.begin(), key.end(), '-', '_');
            header.entries.emplace_back(key, Value{Value::Kind::text, std::nullopt, arena.keep(value)});
        }
    }
};

Scope page_scope(const core::PageRows& rows, const PageContext& context, const core::Job& job) {
    Scope scope;
    scope.document = rows.document.get();
    scope.record = rows.document->root();
    scope.parent = &context.parent;
    scope.list = &context.list;
    scope.header = &context.header;
    scope.link = &context.link;
    scope.window = &context.window;
    if (job.begun != 0) scope.now = job.begun;
    scope.arena = rows.arena.get();
    return scope;
}

/// Maps the records of one emit to rows.
class EmitMapper {
  public:
    EmitMapper(const Emit& emit, std::size_t index, Scope scope) : emit_(emit), scope_(scope) {
        rows_.emit = index;
        for (const auto& column : emit.columns) rows_.columns.push_back(column.name);
    }

    /// About so many records will come.
    void expect(std::size_t records) { rows_.cells.reserve(records * emit_.columns.size()); }

    void add(const Record& record) {
        ++rows_.read;
        scope_.record = record.node;
        scope_.entry_key.reset();
        scope_.part.reset();
        if (record.key) (record.is_part ? scope_.part : scope_.entry_key) = scope_.arena->keep(*record.key);
        const std::size_t row_start = rows_.cells.size();
        if (emit_.infer) {
            if (!add_inferred(record.node)) return reject(record, "the record is not a JSON object with fields");
        } else {
            for (const auto& column : emit_.columns) rows_.cells.push_back(column.value.evaluate(scope_));
        }
        if (const std::string missing = missing_key(row_start); !missing.empty()) {
            rows_.cells.resize(row_start);
            return reject(record, "key column '" + missing + "' is missing or null");
        }
        if (!emit_.newest) return;
        const bool is_time = emit_.merge == Emit::Merge::history;
        const auto value = emit_.newest->evaluate(scope_);
        const auto version = is_time ? core::parse_instant(value.text) : version_of(value);
        if (!version) {
            rows_.cells.resize(row_start);
            return reject(record, "newest: " + emit_.newest->text() + (is_time ? " is no time" : " is neither a time nor an integer"));
        }
        rows_.versions.push_back(*version);
    }

    /// For a record that never was one.
    void refuse(const Record& record, std::string reason) {
        ++rows_.read;
        reject(record, std::move(reason));
    }

    EmitRows finish(const Scope& page) && {
        if (!emit_.replace_by.empty()) rows_.replace_values = replace_values(page);
        pad_short_rows();
        return std::move(rows_);
    }

  private:
    void reject(const Record& record, std::string reason) {
        const auto raw = scope_.document->raw(record.node);
        rows_.rejected.push_back({std::move(reason), std::string(raw.substr(0, rejected_bytes_max))});
    }

    /// Short form: a column for every field, found as they come. Rows may know fewer columns than later ones; see pad.
    bool add_inferred(JsonDocument::Node record) {
        const JsonDocument& doc = *scope_.document;
        if (doc.kind(record) != JsonKind::object || doc.child_count(record) == 0) return false;
        row_starts_.push_back(rows_.cells.size());
        const std::size_t start = rows_.cells.size();
        rows_.cells.resize(start + rows_.columns.size());
        std::size_t expected = 0;  // records of one page mostly hold the same fields in the same order
        for (auto node = doc.first_child(record); node != JsonDocument::none; node = doc.next(node)) {
            const std::size_t column = column_of(doc.key(node), expected);
            expected = column + 1;
            if (start + column >= rows_.cells.size()) rows_.cells.resize(start + column + 1);
            rows_.cells[start + column] = value_of(node);
            if (!emit_.types.empty()) declare(column, rows_.cells[start + column]);
        }
        return true;
    }

    /// What `columns` says of a field is what `as` says of an expression.
    void declare(std::size_t column, Value& value) const {
        const auto by_name = [](const Emit::Type& type, const std::string& name) { return type.field < name; };
        const std::string& name = rows_.columns[column];
        const auto found = std::lower_bound(emit_.types.begin(), emit_.types.end(), name, by_name);
        if (found != emit_.types.end() && found->field == name) value.as = found->type;
    }

    std::size_t column_of(const std::string& name, std::size_t expected) {
        if (expected < rows_.columns.size() && rows_.columns[expected] == name) return expected;
        const auto found = std::find(rows_.columns.begin(), rows_.columns.end(), name);
        if (found != rows_.columns.end()) return static_cast<std::size_t>(found - rows_.columns.begin());
        rows_.columns.push_back(name);
        return rows_.columns.size() - 1;
    }

    Value value_of(JsonDocument::Node node) const {
        static const core::Expression self = core::Expression::compile("$");
        Scope scope = scope_;
        scope.record = node;
        return self.evaluate(scope);
    }

    std::string missing_key(std::size_t row_start) const {
        for (const auto& key : emit_.key) {
            const auto found = std::find(rows_.columns.begin(), rows_.columns.end(), key);
            const auto at = row_start + static_cast<std::size_t>(found - rows_.columns.begin());
            if (found == rows_.columns.end() || at >= rows_.cells.size() || rows_.cells[at].is_null()) return key;
        }
        return {};
    }

    static std::optional<std::int64_t> version_of(const Value& value) {
        if (const auto instant = core::parse_instant(value.text)) return instant;
        if (!core::fits(value, core::ColumnType::bigint) || value.is_null()) return std::nullopt;
        return std::stoll(std::string(value.text));
    }

    std::vector<Value> replace_values(Scope page) const {
        std::vector<Value> values;
        for (const auto& name : emit_.replace_by) {
            const auto column = std::find_if(emit_.columns.begin(), emit_.columns.end(),
                                             [&name](const Emit::Column& c) { return c.name == name; });
            values.push_back(column == emit_.columns.end() ? Value{} : column->value.evaluate(page));
        }
        return values;
    }

    /// Rows found before a column was known are shorter: rebuild all rows to one width.
    void pad_short_rows() {
        const std::size_t width = rows_.columns.size();
        const bool even = std::all_of(row_starts_.begin(), row_starts_.end(),
                                      [&, i = std::size_t{0}](std::size_t start) mutable { return start == width * i++; }) &&
                          rows_.cells.size() == width * row_starts_.size();
        if (!emit_.infer || even) return;
        std::vector<Value> cells;
        cells.reserve(width * row_starts_.size());
        // A rejected row's start equals the start of the one after it: it holds no cells.
        for (std::size_t i = 0; i < row_starts_.size(); ++i) {
            const std::size_t end = i + 1 < row_starts_.size() ? row_starts_[i + 1] : rows_.cells.size();
            if (end == row_starts_[i]) continue;
            for (std::size_t c = 0; c < width; ++c)
                cells.push_back(row_starts_[i] + c < end ? rows_.cells[row_starts_[i] + c] : Value{});
        }
        rows_.cells = std::move(cells);
    }

    const Emit& emit_;
    Scope scope_;
    EmitRows rows_;
    std::vector<std::size_t> row_starts_;  // short form only
};

std::string misfit(const core::Stream& stream) {
    if (stream.row_columns) return "the row has more values than there are columns";
    return "the line does not fit the header: too many fields, text behind a closing quote, or cut off";
}

}  // namespace

core::PageRows map_page(const core::Stream& stream, const core::Job& job, std::string body) {
    core::PageRows rows;
    rows.arena = std::make_unique<core::Arena>();
    body = core::decoded(stream, std::move(body));
    rows.document = std::make_unique<JsonDocument>(JsonDocument::parse_checked(std::move(body), *stream.rows_wanted));
    const bool numeric = stream.incremental && stream.incremental->numeric;
    const PageContext context(job, numeric, *rows.arena);
    const Scope page = page_scope(rows, context, job);

    const auto base = core::page_records(stream, *rows.document);
    for (std::size_t i = 0; i < stream.emits.size(); ++i) {
        const Emit& emit = stream.emits[i];
        EmitMapper mapper(emit, i, page);
        mapper.expect(base.size());
        for (const auto& record : base) {
            if (stream.has_columns() && rows.document->kind(record.node) == JsonKind::array) {
                mapper.refuse(record, misfit(stream));
                continue;
            }
            if (!emit.each) {
                mapper.add(record);
                continue;
            }
            Scope outer = page;
            outer.record = record.node;
            auto inner = emit.each->records(outer);
            for (const auto& one : core::spread(*rows.document, *emit.each, std::move(inner))) mapper.add(one);
        }
        rows.emits.push_back(std::move(mapper).finish(page));
    }
    rows.mark = core::largest_mark(stream, *rows.document);
    return rows;
}

core::PageRows map_empty_page(const core::Stream& stream, const core::Job& job) {
    core::PageRows rows;
    rows.arena = std::make_unique<core::Arena>();
    rows.document = std::make_unique<JsonDocument>(JsonDocument::parse("null"));
    const PageContext context(job, *rows.arena);
    const Scope page = page_scope(rows, context);
    for (std::size_t i = 0; i < stream.emits.size(); ++i)
        if (stream.emits[i].sweeps()) rows.emits.push_back(EmitMapper(stream.emits[i], i, page).finish(page));
    return rows;
}

storage::PageCommit mapped(const core::SourceFile& source, const core::Job& job, std::size_t body_max) {
    storage::PageCommit page;
    page.job = job;
    if (job.outcome == core::Outcome::empty && job.last)
        if (const core::Stream* stream = source.find(job.stream)) page.rows = map_empty_page(*stream, job);
    if (job.outcome != core::Outcome::ok) return page;
    try {
        const core::Stream* stream = source.find(job.stream);
        if (!stream) throw core::PermanentError("the source file has no stream '" + job.stream + "'");
        page.rows = map_page(*stream, job, core::decompress(job.body, body_max));
    } catch (const core::PermanentError& error) {
        page.rows = {};
        page.dead_reason = error.what();
    }
    return page;
}

}  // namespace pawl::worker
