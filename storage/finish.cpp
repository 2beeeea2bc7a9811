#include "storage/finish.hpp"

namespace pawl::storage {

namespace {

constexpr std::string_view set_outcomes = R"sql(
update pawl.slice s set state = 'done', finished_at = now(), offered_until = null, shifted = a.shifted,
  outcome = coalesce(a.outcome, case when exists (select 1 from pawl.page p where p.slice_id = s.slice_id and p.outcome = 'ok')
                                     then 'ok' else 'not_modified' end)
from unnest($1::bigint[], $2::text[], $3::bool[]) as a(slice_id, outcome, shifted) where s.slice_id = a.slice_id)sql";

constexpr std::string_view move_slices = R"sql(
with finished as (delete from pawl.slice where slice_id = any($1::bigint[]) returning *)
insert into pawl.slice_done select * from finished)sql";

// A newer walk may be open already where this slice was cancelled: its partition stays as it is.
constexpr std::string_view end_walks = R"sql(
update pawl.partition p set walking = false, last_finished = now(), last_outcome = d.outcome, last_slice = d.slice_id,
  next_due = case when d.shifted and p.rewalks < $2::int then now() end,
  rewalks = case when d.shifted and p.rewalks < $2::int then p.rewalks + 1 else 0 end
from pawl.slice_done d
where d.slice_id = any($1::bigint[]) and p.partition_id = d.partition_id and p.walk = d.walk)sql";

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

}  // namespace

void finish_slices(PqConnection& connection, const std::vector<BatchPage>& pages, int writer) {
    PqArray ids, outcomes, shifted;
    std::vector<core::SliceId> slices;
    for (const BatchPage& entry : pages) {
        if (!entry.page->job.last) continue;
        slices.push_back(entry.page->job.slice);
        ids.add(entry.page->job.slice);
        outcomes.add(terminal_outcome(*entry.page));
        shifted.add(entry.page->job.rewalk);
    }
    if (slices.empty()) return;
    connection.run(std::string(set_outcomes), {ids.str(), outcomes.str(), shifted.str()});
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
