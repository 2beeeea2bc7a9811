#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/source_file.hpp"

/// How rows of a parent's table become partitions of a child stream, and new partitions their first
/// slice: one SQL statement, built here and run by two: the writer, in the transaction that stores
/// the parent's rows (`foreach: stream`), and the catalogue, which scans tables (`foreach: table`).
/// Pure: nothing here talks to a server.
namespace pawl::storage {

/// Rows of a parent's table that may become partitions.
struct ParentRows {
    /// What follows FROM: `"github"."repository" as p join unnest($1::bigint[]) as k(id) on
    /// p."repo_id" = k.id`. May use the caller's parameters; the statements built here have none of
    /// their own.
    std::string from;
    std::string alias = "p";  ///< in `from`: the parent's row, with all columns of its table
    std::string table;        ///< as the source file calls it: `where` may qualify columns with it
    std::vector<std::string> key;  ///< primary key of the table: the default key of partitions
    /// Columns that the table has now, as identifier() makes them; a parent column that is not
    /// there is null. nullopt: it has all.
    std::optional<std::set<std::string>> columns = std::nullopt;
    /// SQL over `from`: of several rows with one key, the largest gives `parent`. Usually
    /// `p."_pawl_page"`.
    std::string newest = "null::bigint";
    std::string slice_class =
        "2";                ///< SQL over `from`, smallint: class of new slices (core::SliceClass)
    bool filtered = false;  ///< `from` yields only rows that satisfy the stream's `where`
};

/// When a partition that is there already falls due again if the stream says nothing of `refresh`.
enum class Revisit : std::uint8_t {
    every_sighting,  ///< foreach: stream
    never,           ///< foreach: table: a row is asked for once
};

/// SQL text expression over `rows.from`: canonical text of the partition's key. Null where a column
/// of it is null: such a row has no partition. Beyond 1,000 bytes its sha256 stands for it, because
/// an index entry has a limit.
[[nodiscard]] std::string part_expression(const core::Stream& child, const ParentRows& rows);
/// SQL jsonb expression over `rows.from`: the object of Stream::parent_columns.
[[nodiscard]] std::string parent_expression(const core::Stream& child, const ParentRows& rows);
/// SQL boolean expression over `rows.from`: does the row satisfy `where`? Column names mean the
/// parent's, whatever else `from` joins.
[[nodiscard]] std::string where_expression(const core::Stream& child, const ParentRows& rows);

/// The names of columns that make up the key of `child`'s partitions: those of the template, or the
/// columns themselves.
[[nodiscard]] std::vector<std::string> key_columns(const core::Stream& child,
                                                   const std::vector<std::string>& primary_key);

/// One statement. Rows that satisfy `where`: a new key inserts the partition and its slice of walk
/// 1; an existing partition gets the parent's values, is active, and falls due by `refresh` or
/// `revisit` unless a walk is under way. Rows that do not: their partition becomes inactive. Yields
/// one row of three bigints: added, fallen due, made inactive. Sorted by key, so that two sessions
/// meet in one order. Fails with 42703 or 42P01 where `where` names what is not there.
[[nodiscard]] std::string insert_children_sql(const std::string& source, const core::Stream& child,
                                              const ParentRows& rows, Revisit revisit);

/// True when two rows of a table with `primary_key` never share a partition of `child`, but for the letters' case and such:
/// then a row that goes takes its partition along.
[[nodiscard]] bool is_row_by_row(const core::Stream& child, const std::vector<std::string>& primary_key);

/// A member of a WITH behind `gone` (rows of the parent's table, by `rows.alias`): their partitions become inactive.
[[nodiscard]] std::string retire_children_sql(const std::string& source, const core::Stream& child, const ParentRows& rows,
                                              std::size_t number);

/// SELECT of the rows `parent` (jsonb) that insert_children_sql would make new partitions or due ones with
/// Revisit::never; `rows` are filtered already.
[[nodiscard]] std::string unenrolled_sql(const std::string& source, const core::Stream& child,
                                         const ParentRows& rows);

}  // namespace pawl::storage
