#include "storage/tables.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <thread>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"
#include "storage/identifier.hpp"
#include "storage/table_statements.hpp"

namespace pawl::storage {

namespace {

using core::ColumnType;

constexpr std::size_t overflows_told_max = 1'000;  // per table: names may be data, and then there is no end of them
constexpr int lock_attempts = 3;  // times 2 s of lock_timeout each

constexpr std::string_view read_columns = R"sql(
select a.attname, format_type(a.atttypid, a.atttypmod), t.typname
from pg_attribute a join pg_type t on t.oid = a.atttypid
where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped)sql";

constexpr std::string_view note_columns = R"sql(
insert into pawl.table_column (schema_name, table_name, column_name, source, original)
select $1, $2, c.name, $3, c.original from unnest($4::text[], $5::text[]) as c(name, original)
on conflict do nothing)sql";

constexpr std::string_view note_drift = R"sql(
insert into pawl.drift (source, table_name, column_name, old_type, new_type, slice_id, seq)
select $1, $2, d.name, d.old, d.new, nullif($6::bigint, 0), nullif($7::bigint, 0)
from unnest($3::text[], $4::text[], $5::text[]) as d(name, old, new))sql";

constexpr std::string_view note_overflow = R"sql(
insert into pawl.drift (source, table_name, column_name, old_type, new_type, slice_id, seq)
select $1, $2, f.name, null, $4, nullif($5::bigint, 0), nullif($6::bigint, 0) from unnest($3::text[]) as f(name)
where not exists (select from pawl.drift d where d.source = $1 and d.table_name = $2 and d.column_name = f.name
                  and d.new_type = $4))sql";

ColumnType closest(std::string_view type_name) {
    static const std::map<std::string_view, ColumnType> types{
        {"bool", ColumnType::boolean},
        {"int2", ColumnType::bigint},
        {"int4", ColumnType::bigint},
        {"int8", ColumnType::bigint},
        {"numeric", ColumnType::numeric},
        {"float4", ColumnType::float8},
        {"float8", ColumnType::float8},
        {"date", ColumnType::date},
        {"timestamptz", ColumnType::timestamptz},
        {"timestamp", ColumnType::timestamptz},
        {"uuid", ColumnType::uuid},
        {"jsonb", ColumnType::jsonb},
        {"json", ColumnType::jsonb}};
    const auto found = types.find(type_name);
    return found == types.end() ? ColumnType::text : found->second;
}

TableInfo read_table(PqConnection& connection, const std::string& table) {
    TableInfo info;
    const PqResult rows = connection.run(std::string(read_columns), {table});
    for (int row = 0; row < rows.rows(); ++row)
        info.columns[std::string(rows.text(row, 0))] = {std::string(rows.text(row, 1)),
                                                        closest(rows.text(row, 2))};
    info.exists = rows.rows() > 0;
    return info;
}

/// Key columns first, in the key's order: then the primary key reads as the table does.
std::vector<WantedColumn> key_first(const TableShape& shape, std::vector<WantedColumn> wanted) {
    const auto rank = [&](const WantedColumn& column) {
        return std::find(shape.key.begin(), shape.key.end(), column.name) - shape.key.begin();
    };
    std::stable_sort(wanted.begin(), wanted.end(),
                     [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    return wanted;
}

/// What the source file says of types joins what the data wants.
std::vector<WantedColumn> with_declared(const TableShape& shape, std::vector<WantedColumn> wanted) {
    for (const TableShape::Column& column : shape.columns) {
        if (!column.declared) continue;
        const auto same = [&](const WantedColumn& w) { return w.name == column.name; };
        const auto found = std::find_if(wanted.begin(), wanted.end(), same);
        if (found == wanted.end())
            wanted.push_back({column.original, column.name, *column.declared});
        else
            found->type = *column.declared;
    }
    return key_first(shape, std::move(wanted));
}

void note_changes(PqConnection& connection, const core::SourceFile& source, const TableShape& shape,
                  const TableInfo& before, const std::vector<WantedColumn>& wanted, SeenAt seen) {
    PqArray names, originals, drift_names, old_types, new_types;
    bool drifted = false;
    for (const WantedColumn& column : wanted) {
        names.add(column.name);
        originals.add(column.original);
        const TableInfo::Column* old = before.find(column.name);
        if (!before.exists || (old != nullptr && core::widen(old->type, column.type) == old->type))
            continue;
        drifted = true;
        drift_names.add(column.name);
        old_types.add(old == nullptr ? std::nullopt : std::optional(old->sql_type));
        new_types.add(
            core::to_string(old == nullptr ? column.type : core::widen(old->type, column.type)));
    }
    connection.run(std::string(note_columns), {identifier(source.schema), identifier(shape.table),
                                               source.name, names.str(), originals.str()});
    if (drifted)
        connection.run(std::string(note_drift),
                       {source.name, shape.table, drift_names.str(), old_types.str(),
                        new_types.str(), std::to_string(seen.slice), std::to_string(seen.seq)});
}

/// Columns of the data beyond the limit go, the last ones first; then their fields overflow.
void leave_out(TableShape& shape, const TableInfo& known, std::vector<WantedColumn>& wanted) {
    const auto is_new = [&](const WantedColumn& column) { return known.find(column.name) == nullptr; };
    const auto own = known.exists ? std::size_t{0} : std::size_t{8};  // pawl's, at most
    std::size_t columns = known.columns.size() + own + static_cast<std::size_t>(std::count_if(wanted.begin(), wanted.end(), is_new));
    if (columns <= columns_max || !shape.infers) return;
    columns += known.find(overflow_column) == nullptr ? 1 : 0;
    for (std::size_t i = wanted.size(); i > 0 && columns > columns_max; --i) {
        if (!is_new(wanted[i - 1]) || shape.find(wanted[i - 1].name) != nullptr) continue;
        wanted.erase(wanted.begin() + static_cast<std::ptrdiff_t>(i - 1));
        --columns;
    }
    shape.overflows = true;
}

/// One try. The advisory lock is the schema's, because two sessions creating it would collide as
/// well.
TableInfo change_table(PqConnection& connection, const core::SourceFile& source,
                       const TableShape& shape, const std::vector<WantedColumn>& wanted,
                       SeenAt seen) {
    const std::string table = quoted_table(source.schema, shape.table);
    connection.run_all("begin; set local lock_timeout = '2s'; set local client_encoding = 'UTF8'");
    connection.run("select pg_advisory_xact_lock(hashtext('pawl.ddl'), hashtext($1))",
                   {identifier(source.schema)});
    const TableInfo before = read_table(connection, table);
    const std::vector<std::string> statements = table_statements(source, shape, before, wanted);
    if (!statements.empty() && !source.create_tables)
        throw core::ConfigError(fmt::format(
            "{}: tables.create is false and the table {} is not as it must be; run: {};",
            source.file, table, fmt::join(statements, "; ")));
    if (statements.empty()) {
        connection.run("commit");
        return before;
    }
    core::hit(core::Failpoint::in_ddl);
    for (const std::string& statement : statements) connection.run(statement);
    note_changes(connection, source, shape, before, wanted, seen);
    TableInfo after = read_table(connection, table);
    connection.run("commit");
    const std::string sql = fmt::format("{}", fmt::join(statements, "; "));
    if (before.exists) {  // drift: a person wants to know which column, and to what
        core::log::info("Table changed",
                        {{"source", source.name}, {"table", shape.table}, {"sql", sql}});
    } else {
        core::log::info(
            "Table created",
            {{"source", source.name}, {"table", shape.table}, {"columns", after.columns.size()}});
        core::log::debug("Table statements", {{"table", shape.table}, {"sql", sql}});
    }
    return after;
}

}  // namespace

const TableInfo::Column* TableInfo::find(const std::string& name) const {
    const auto found = columns.find(name);
    return found == columns.end() ? nullptr : &found->second;
}

std::shared_ptr<const TableInfo> Tables::find(PqConnection& connection,
                                              const core::SourceFile& source,
                                              const std::string& table) {
    const std::string key = quoted_table(source.schema, table);
    {
        const std::lock_guard guard(mutex_);
        if (const auto known = known_.find(key); known != known_.end()) return known->second;
    }
    auto info = std::make_shared<const TableInfo>(read_table(connection, key));
    remember(key, info);
    return info;
}

std::shared_ptr<const TableInfo> Tables::ensure(PqConnection& connection,
                                                const core::SourceFile& source,
                                                const std::string& table,
                                                const std::vector<WantedColumn>& wanted,
                                                SeenAt seen) {
    TableShape shape = shape_of(source, table);
    std::vector<WantedColumn> all = with_declared(shape, wanted);
    const auto known = find(connection, source, table);
    leave_out(shape, *known, all);
    for (int attempt = 1;; ++attempt) {
        try {
            auto info = std::make_shared<const TableInfo>(
                change_table(connection, source, shape, all, seen));
            remember(quoted_table(source.schema, table), info);
            return info;
        } catch (const SqlError& error) {
            connection.rollback();
            if (!is_collision(error)) throw;
            if (attempt == lock_attempts)
                throw core::TransientError("The table " + table +
                                           " is locked by others: " + error.what());
            std::this_thread::sleep_for(std::chrono::milliseconds(100 * attempt));
        } catch (...) {
            connection.rollback();
            throw;
        }
    }
}

void Tables::remember(const std::string& key, std::shared_ptr<const TableInfo> info) {
    if (!info->exists) return;  // another process may create it at any moment
    const std::lock_guard guard(mutex_);
    known_[key] = std::move(info);
}

void Tables::tell_overflow(PqConnection& connection, const core::SourceFile& source, const std::string& table,
                           const std::set<std::string>& fields, SeenAt seen) {
    PqArray fresh;
    std::size_t count = 0;
    {
        const std::lock_guard guard(mutex_);
        std::set<std::string>& told = overflowed_[quoted_table(source.schema, table)];
        for (const std::string& field : fields) {
            if (told.size() >= overflows_told_max || !told.insert(field).second) continue;
            fresh.add(field);
            ++count;
        }
    }
    if (count == 0) return;
    core::log::info("Fields without a column overflow", {{"source", source.name}, {"table", table}, {"fields", count}});
    connection.run(std::string(note_overflow), {source.name, table, fresh.str(), overflow_column, std::to_string(seen.slice),
                                                std::to_string(seen.seq)});
}

void Tables::forget(const core::SourceFile& source) {
    const std::string schema = quoted(identifier(source.schema)) + ".";
    const std::lock_guard guard(mutex_);
    std::erase_if(known_, [&](const auto& entry) { return entry.first.starts_with(schema); });
}

void create_known_tables(const std::string& url, const core::SourceFile& source) {
    if (!source.create_tables) return;
    PqConnection connection(url);
    Tables tables;
    try {
        connection.run_all("begin; select pg_advisory_xact_lock(hashtext('pawl.ddl'), hashtext(" +
                           literal(identifier(source.schema)) + ")); create schema if not exists " +
                           quoted(identifier(source.schema)) + "; commit");
        for (const std::string& table : table_names(source)) {
            const TableShape shape = shape_of(source, table);
            const auto known = [&](const std::string& key) {
                const TableShape::Column* column = shape.find(key);
                return column != nullptr && column->declared.has_value();
            };
            const auto info = tables.find(connection, source, table);
            const bool keyed =
                !shape.key.empty() && std::all_of(shape.key.begin(), shape.key.end(), known);
            if (info->exists || keyed) tables.ensure(connection, source, table, {}, {});
        }
    } catch (const SqlError& error) {
        connection.rollback();
        raise(error);
    }
}

}  // namespace pawl::storage
