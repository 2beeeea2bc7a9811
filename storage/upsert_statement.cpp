#include "storage/upsert_statement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/identity.hpp"
#include "storage/history_statement.hpp"
#include "storage/identifier.hpp"

// How an upsert goes: `winner` keeps one row per key (the newest); `judged` compares it with the
// table; `stored` inserts and updates, sorted by key so that two writers meet in one order, and
// guarded by the version so that a row that appeared or changed meanwhile is never set back;
// `advanced` moves the version of unchanged rows, so that an older page, committed later, cannot
// win over equal content (A, B, A). Two records of one declared version (`newest`) that differ are told
// apart by their pages: the later walk's, then the later page's.
namespace pawl::storage {

namespace {

using core::Emit;
using fmt::arg;

constexpr std::string_view upsert = R"sql(
with winner as materialized (
  {winner}
), judged as materialized (
  select w.*, case {judge} end as _pawl_k
  from winner w left join {table} t on {same_key}
), stored as (
  insert into {table} as t ({columns}, _pawl_page{version_column})
  select {columns}, ($1::bigint[])[_pawl_p]{version_value} from judged where _pawl_k in ('i', 'u') order by {key}
  on conflict ({key}) {on_conflict}
  returning _pawl_page, xmax = 0 as _pawl_new
){advanced}
select _pawl_k as what, _pawl_p::bigint as which, count(*) from judged group by 1, 2
union all select case when _pawl_new then 'I' else 'U' end, _pawl_page, count(*) from stored group by 1, 2{advanced_counts})sql";

constexpr std::string_view advance = R"sql(, advanced as (
  update {table} t set {set}
  from (select * from judged where _pawl_k = 'a' order by {key}) w
  where {same_key} and {still}
  returning w._pawl_p
))sql";

constexpr std::string_view append = R"sql(
with stored as (
  insert into {table} ({columns}, _pawl_page, _pawl_slice, _pawl_seq)
  select {columns}, _pawl_page, _pawl_page >> {bits}, _pawl_page & {mask}
  from (select *, ($1::bigint[])[_pawl_p] as _pawl_page from {stage}) s order by _pawl_p, _pawl_o
  returning _pawl_page
)
select 'I', _pawl_page, count(*) from stored where cardinality($2::bigint[]) > 0 group by 2)sql";

constexpr std::string_view replace = R"sql(
with gone as (
  delete from {table} t using {stage} w where {same} and {older} returning w._pawl_p{row}
){children}
select 'D', _pawl_p::bigint, count(*) from gone where cardinality($2::bigint[]) > 0 group by 2)sql";

constexpr std::string_view replace_walk = R"sql(
with me as (
  select l.n, s.slice_id, s.partition_id, s.lo, s.hi
  from unnest($1::bigint[]) with ordinality as l(page, n) join pawl.slice s on s.slice_id = l.page >> {bits}
), old as (
  select me.n, d.slice_id from me join pawl.slice_done d using (partition_id)
  where d.slice_id < me.slice_id and d.lo is not distinct from me.lo and d.hi is not distinct from me.hi
  union all
  select me.n, d.slice_id from me join pawl.slice d using (partition_id)
  where d.slice_id < me.slice_id and d.lo is not distinct from me.lo and d.hi is not distinct from me.hi
), gone as (
  delete from {table} t using old where t._pawl_slice = old.slice_id returning old.n
)
select 'D', n, count(*) from gone group by 2)sql";

std::vector<std::string> all_quoted(const std::vector<std::string>& names) {
    std::vector<std::string> out;
    for (const std::string& name : names) out.push_back(quoted(name));
    return out;
}

/// `format` filled with each name as {0}, joined.
std::string each(const std::vector<std::string>& names, std::string_view format,
                 std::string_view between) {
    std::vector<std::string> out;
    for (const std::string& name : names) out.push_back(fmt::format(fmt::runtime(format), name));
    return fmt::format("{}", fmt::join(out, between));
}

std::string or_true(std::string condition) { return condition.empty() ? "true" : condition; }

/// The parts in which the ways to merge differ; quoted names throughout.
struct Parts {
    std::string winner, judge, on_conflict, version, requested;
};

std::string on_conflict_update(const std::string& set, const std::string& version,
                               const std::string& where) {
    std::string assignments = set.empty() ? "" : set + ", ";
    if (!version.empty()) assignments += fmt::format("{0} = excluded.{0}, ", version);
    return fmt::format(
        "do update set {}_pawl_page = excluded._pawl_page, _pawl_loaded_at = now() where {}",
        assignments, where);
}

Parts versioned(const UpsertTarget& target, const std::vector<std::string>& key,
                const std::vector<std::string>& values) {
    Parts parts;
    parts.version = quoted(target.version);
    const bool newest = target.merge == Emit::Merge::newest;
    const std::string value = newest ? "_pawl_v" : "($2::bigint[])[_pawl_p] as _pawl_v";
    const std::string keys = fmt::format("{}", fmt::join(key, ", "));
    parts.winner = fmt::format(
        "select distinct on ({0}) {0}{1}, _pawl_p, {2} from {3} order by {0}, {4}_pawl_p desc, "
        "_pawl_o desc",
        keys, each(values, ", {0}", ""), value, target.stage,
        newest ? "_pawl_v desc, ($1::bigint[])[_pawl_p] desc, " : "");
    std::string advances = fmt::format("t.{0} is null or t.{0} < w._pawl_v", parts.version);
    if (target.replaces) advances += " or t._pawl_page is distinct from ($1::bigint[])[w._pawl_p]";
    parts.judge = fmt::format(
        "when t.{} is null then 'i' when t.{} > w._pawl_v then 's' "
        "when {} then case when {} then 'a' else 'n' end {}else 'u'",
        key.front(), parts.version,
        or_true(each(values, "t.{0} is not distinct from w.{0}", " and ")), advances,
        newest ? fmt::format("when t.{} = w._pawl_v and t._pawl_page > ($1::bigint[])[w._pawl_p] then 's' ", parts.version)
               : "");
    parts.on_conflict = on_conflict_update(
        each(values, "{0} = excluded.{0}", ", "), parts.version,
        newest ? fmt::format("t.{0} is null or (t.{0}, t._pawl_page) <= (excluded.{0}, excluded._pawl_page)", parts.version)
               : fmt::format("t.{0} is null or t.{0} <= excluded.{0}", parts.version));
    return parts;
}

Parts filling(const UpsertTarget& target, const std::vector<std::string>& key,
              const std::vector<std::string>& values) {
    Parts parts;
    const std::string first = each(values,
                                   ", (array_agg({0} order by _pawl_p desc, _pawl_o desc) filter "
                                   "(where {0} is not null))[1] as {0}",
                                   "");
    parts.winner = fmt::format("select {0}{1}, max(_pawl_p) as _pawl_p from {2} group by {0}",
                               fmt::join(key, ", "), first, target.stage);
    const std::string moves = target.replaces ? "case when t._pawl_page is distinct from "
                                                "($1::bigint[])[w._pawl_p] then 'a' else 'n' end"
                                              : "'n'";
    parts.judge =
        fmt::format("when t.{} is null then 'i' when {} then {} else 'u'", key.front(),
                    or_true(each(values, "(t.{0} is not null or w.{0} is null)", " and ")), moves);
    parts.on_conflict =
        values.empty() ? "do nothing"
                       : on_conflict_update(
                             each(values, "{0} = coalesce(t.{0}, excluded.{0})", ", "), "",
                             each(values, "(t.{0} is null and excluded.{0} is not null)", " or "));
    return parts;
}

std::string advance_sql(const UpsertTarget& target, const Parts& parts,
                        const std::vector<std::string>& key, const std::vector<std::string>& values,
                        const std::string& same_key) {
    std::vector<std::string> set;
    std::string still;
    if (!parts.version.empty()) {
        set.push_back(parts.version + " = w._pawl_v");
        still = fmt::format("(t.{0} is null or t.{0} <= w._pawl_v) and {1}", parts.version,
                            or_true(each(values, "t.{0} is not distinct from w.{0}", " and ")));
    } else {
        still = or_true(each(values, "(t.{0} is not null or w.{0} is null)", " and "));
    }
    if (target.replaces) set.push_back("_pawl_page = ($1::bigint[])[w._pawl_p]");
    return fmt::format(fmt::runtime(advance), arg("table", target.table),
                       arg("set", fmt::join(set, ", ")), arg("key", fmt::join(key, ", ")),
                       arg("same_key", same_key), arg("still", still));
}

std::string append_sql(const UpsertTarget& target, const std::vector<std::string>& values) {
    return fmt::format(fmt::runtime(append), arg("table", target.table), arg("stage", target.stage),
                       arg("columns", fmt::join(values, ", ")), arg("bits", core::page_seq_bits),
                       arg("mask", core::page_seq_max));
}

}  // namespace

std::string upsert_sql(const UpsertTarget& target) {
    const std::vector<std::string> key = all_quoted(target.key), values = all_quoted(target.values);
    if (key.empty()) return append_sql(target, values);
    if (target.merge == Emit::Merge::history) return history_sql(target);
    const bool fills = target.merge == Emit::Merge::fill_null;
    const Parts parts = fills ? filling(target, key, values) : versioned(target, key, values);
    const bool advances = !parts.version.empty() || target.replaces;
    const std::string same_key = each(key, "t.{0} = w.{0}", " and ");
    std::vector<std::string> columns = key;
    columns.insert(columns.end(), values.begin(), values.end());
    std::string sql = fmt::format(
        fmt::runtime(upsert), arg("winner", parts.winner), arg("judge", parts.judge),
        arg("table", target.table), arg("same_key", same_key),
        arg("columns", fmt::join(columns, ", ")), arg("key", fmt::join(key, ", ")),
        arg("version_column", parts.version.empty() ? "" : ", " + parts.version),
        arg("version_value", parts.version.empty() ? "" : ", _pawl_v"),
        arg("on_conflict", parts.on_conflict),
        arg("advanced", advances ? advance_sql(target, parts, key, values, same_key) : ""),
        arg("advanced_counts",
            advances
                ? "\nunion all select 'A', _pawl_p::bigint, count(*) from advanced group by 1, 2"
                : ""));
    // Both parameters must appear, or Postgres cannot tell their types.
    return sql + "\nunion all select '', cardinality($1::bigint[]), cardinality($2::bigint[])";
}

std::string replace_sql(const UpsertTarget& target, const std::vector<std::string>& replace_by, const std::string& children) {
    const bool keyless = target.key.empty();
    std::string older = keyless ? "t._pawl_slice < ($1::bigint[])[w._pawl_p] >> 20"
                                : "(t._pawl_page >> 20) < ($1::bigint[])[w._pawl_p] >> 20";
    if (!keyless && target.merge == Emit::Merge::overwrite)
        older = fmt::format(
            "(t._pawl_page >> 20) <> ($1::bigint[])[w._pawl_p] >> 20 and (t.{0} is null or t.{0} "
            "<= ($2::bigint[])[w._pawl_p])",
            quoted(target.version));
    return fmt::format(
        fmt::runtime(replace), arg("table", target.table), arg("stage", target.stage),
        arg("same", each(all_quoted(replace_by), "t.{0} = w.{0}", " and ")), arg("older", older),
        arg("row", children.empty() ? "" : ", t.*"), arg("children", children));
}

std::string replace_walk_sql(const std::string& table) {
    return fmt::format(fmt::runtime(replace_walk), arg("table", table),
                       arg("bits", core::page_seq_bits));
}

}  // namespace pawl::storage
