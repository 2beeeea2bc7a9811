#include "storage/table_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "core/errors.hpp"
#include "storage/child_partitions.hpp"
#include "storage/identifier.hpp"

namespace pawl::storage {
namespace {

using nlohmann::json;

constexpr const char* read_names =
    "select a.attname, format_type(a.atttypid, a.atttypmod) from pg_attribute a"
    " where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped order by a.attnum";
constexpr const char* read_primary_key =
    "select a.attname from pg_index i cross join lateral unnest(i.indkey::int2[]) with ordinality "
    "as k(attnum, position)"
    " join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum"
    " where i.indrelid = to_regclass($1) and i.indisprimary order by k.position";

const ScannedTable::Column* find_column(const ScannedTable& table, const std::string& name) {
    const auto found =
        std::find_if(table.columns.begin(), table.columns.end(),
                     [&](const auto& column) { return column.name == identifier(name); });
    return found == table.columns.end() ? nullptr : &*found;
}

/// `table` or `schema.table`, as a source file writes it.
void split_name(const core::SourceFile& source, const std::string& name, ScannedTable& table) {
    const std::size_t dot = name.find('.');
    table.schema = dot == std::string::npos ? source.schema : name.substr(0, dot);
    table.table = dot == std::string::npos ? name : name.substr(dot + 1);
}

ScannedTable read_table(pqxx::transaction_base& transaction, const core::SourceFile& source,
                        const core::Stream& stream) {
    ScannedTable table;
    split_name(source, stream.foreach_.table, table);
    const std::string name = quoted_table(table.schema, table.table);
    for (const auto& row : transaction.exec_params(read_names, name)) {
        table.columns.push_back({row[0].as<std::string>(), row[1].as<std::string>()});
    }
    std::vector<std::string> primary_key;
    for (const auto& row : transaction.exec_params(read_primary_key, name)) {
        primary_key.push_back(row[0].as<std::string>());
    }
    table.key = key_columns(stream, primary_key);
    return table;
}

/// What the scan needs and the table lacks; "" when it has all.
std::string lacks(const ScannedTable& table) {
    if (table.columns.empty()) return "table " + table.schema + "." + table.table;
    if (table.key.empty()) return "primary key of " + table.schema + "." + table.table;
    for (const std::string& name : table.key) {
        if (find_column(table, name) == nullptr)
            return "column " + name + " of " + table.schema + "." + table.table;
    }
    return {};
}

std::vector<std::string> key_list(const ScannedTable& table, std::string_view alias,
                                  std::string_view suffix = "") {
    std::vector<std::string> names;
    for (const std::string& name : table.key)
        names.push_back(fmt::format("{}.{}{}", alias, quoted(identifier(name)), suffix));
    return names;
}

/// `('42'::bigint, 'x'::text)`: constants, so that an index on the key serves the comparison.
std::string key_values(const ScannedTable& table, const std::string& token) {
    const json texts = json::parse(token, nullptr, false);
    if (!texts.is_array() || texts.size() != table.key.size()) {
        throw core::PermanentError("not a place in the scan of " + table.table);
    }
    std::vector<std::string> values;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        values.push_back(literal(texts[i].get<std::string>()) +
                         "::" + find_column(table, table.key[i])->type);
    }
    return fmt::format("({})", fmt::join(values, ", "));
}

/// The key of the last row of the step, and how many rows it has.
struct StepEnd {
    std::size_t rows = 0;
    std::optional<std::string> last;
};

StepEnd find_end(pqxx::transaction_base& transaction, const core::Stream& stream,
                 const ScannedTable& table, const StepBounds& bounds) {
    std::vector<std::string> texts;
    for (const std::string& name : key_list(table, "scanned")) texts.push_back(name + "::text");
    const pqxx::result found = transaction.exec(
        fmt::format("with scanned as materialized ({}) select (select count(*) from scanned),"
                    " (select jsonb_build_array({})::text from scanned order by {} limit 1)",
                    step_select(stream, table, bounds), fmt::join(texts, ", "),
                    fmt::join(key_list(table, "scanned", " desc"), ", ")));
    StepEnd end;
    end.rows = found[0][0].as<std::size_t>();
    if (!found[0][1].is_null()) end.last = found[0][1].as<std::string>();
    return end;
}

ParentRows rows_of(const core::Stream& stream, const ScannedTable& table, const StepBounds& bounds) {
    ParentRows rows;
    rows.from = "(" + step_select(stream, table, bounds) + ") as p";
    rows.table = table.table;
    rows.key = table.key;
    rows.filtered = true;
    rows.columns.emplace();
    for (const auto& column : table.columns) rows.columns->insert(column.name);
    if (rows.columns->contains("_pawl_page")) rows.newest = "p.\"_pawl_page\"";
    return rows;
}

std::int64_t insert_step(pqxx::transaction_base& transaction, const core::SourceFile& source,
                         const core::Stream& stream, const ScannedTable& table,
                         const StepBounds& bounds, core::SliceClass slice_class) {
    ParentRows rows = rows_of(stream, table, bounds);
    rows.slice_class = std::to_string(static_cast<int>(slice_class));
    const pqxx::result counts =
        transaction.exec(insert_children_sql(source.name, stream, rows, Revisit::never));
    return counts[0][0].as<std::int64_t>() + counts[0][1].as<std::int64_t>();
}

}  // namespace

bool names_something_missing(const pqxx::sql_error& error) {
    return error.sqlstate() == "42P01" ||
           error.sqlstate() == "42703";  // undefined_table, undefined_column
}

std::string unenrolled_rows(pqxx::transaction_base& transaction, const core::SourceFile& source,
                            const core::Stream& stream) {
    const ScannedTable table = read_table(transaction, source, stream);
    if (!lacks(table).empty()) return {};
    return unenrolled_sql(source.name, stream, rows_of(stream, table, {}));
}

std::string step_select(const core::Stream& stream, const ScannedTable& table,
                        const StepBounds& bounds) {
    const std::string alias =
        quoted(identifier(table.table));  // `where` may call the table by its name
    const std::vector<std::string> key = key_list(table, alias);
    const std::string tuple = fmt::format("({})", fmt::join(key, ", "));
    std::vector<std::string> conditions;
    for (const std::string& name : key) conditions.push_back(name + " is not null");
    if (bounds.after) conditions.push_back(tuple + " > " + key_values(table, *bounds.after));
    if (bounds.last) conditions.push_back(tuple + " <= " + key_values(table, *bounds.last));
    // The line break ends a comment that `where` may end with.
    if (!stream.foreach_.where.empty()) conditions.push_back("(" + stream.foreach_.where + "\n)");
    std::string text =
        fmt::format("select * from {} as {} where {}", quoted_table(table.schema, table.table),
                    alias, fmt::join(conditions, " and "));
    if (bounds.limit)
        text += fmt::format(" order by {} limit {}", fmt::join(key, ", "), *bounds.limit);
    return text;
}

Catalogue::Scan scan_step(pqxx::transaction_base& transaction, const core::SourceFile& source,
                          const core::Stream& stream, const std::optional<std::string>& after,
                          std::size_t limit, core::SliceClass slice_class, std::string& missing) {
    const ScannedTable table = read_table(transaction, source, stream);
    missing = lacks(table);
    if (!missing.empty()) return {};
    try {
        // A savepoint: what the statements name may be missing, and the transaction must survive
        // that.
        pqxx::subtransaction step(dynamic_cast<pqxx::dbtransaction&>(transaction), "scan");
        const StepEnd end = find_end(step, stream, table, {after, std::nullopt, limit});
        Catalogue::Scan scan;
        if (end.last) {
            scan.added = insert_step(step, source, stream, table, {after, end.last, std::nullopt},
                                     slice_class);
        }
        if (end.rows == limit) scan.after = end.last;
        step.commit();
        return scan;
    } catch (const pqxx::sql_error& error) {
        if (!names_something_missing(error)) throw;
        missing = error.what();
    }
    return {};
}

}  // namespace pawl::storage
