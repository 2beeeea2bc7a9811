#include "storage/tip_move.hpp"

#include <algorithm>

#include "storage/finish.hpp"

namespace pawl::storage {

namespace {

constexpr std::string_view look = R"sql(
select count(*)
from unnest($1::bigint[], $2::bigint[], $3::uuid[]) as a(slice_id, first_seq, first_prev)
join pawl.slice s on s.slice_id = a.slice_id and s.tip_seq = a.first_seq - 1 and s.tip_link = a.first_prev
  and s.state = 'open')sql";

constexpr std::string_view lock =
    "select 1 from pawl.slice where slice_id = any($1::bigint[]) order by slice_id for update";

constexpr std::string_view move = R"sql(
update pawl.slice s set tip_seq = a.seq, tip_link = a.link, tip_cursor = a.cursor,
  records = s.records + a.records, inserted = s.inserted + a.inserted, updated = s.updated + a.updated,
  same = s.same + a.same, stale = s.stale + a.stale, duplicate = s.duplicate + a.duplicate,
  rejected = s.rejected + a.rejected, dead = s.dead + a.dead, mark = greatest(s.mark, a.mark),
  offered_until = now() + $15::bigint * interval '1 millisecond'
from unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::bigint[], $8::bigint[],
            $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $16::bigint[])
  as a(slice_id, first_seq, first_prev, seq, link, cursor, records, inserted, updated, same, stale, duplicate, rejected,
       dead, mark)
where s.slice_id = a.slice_id and s.tip_seq = a.first_seq - 1 and s.tip_link = a.first_prev and s.state = 'open'
returning s.slice_id)sql";

constexpr std::string_view read_slices = R"sql(
select slice_id, state, tip_seq, tip_link from pawl.slice where slice_id = any($1::bigint[])
union all
select slice_id, state, tip_seq, tip_link from pawl.slice_done where slice_id = any($1::bigint[]))sql";

constexpr std::string_view read_pages = R"sql(
select p.slice_id, p.seq, p.link from unnest($1::bigint[], $2::bigint[]) as a(slice_id, seq)
join pawl.page p using (slice_id, seq))sql";

/// First and last page of one slice in a batch, with the sum of its counts.
struct Move {
    const core::Job* first = nullptr;
    const core::Job* last = nullptr;
    PageResult::Counts counts;
    std::int64_t dead = 0;
    std::optional<std::int64_t> mark;
};

std::vector<Move> moves_of(const std::vector<BatchPage>& pages) {
    std::vector<Move> moves;
    for (const BatchPage& entry : pages) {
        const core::Job& job = entry.page->job;
        if (moves.empty() || moves.back().first->slice != job.slice)
            moves.push_back({&job, &job, {}, 0, std::nullopt});
        Move& move_ = moves.back();
        move_.last = &job;
        move_.dead += entry.page->dead_reason ? 1 : 0;
        move_.mark = std::max(move_.mark, entry.page->rows.mark);
        for (const PageResult::Counts& c : entry.result->emits) move_.counts += c;
    }
    return moves;
}

core::Link link_of(std::string_view text) {
    const auto link = core::Token::parse(text);
    if (!link) throw std::logic_error("not a uuid in a result");
    return *link;
}

}  // namespace

bool tips_stand_ready(PqConnection& connection, const std::vector<BatchPage>& pages) {
    PqArray slices, seqs, links;
    const std::vector<Move> moves = moves_of(pages);
    for (const Move& m : moves) {
        slices.add(m.first->slice);
        seqs.add(m.first->seq);
        links.add(m.first->previous.str());
    }
    const PqResult found =
        connection.run(std::string(look), {slices.str(), seqs.str(), links.str()});
    return found.integer(0, 0) == static_cast<std::int64_t>(moves.size());
}

bool move_tips(PqConnection& connection, const std::vector<BatchPage>& pages, core::Millis quiet) {
    PqArray slices, first_seqs, first_links, seqs, links, cursors;
    PqArray records, inserted, updated, same, stale, duplicate, rejected, dead, marks;
    const std::vector<Move> moves = moves_of(pages);
    for (const Move& m : moves) {
        slices.add(m.first->slice);
        first_seqs.add(m.first->seq);
        first_links.add(m.first->previous.str());
        seqs.add(m.last->seq);
        links.add(m.last->link.str());
        cursors.add(m.last->next_cursor);
        records.add(m.counts.read);
        inserted.add(m.counts.inserted);
        updated.add(m.counts.updated);
        same.add(m.counts.same);
        stale.add(m.counts.stale);
        duplicate.add(m.counts.duplicate);
        rejected.add(m.counts.rejected);
        dead.add(m.dead);
        marks.add(m.mark ? std::optional<std::string>(std::to_string(*m.mark)) : std::nullopt);
    }
    connection.run(std::string(lock), {slices.str()});
    const PqResult moved = connection.run(
        std::string(move),
        {slices.str(), first_seqs.str(), first_links.str(), seqs.str(), links.str(), cursors.str(),
         records.str(), inserted.str(), updated.str(), same.str(), stale.str(), duplicate.str(),
         rejected.str(), dead.str(), std::to_string(quiet.count()), marks.str()});
    return moved.rows() == static_cast<int>(moves.size());
}

std::vector<std::optional<PageResult>> judge_pages(PqConnection& connection,
                                                   const std::vector<BatchPage>& pages) {
    PqArray slices, seqs;
    for (const BatchPage& entry : pages) {
        slices.add(entry.page->job.slice);
        seqs.add(entry.page->job.seq);
    }
    connection.run_all(
        "begin; set local lock_timeout = '10s'; set local statement_timeout = '30s'");
    connection.run(std::string(lock), {slices.str()});
    std::map<core::SliceId, SliceState> states;
    const PqResult found = connection.run(std::string(read_slices), {slices.str()});
    for (int row = 0; row < found.rows(); ++row)
        states[found.integer(row, 0)] = {std::string(found.text(row, 1)), found.integer(row, 2),
                                         link_of(found.text(row, 3))};
    std::map<std::pair<core::SliceId, std::int64_t>, core::Link> ledger;
    const PqResult known = connection.run(std::string(read_pages), {slices.str(), seqs.str()});
    for (int row = 0; row < known.rows(); ++row)
        ledger[{known.integer(row, 0), known.integer(row, 1)}] = link_of(known.text(row, 2));
    connection.run("rollback");

    std::vector<std::optional<PageResult>> results;
    for (const BatchPage& entry : pages) {
        const core::Job& job = entry.page->job;
        std::optional<SliceState> slice;
        if (const auto state = states.find(job.slice); state != states.end()) slice = state->second;
        std::optional<core::Link> link;
        if (const auto page = ledger.find({job.slice, job.seq}); page != ledger.end())
            link = page->second;
        results.push_back(judge(job, slice, link));
        if (!results.back()) states[job.slice] = {job.last ? "done" : "open", job.seq, job.link};
    }
    return results;
}

bool mark_stuck(PqConnection& connection, const core::Job& job, int writer) {
    connection.run_all("begin; set local lock_timeout = '10s'; set local synchronous_commit = on");
    const PqResult marked = connection.run(
        "update pawl.slice set state = 'stuck', outcome = 'stuck', finished_at = now() "
        "where slice_id = $1 and tip_seq = $2::bigint - 1 and tip_link = $3::uuid and state = "
        "'open' returning 1",
        {std::to_string(job.slice), std::to_string(job.seq), job.previous.str()});
    if (marked.rows() == 0) {
        connection.run("rollback");
        return false;
    }
    move_finished(connection, {job.slice}, writer);
    connection.commit();
    return true;
}

}  // namespace pawl::storage
