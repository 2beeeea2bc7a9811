#include "storage/finish.hpp"

namespace pawl::storage {

namespace {

constexpr std::string_view set_outcomes = R"sql(
update pawl.slice s set state = 'done', finished_at = now(), offered_until = null, shifted = a.shifted, split = a.split,
  outcome = coalesce(a.outcome, case when exists (select 1 from pawl.page p where p.slice_id = s.slice_id and p.outcome = 'ok')
                                     then 'ok' else 'not_modified' end)
from unnest($1::bigint[], $2::text[], $3::bool[], $4::bool[]) as a(slice_id, outcome, shifted, split) where s.slice_id = a.slice_id)sql";

constexpr std::string_view move_slices = R"sql(
with finished as (delete from pawl.slice where slice_id = any($1::bigint[]) returning *)
insert into pawl.slice_done select * from finished)sql";

// A walk ends with the last of its windows, and one without windows with its slice. The mark then moves up to the first
// window that did not end well. Windows of one walk may end in several transactions at a time: they take their partitions in
// one order. A newer walk may be open already where a slice was cancelled: its partition stays as it is.
constexpr std::string_view end_walks = R"sql(
with slice as (
  select d.*, d.outcome in ('ok', 'not_modified', 'empty') and not d.shifted as good
  from pawl.slice_done d where d.slice_id = any($1::bigint[])
), ended as (
  select partition_id, walk, count(*)::int as slices, max(slice_id) as slice_id, bool_or(shifted) as shifted,
         (array_agg(outcome order by good or split, outcome = 'ok' desc, slice_id desc))[1] as outcome,
         max(mark) filter (where good) as mark, min(lo) filter (where not good and not split) as bad_from
  from slice group by partition_id, walk
), locked as materialized (
  select partition_id from pawl.partition where partition_id in (select partition_id from ended)
  order by partition_id for no key update
)
update pawl.partition p set walking = p.open_windows > e.slices, open_windows = greatest(p.open_windows - e.slices, 0),
  last_finished = now(), last_outcome = e.outcome, last_slice = e.slice_id, mark_after = least(p.mark_after, e.bad_from),
  mark = case when p.open_windows > e.slices then p.mark
              else greatest(p.mark, case when p.mark_after is null then e.mark else least(p.mark_after, e.bad_from) end) end,
  next_due = case when e.shifted and p.rewalks < $2::int and p.open_windows <= e.slices then now() end,
  rewalks = case when e.shifted and p.rewalks < $2::int then p.rewalks + 1 else 0 end
from ended e join locked using (partition_id) where p.partition_id = e.partition_id and p.walk = e.walk)sql";

// The halves of a window take its place in the walk.
constexpr std::string_view insert_halves = R"sql(
with halves as (
  insert into pawl.slice (partition_id, source, stream, lo, hi, walk, request_hash, class, parent, genesis, tip_link)
  select partition_id, source, stream, lo, hi, walk, request_hash, class, parent, link, link
  from (select s.partition_id, s.source, s.stream, a.lo, a.hi, s.walk, s.request_hash, s.class, s.parent, gen_random_uuid() as link
        from unnest($1::bigint[], $2::bigint[], $3::bigint[]) with ordinality as a(slice_id, lo, hi, number)
        join pawl.slice s using (slice_id) order by a.number) as half
  returning partition_id
)
update pawl.partition p set open_windows = greatest(p.open_windows, 1) + added.slices
from (select partition_id, count(*)::int as slices from halves group by partition_id) as added
where p.partition_id = added.partition_id)sql";

constexpr std::string_view drop_validators = R"sql(
delete from pawl.validator v using pawl.slice_done d
where d.slice_id = any($1::bigint[]) and v.partition_id = d.partition_id and v.slice_id < d.slice_id)sql";

constexpr std::string_view count_outcomes = R"sql(
insert into pawl.outcome_total as t (source, stream, outcome, writer, slices)
select source, stream, outcome, $2::int, count(*) from pawl.slice_done where slice_id = any($1::bigint[])
group by source, stream, outcome order by source, stream, outcome
on conflict (source, stream, outcome, writer) do update set slices = t.slices + excluded.slices)sql";

std::optional<std::string> terminal_outcome(const PageCommit& page) {
    if (page.dead_reason) return std::string(core::to_string(core::Outcome::dead));
    if (page.job.outcome == core::Outcome::ok || page.job.outcome == core::Outcome::not_modified)
        return std::nullopt;
    return std::string(core::to_string(page.job.outcome));
}

// Of windows that met a ceiling of the API.
void split_windows(PqConnection& connection, const std::vector<BatchPage>& pages) {
    PqArray slices, lows, highs;
    bool any = false;
    for (const BatchPage& entry : pages) {
        const core::Job& job = entry.page->job;
        if (!job.split || !entry.stream->incremental) continue;
        const auto halves = core::halves(*entry.stream->incremental, job.window);
        if (!halves) continue;
        any = true;
        for (const core::Window& half : {halves->first, halves->second}) {
            slices.add(job.slice);
            lows.add(*half.lo);
            highs.add(*half.hi);
        }
    }
    if (any) connection.run(std::string(insert_halves), {slices.str(), lows.str(), highs.str()});
}

}  // namespace

void finish_slices(PqConnection& connection, const std::vector<BatchPage>& pages, int writer) {
    PqArray ids, outcomes, shifted, split;
    std::vector<core::SliceId> slices;
    for (const BatchPage& entry : pages) {
        if (!entry.page->job.last) continue;
        slices.push_back(entry.page->job.slice);
        ids.add(entry.page->job.slice);
        outcomes.add(terminal_outcome(*entry.page));
        shifted.add(entry.page->job.rewalk);
        split.add(entry.page->job.split);
    }
    if (slices.empty()) return;
    split_windows(connection, pages);
    connection.run(std::string(set_outcomes), {ids.str(), outcomes.str(), shifted.str(), split.str()});
    move_finished(connection, slices, writer);
}

void move_finished(PqConnection& connection, const std::vector<core::SliceId>& slices, int writer) {
    PqArray array;
    for (const core::SliceId slice : slices) array.add(slice);
    const std::string ids = array.str();
    connection.run(std::string(move_slices), {ids});
    connection.run(std::string(end_walks), {ids, std::to_string(rewalks_max)});
    connection.run(std::string(drop_validators), {ids});
    connection.run(std::string(count_outcomes), {ids, std::to_string(writer)});
}

}  // namespace pawl::storage
