#include "storage/history_statement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "storage/identifier.hpp"

// How it goes: `said` is what the batch says, once per key and moment; `old` are the rows that this may change: from the one
// before the first moment to the one after the last; `event` are the sightings of both, and the ends of rows that no other row
// follows; `step` finds where content changes; `fresh` are the rows that follow. What is in `old` and not in `fresh` goes, what
// is in both is changed where it differs, the rest comes: in this order, so that one row of a key at most is open at any time.
namespace pawl::storage {

namespace {

using fmt::arg;

constexpr std::string_view history = R"sql(
with said as materialized (
  select distinct on ({key}, _pawl_v) {columns}, _pawl_v, ($1::bigint[])[_pawl_p] as _pawl_page, _pawl_p
  from {stage} order by {key}, _pawl_v, ($1::bigint[])[_pawl_p] desc, _pawl_o desc
), span as (
  select {key}, min(_pawl_v) as _pawl_lo, max(_pawl_v) as _pawl_hi from said group by {key}
), old as materialized (
  select {t_columns}, t.valid_from, t.valid_to, t._pawl_sightings, t._pawl_sightings[1][1] as _pawl_v,
         lead(t.valid_from) over (partition by {t_key} order by t.valid_from) as _pawl_next
  from span w join {table} t on {t_same_w}
   and t.valid_from >= coalesce((select b.valid_from from {table} b where {b_same_w} and b.valid_from < {lo}
                                 order by b.valid_from desc limit 1), '-infinity')
   and t.valid_from <= coalesce((select b.valid_from from {table} b where {b_same_w} and b.valid_from > {hi}
                                 order by b.valid_from limit 1), 'infinity')
), event as materialized (
  select distinct on ({key}, _pawl_v) * from (
    select {old_columns}, seen._pawl_v, seen._pawl_page, false as _pawl_gone
    from old cross join lateral (select old._pawl_sightings[n][1] as _pawl_v, old._pawl_sightings[n][2] as _pawl_page
                                 from generate_series(1, array_length(old._pawl_sightings, 1)) as n) as seen
    union all select {columns}, _pawl_v, _pawl_page, false from said
    union all select {key}{nulls}, (extract(epoch from valid_to) * 1000000)::bigint, 0, true
    from old where valid_to is not null and (_pawl_next is null or valid_to < _pawl_next)) as all_events
  order by {key}, _pawl_v, _pawl_gone, _pawl_page desc
), step as (
  select *, lag(_pawl_v) over along is null or lag(_pawl_gone) over along <> _pawl_gone{changes} as _pawl_starts
  from event window along as (partition by {key} order by _pawl_v)
), numbered as materialized (
  select *, count(*) filter (where _pawl_starts) over (partition by {key} order by _pawl_v) as _pawl_n from step
), begun as (
  select *, lead(_pawl_v) over (partition by {key} order by _pawl_v) as _pawl_until from numbered where _pawl_starts
), sighted as (
  select {key}, _pawl_n, array_agg(array[_pawl_v, _pawl_page] order by _pawl_v) as _pawl_sightings
  from (select {key}, _pawl_n, _pawl_v, _pawl_page,
               row_number() over (partition by {key}, _pawl_n order by _pawl_v) as _pawl_up,
               row_number() over (partition by {key}, _pawl_n order by _pawl_v desc) as _pawl_down
        from numbered where not _pawl_gone) as ranked
  where _pawl_up = 1 or _pawl_down < {sightings_max} group by {key}, _pawl_n
), fresh as materialized (
  select {b_columns}, {from} as valid_from, {until} as valid_to, s._pawl_sightings, b._pawl_v, b._pawl_page,
         o._pawl_v is not null as _pawl_is_old, o._pawl_v is not null{b_same_o} as _pawl_is_same, o._pawl_sightings as _pawl_before,
         o.valid_to as _pawl_valid_to
  from begun b join sighted s on {s_same_b} and s._pawl_n = b._pawl_n
  left join old o on {o_same_b} and o._pawl_v = b._pawl_v
  where not b._pawl_gone
), changing as materialized (
  select * from fresh where _pawl_is_old and not (_pawl_is_same and valid_to is not distinct from _pawl_valid_to
                                                  and _pawl_sightings[:][1:1] = _pawl_before[:][1:1])
), leaving as materialized (
  select {key}, valid_from from old o where not exists (select from fresh f where {f_same_o} and f._pawl_v = o._pawl_v)
), removed as (
  delete from {table} t using leaving w where {t_same_w} and t.valid_from = w.valid_from returning 1
), changed as (
  update {table} t set {set}valid_to = w.valid_to, _pawl_sightings = w._pawl_sightings, _pawl_page = w._pawl_page,
    _pawl_loaded_at = case when w._pawl_is_same and t.valid_to is not distinct from w.valid_to then t._pawl_loaded_at else now() end
  from (select * from changing order by {key}) w
  where {t_same_w} and t.valid_from = w.valid_from and (select count(*) from removed) >= 0 returning 1
), added as (
  insert into {table} ({columns}, valid_from, valid_to, _pawl_sightings, _pawl_page)
  select {columns}, valid_from, valid_to, _pawl_sightings, _pawl_page from fresh
  where not _pawl_is_old and (select count(*) from changed) >= 0 order by {key}, _pawl_v
  on conflict do nothing returning 1
), judged as materialized (
  select {w_key}, w._pawl_p, w._pawl_page,
         case when e._pawl_page <> w._pawl_page then 's' when f._pawl_v is null or f._pawl_is_same then 'n'
              when f._pawl_is_old then 'u' else 'i' end as _pawl_k
  from said w join event e on {e_same_w} and e._pawl_v = w._pawl_v
  left join fresh f on {f_same_w} and f._pawl_v = w._pawl_v
), net as (
  select {key}, sum(_pawl_n) as _pawl_net, max(_pawl_p) as _pawl_p from (
    select {key}, count(*) filter (where _pawl_k = 'i') as _pawl_n, max(_pawl_p) as _pawl_p from judged group by {key}
    union all select {key}, -count(*), null from fresh group by {key}
    union all select {key}, count(*), null from old group by {key}) as parts group by {key}
)
select _pawl_k as what, _pawl_p::bigint as which, count(*) from judged group by 1, 2
union all select upper(_pawl_k), _pawl_page, count(*) from judged where _pawl_k in ('i', 'u') group by 1, 2
union all select 'd', _pawl_p::bigint, sum(_pawl_net)::bigint from net where _pawl_net <> 0 group by 2
union all select 'x', (select count(*) from leaving) + (select count(*) from changing) + (select count(*) from fresh where not _pawl_is_old),
                 (select count(*) from removed) + (select count(*) from changed) + (select count(*) from added)
union all select '', cardinality($1::bigint[]), cardinality($2::bigint[]))sql";

using Names = std::vector<std::string>;

/// `format` filled with each name as {0}, joined.
std::string each(const Names& names, std::string_view format, std::string_view between) {
    Names out;
    for (const std::string& name : names) out.push_back(fmt::format(fmt::runtime(format), quoted(name)));
    return fmt::format("{}", fmt::join(out, between));
}

}  // namespace

std::string exact_time(const std::string& micros) {
    // An interval times a number is computed in doubles: both parts stay where these are exact.
    return fmt::format("(timestamptz 'epoch' + ({0} / 3600000000) * interval '1 hour' + ({0} % 3600000000) * interval '1 microsecond')",
                       micros);
}

std::string history_sql(const UpsertTarget& target) {
    Names columns = target.key;
    columns.insert(columns.end(), target.values.begin(), target.values.end());
    const auto same = [&](std::string_view a, std::string_view b) {
        return each(target.key, fmt::format("{}.{{0}} = {}.{{0}}", a, b), " and ");
    };
    const std::string differs = each(target.values, "lag({0}) over along is distinct from {0}", " or ");
    return fmt::format(
        fmt::runtime(history), arg("table", target.table), arg("stage", target.stage), arg("key", each(target.key, "{0}", ", ")),
        arg("columns", each(columns, "{0}", ", ")), arg("old_columns", each(columns, "old.{0}", ", ")), arg("t_columns", each(columns, "t.{0}", ", ")),
        arg("b_columns", each(columns, "b.{0}", ", ")), arg("t_key", each(target.key, "t.{0}", ", ")),
        arg("w_key", each(target.key, "w.{0}", ", ")), arg("nulls", each(target.values, ", null", "")),
        arg("changes", differs.empty() ? "" : fmt::format(" or (not _pawl_gone and ({}))", differs)),
        arg("b_same_o", each(target.values, " and b.{0} is not distinct from o.{0}", "")),
        arg("set", each(target.values, "{0} = w.{0}, ", "")), arg("t_same_w", same("t", "w")), arg("b_same_w", same("b", "w")),
        arg("e_same_w", same("e", "w")), arg("f_same_w", same("f", "w")), arg("f_same_o", same("f", "o")),
        arg("s_same_b", same("s", "b")), arg("o_same_b", same("o", "b")), arg("lo", exact_time("w._pawl_lo")),
        arg("hi", exact_time("w._pawl_hi")), arg("from", exact_time("b._pawl_v")), arg("until", exact_time("b._pawl_until")),
        arg("sightings_max", sightings_max));
}

}  // namespace pawl::storage
