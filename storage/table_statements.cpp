#include "storage/table_statements.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "storage/identifier.hpp"

// The DDL that makes a table as it must be: texts only, nothing here talks to a server.
namespace pawl::storage {

namespace {

using core::ColumnType;

/// How what stands in a column becomes the wider type, without any setting of the session in the
/// result.
std::string conversion(const std::string& column, ColumnType from, ColumnType to) {
    if (to == ColumnType::jsonb) return fmt::format("to_jsonb({})", column);
    const bool is_time = from == ColumnType::timestamptz || from == ColumnType::date;
    if (to == ColumnType::text && is_time) return fmt::format("to_jsonb({}) #>> '{{}}'", column);
    if (to == ColumnType::timestamptz)
        return fmt::format("{}::timestamp at time zone 'UTC'", column);
    return fmt::format("{}::{}", column, core::to_string(to));
}

std::string comment_on(const std::string& table, const WantedColumn& column) {
    return fmt::format("comment on column {}.{} is {}", table, quoted(column.name),
                       literal(column.original));
}

/// Its name was cut or changed by more than letters' case.
bool needs_comment(const WantedColumn& column) {
    return column.name.size() != column.original.size();
}

std::vector<std::string> create_statements(const core::SourceFile& source, const TableShape& shape,
                                           const std::vector<WantedColumn>& wanted) {
    const std::string table = quoted_table(source.schema, shape.table);
    std::vector<std::string> lines, keys;
    for (const WantedColumn& column : wanted)
        lines.push_back(fmt::format("{} {}", quoted(column.name), core::to_string(column.type)));
    for (const auto& [name, definition] : own_columns(shape))
        lines.push_back(quoted(name) + " " + definition);
    for (const std::string& key : shape.primary_key()) keys.push_back(quoted(key));
    if (!keys.empty()) lines.push_back(fmt::format("primary key ({})", fmt::join(keys, ", ")));
    std::vector<std::string> statements{
        fmt::format("create schema if not exists {}", quoted(identifier(source.schema))),
        fmt::format("create table if not exists {} ({}) with (fillfactor = 85, "
                    "autovacuum_vacuum_scale_factor = 0.02)",
                    table, fmt::join(lines, ", "))};
    if (shape.key.empty())
        statements.push_back(fmt::format("create index on {} (_pawl_slice)", table));
    if (shape.history) {
        keys.pop_back();
        statements.push_back(fmt::format("create unique index on {} ({}) where valid_to is null", table, fmt::join(keys, ", ")));
    }
    return statements;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> own_columns(const TableShape& shape) {
    std::vector<std::pair<std::string, std::string>> columns{
        {"_pawl_loaded_at", "timestamptz not null default now()"}, {"_pawl_page", "bigint"}};
    for (const std::string& version : shape.versions) columns.emplace_back(version, "bigint");
    if (shape.history) {
        columns.emplace_back(core::valid_from_column, "timestamptz not null");
        columns.emplace_back(core::valid_to_column, "timestamptz");
        columns.emplace_back("_pawl_sightings", "bigint[] not null");
    }
    if (shape.marks) columns.emplace_back("_pawl_deleted_at", "timestamptz");
    if (shape.notes_seen) columns.emplace_back("_pawl_seen", "bigint");
    if (shape.overflows) columns.emplace_back(overflow_column, "jsonb");
    if (shape.key.empty()) {
        columns.emplace_back("_pawl_slice", "bigint");
        columns.emplace_back("_pawl_seq", "bigint");
    }
    return columns;
}

std::vector<std::string> table_statements(const core::SourceFile& source, const TableShape& shape,
                                          const TableInfo& info,
                                          const std::vector<WantedColumn>& wanted) {
    const std::string table = quoted_table(source.schema, shape.table);
    std::vector<std::string> statements, comments;
    if (!info.exists) statements = create_statements(source, shape, wanted);
    std::vector<std::string> changes;
    for (const WantedColumn& column : wanted) {
        const TableInfo::Column* old = info.find(column.name);
        if (old == nullptr) {
            if (info.exists)
                changes.push_back(fmt::format("add column {} {}", quoted(column.name),
                                              core::to_string(column.type)));
            if (needs_comment(column)) comments.push_back(comment_on(table, column));
            continue;
        }
        const ColumnType wide = core::widen(old->type, column.type);
        if (wide == old->type) continue;
        changes.push_back(fmt::format("alter column {0} type {1} using {2}", quoted(column.name),
                                      core::to_string(wide),
                                      conversion(quoted(column.name), old->type, wide)));
    }
    if (info.exists)
        for (const auto& [name, definition] : own_columns(shape))
            if (info.find(name) == nullptr)
                changes.push_back(fmt::format("add column {} {}", quoted(name), definition));
    if (!changes.empty())
        statements.push_back(fmt::format("alter table {} {}", table, fmt::join(changes, ", ")));
    statements.insert(statements.end(), comments.begin(), comments.end());
    return statements;
}

}  // namespace pawl::storage
