#include "storage/ledger_checks.hpp"

namespace pawl::storage {
namespace {

// Everything is aggregated and compared inside Postgres, along its indexes or with its sorts on
// disk: what comes here are differences only, so the memory of pawl does not grow with the ledger.

constexpr std::string_view chain = R"sql(
with step as (
  select s.stream, s.slice_id, s.genesis, g.seq, g.prev, g.cursor_hash,
         lag(g.seq) over w as seq_before, lag(g.link) over w as link_before,
           lag(g.cursor_out) over w as cursor_before
  from pawl.v_slice s join pawl.page g on g.slice_id = s.slice_id
  where s.source = $1 and ($2 = '' or s.stream = $2)
  window w as (partition by g.slice_id order by g.seq)
)
select stream, slice_id, seq,
       case when seq <> coalesce(seq_before, 0) + 1
              then format('follows page %s: what is between them is missing', coalesce(seq_before,
                0))
            when prev <> coalesce(link_before, genesis)
              then format('names %s as the page before it, which is %s', prev,
                coalesce(link_before, genesis))
            else format('was asked for with another cursor than page %s gave', seq_before) end,
       count(*) over ()
from step
where seq <> coalesce(seq_before, 0) + 1 or prev <> coalesce(link_before, genesis)
   or (seq_before is not null and cursor_hash <> sha256(convert_to(coalesce(cursor_before, ''),
     'UTF8')))
order by slice_id, seq limit 1001)sql";

constexpr std::string_view tip = R"sql(
select s.stream, s.slice_id, s.tip_seq,
       case when s.tip_seq <> coalesce(last.seq, 0)
              then format('is the tip, but the last page in the ledger is %s', coalesce(last.seq,
                0))
            when s.tip_link <> coalesce(last.link, s.genesis)
              then format('is the tip with link %s, but the ledger has %s', s.tip_link,
                coalesce(last.link, s.genesis))
            else 'is the tip, but the cursor of the next page is not the one this page gave' end,
       count(*) over ()
from pawl.v_slice s
left join lateral (select seq, link, cursor_out from pawl.page g where g.slice_id = s.slice_id
                   order by seq desc limit 1) as last on true
where s.source = $1 and ($2 = '' or s.stream = $2)
  and (s.tip_seq <> coalesce(last.seq, 0) or s.tip_link <> coalesce(last.link, s.genesis)
       or (s.state = 'open' and s.tip_cursor is distinct from last.cursor_out))
order by s.slice_id limit 1001)sql";

constexpr std::string_view balance = R"sql(
select s.stream, g.slice_id, g.seq,
       case when e.i is null then format('has %s counts, not eight for each table',
         cardinality(g.counts))
            else format('read %s records for emit %s, but inserted + updated + same + stale + duplicate + rejected is %s',
                        g.counts[e.i * 8 + 1], e.i + 1, added.up) end,
       count(*) over ()
from pawl.v_slice s join pawl.page g on g.slice_id = s.slice_id
left join lateral generate_series(0, cardinality(g.counts) / 8 - 1) as e(i)
  on cardinality(g.counts) % 8 = 0
left join lateral (select sum(c) as up from unnest(g.counts[e.i * 8 + 2:e.i * 8 + 7]) as c) as
  added on true
where s.source = $1 and ($2 = '' or s.stream = $2) and cardinality(g.counts) > 0
  and (e.i is null or g.counts[e.i * 8 + 1] <> added.up)
order by g.slice_id, g.seq limit 1001)sql";

constexpr std::string_view slice_counts = R"sql(
with counted as (
  select g.slice_id, array[
    sum(c) filter (where i % 8 = 1), sum(c) filter (where i % 8 = 2),
      sum(c) filter (where i % 8 = 3),
    sum(c) filter (where i % 8 = 4), sum(c) filter (where i % 8 = 5),
      sum(c) filter (where i % 8 = 6),
    sum(c) filter (where i % 8 = 7)]::bigint[] as pages
  from pawl.v_slice s join pawl.page g on g.slice_id = s.slice_id
  cross join lateral unnest(g.counts) with ordinality as u(c, i)
  where s.source = $1 and ($2 = '' or s.stream = $2)
  group by g.slice_id
), slice as (
  select stream, slice_id, array[records, inserted, updated, same, stale, duplicate,
    rejected] as told
  from pawl.v_slice where source = $1 and ($2 = '' or stream = $2)
)
select slice.stream, slice.slice_id, null::bigint,
       format('counts (records, inserted, updated, same, stale, duplicate, rejected) %s, but its pages add up to %s',
              slice.told, coalesce(counted.pages, '{0,0,0,0,0,0,0}')),
       count(*) over ()
from slice left join counted using (slice_id)
where slice.told <> coalesce(counted.pages, '{0,0,0,0,0,0,0}')
order by slice.slice_id limit 1001)sql";

constexpr std::string_view rejected = R"sql(
with counted as (
  select s.stream, g.slice_id, g.seq, n.rejected
  from pawl.v_slice s join pawl.page g on g.slice_id = s.slice_id
  cross join lateral (select sum(c)::bigint as rejected
    from unnest(g.counts) with ordinality as u(c, i)
                      where i % 8 = 7) as n
  where s.source = $1 and ($2 = '' or s.stream = $2) and n.rejected > 0
), kept as (
  select stream, slice_id, seq, count(*) as records from pawl.rejected_record
  where source = $1 and ($2 = '' or stream = $2) group by stream, slice_id, seq
)
select coalesce(counted.stream, kept.stream), slice_id, seq,
       format('counts %s rejected records, but %s are kept', coalesce(counted.rejected, 0),
         coalesce(kept.records, 0)),
       count(*) over ()
from counted full join kept using (slice_id, seq)
where coalesce(counted.rejected, 0) <> coalesce(kept.records, 0)
order by slice_id, seq limit 1001)sql";

constexpr std::string_view dead_letters = R"sql(
with dead as (
  select s.stream, g.slice_id, g.seq from pawl.v_slice s join pawl.page g on g.slice_id = s.slice_id
  where s.source = $1 and ($2 = '' or s.stream = $2) and g.outcome = 'dead'
), letter as (
  select stream, slice_id, seq, state from pawl.dead_letter where source = $1
    and ($2 = '' or stream = $2)
)
select coalesce(dead.stream, letter.stream), slice_id, seq,
       case when letter.state is null then 'is dead in the ledger, but its dead letter is missing'
            else 'has a dead letter, but is not dead in the ledger' end,
       count(*) over ()
from dead full join letter using (slice_id, seq)
where letter.state is null or (dead.slice_id is null and letter.state = 'dead')
order by slice_id, seq limit 1001)sql";

constexpr std::string_view mappings = R"sql(
select s.stream, g.slice_id, g.seq,
       format('counts rows under the mapping %s, which is not known: they belong to no table',
              coalesce(left(g.mapping_hash, 12), '(none)')),
       count(*) over ()
from pawl.v_slice s join pawl.page g on g.slice_id = s.slice_id
left join pawl.spec m on m.source = s.source and m.stream = s.stream and m.hash = g.mapping_hash
  and m.kind = 'mapping'
where s.source = $1 and ($2 = '' or s.stream = $2)
  and exists (select from unnest(g.counts) as c where c <> 0)
  and (m.hash is null or jsonb_array_length(m.body -> 'emits') * 8 < cardinality(g.counts))
order by g.slice_id, g.seq limit 1001)sql";

constexpr std::string_view slices = R"sql(
with trouble as (
  select stream, slice_id, format('has state %s among the open slices', state) as text
  from pawl.slice where source = $1 and state <> 'open'
  union all
  select d.stream, d.slice_id, 'is both open and finished'
  from pawl.slice_done d join pawl.slice s on s.slice_id = d.slice_id where d.source = $1
  union all
  select stream, slice_id, format('is finished with state %s and outcome %s', state,
    coalesce(outcome, '(none)'))
  from pawl.slice_done where source = $1 and (state = 'open' or outcome is null)
  union all
  select s.stream, s.slice_id,
         case when p.partition_id is null then 'belongs to a partition that does not exist'
              when not p.walking then 'is open, but its partition is not being walked'
              else format('is walk %s, but its partition has come to walk %s only', s.walk,
                p.walk) end
  from pawl.slice s left join pawl.partition p on p.partition_id = s.partition_id
  where s.source = $1 and s.state = 'open' and (p.partition_id is null or not p.walking or p.walk <
    s.walk)
)
select stream, slice_id, null::bigint, text, count(*) over () from trouble
where $2 = '' or stream = $2 order by slice_id limit 1001)sql";

constexpr std::string_view partitions = R"sql(
select p.stream, null::bigint, null::bigint,
       format('partition %s is being walked (walk %s), but no slice of it is open: it will never be asked again',
              quote_literal(p.part), p.walk),
       count(*) over ()
from pawl.partition p
where p.source = $1 and ($2 = '' or p.stream = $2) and p.walking
  and not exists (select from pawl.slice s where s.partition_id = p.partition_id
    and s.state = 'open')
order by p.partition_id limit 1001)sql";

// Pages do not carry their source: whoever looks at a whole source is told.
constexpr std::string_view orphans = R"sql(
select $1, g.slice_id, g.seq, 'is in the ledger, but its slice is not in the catalogue',
  count(*) over ()
from pawl.page g
where $2 = '' and not exists (select from pawl.slice s where s.slice_id = g.slice_id)
  and not exists (select from pawl.slice_done d where d.slice_id = g.slice_id)
order by g.slice_id, g.seq limit 1001)sql";

constexpr LedgerCheck checks_in_order[] = {
    {"chain", chain},
    {"tip", tip},
    {"balance", balance},
    {"slice counts", slice_counts},
    {"rejected", rejected},
    {"mappings", mappings},
    {"dead letters", dead_letters},
    {"slices", slices},
    {"partitions", partitions},
    {"orphans", orphans},
};

}  // namespace

std::span<const LedgerCheck> ledger_checks() { return checks_in_order; }

}  // namespace pawl::storage
