// BatchWriter::replay: a dead letter's page is stored after all. Its tip has moved long ago, so what makes this happen once
// is the letter's own state; and its rows keep the version they came with, so that they overwrite nothing newer.
#include <fmt/format.h>

#include <algorithm>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "storage/absence.hpp"
#include "storage/batch_transaction.hpp"
#include "storage/batch_writer.hpp"
#include "storage/children.hpp"
#include "storage/counts.hpp"
#include "storage/ledger.hpp"

namespace pawl::storage {

namespace {

constexpr std::string_view claim = R"sql(
update pawl.dead_letter set state = 'replayed', changed_at = now()
where dead_letter_id = $1 and slice_id = $2 and seq = $3 and state = 'dead' returning 1)sql";

// A finished walk that is newer has replaced, or will not replace again, what an older one left in such a table.
constexpr std::string_view find_newer_walk =
    "select 1 from pawl.partition where partition_id = $1 and last_slice > $2";

constexpr std::string_view revive_page = R"sql(
update pawl.page set outcome = $3, counts = $4::bigint[], mapping_hash = $5, reason = null, committed_at = now()
where slice_id = $1 and seq = $2 and outcome = 'dead' returning 1)sql";

constexpr std::string_view add_to_slice = R"sql(
update pawl.{} set records = records + $2::bigint, inserted = inserted + $3::bigint, updated = updated + $4::bigint,
  same = same + $5::bigint, stale = stale + $6::bigint, duplicate = duplicate + $7::bigint,
  rejected = rejected + $8::bigint, dead = dead - 1
where slice_id = $1)sql";

// A walk whose last page was dead ended as `dead`.
constexpr std::string_view revive_walk = R"sql(
with revived as (
  update pawl.slice_done set outcome = 'ok' where slice_id = $1 and outcome = 'dead' and tip_seq = $2
  returning source, stream, partition_id, slice_id
), partition as (
  update pawl.partition p set last_outcome = 'ok' from revived r
  where p.partition_id = r.partition_id and p.last_slice = r.slice_id
)
insert into pawl.outcome_total as t (source, stream, outcome, writer, slices)
select source, stream, outcome, $3::int, slices from revived cross join (values ('dead', -1), ('ok', 1)) as v(outcome, slices)
order by outcome
on conflict (source, stream, outcome, writer) do update set slices = t.slices + excluded.slices)sql";

constexpr std::string_view add_totals = R"sql(
insert into pawl.stream_total as t (source, stream, writer, records, inserted, updated, rejected, dead)
values ($1, $2, $3::int, $4::bigint, $5::bigint, $6::bigint, $7::bigint, -1)
on conflict (source, stream, writer) do update set records = t.records + excluded.records,
  inserted = t.inserted + excluded.inserted, updated = t.updated + excluded.updated,
  rejected = t.rejected + excluded.rejected, dead = t.dead - 1)sql";

bool needs_whole_walks(const core::Stream& stream) {
    return std::any_of(stream.emits.begin(), stream.emits.end(),
                       [](const core::Emit& emit) { return emit.needs_whole_walks(); });
}

void revive_books(PqConnection& server, const std::string& source, std::int64_t writer, const BatchPage& entry) {
    const auto& job = entry.page->job;
    const auto slice = std::to_string(job.slice), seq = std::to_string(job.seq), number = std::to_string(writer);
    PageResult::Counts sum;
    for (const auto& counts : entry.result->emits) sum += counts;
    const auto text = [](std::int64_t count) { return std::to_string(count); };
    const auto revived = server.run(std::string(revive_page),
                                    {slice, seq, std::string(core::to_string(job.outcome)), counts_text(*entry.result),
                                     entry.stream->mapping_hash});
    if (revived.rows() == 0) throw core::PermanentError("the ledger has no dead page " + seq + " of slice " + slice);
    for (const char* table : {"slice", "slice_done"})
        server.run(fmt::format(fmt::runtime(add_to_slice), table),
                   {slice, text(sum.read), text(sum.inserted), text(sum.updated), text(sum.same), text(sum.stale),
                    text(sum.duplicate), text(sum.rejected)});
    server.run(std::string(revive_walk), {slice, seq, number});
    server.run(std::string(add_totals), {source, job.stream, number, text(sum.read), text(sum.inserted),
                                         text(sum.updated), text(sum.rejected)});
}

}  // namespace

PageResult BatchWriter::replay(const core::SourceFile& source, std::int64_t letter, PageCommit& page) {
    PageResult result;
    const auto* stream = source.find(page.job.stream);
    if (stream == nullptr) throw core::PermanentError("the source file has no stream '" + page.job.stream + "'");
    const Pages pages{{&page, stream, &result, 0}};
    bool refreshed = false;
    for (int attempt = 1;; ++attempt) {
        try {
            write_replay(source, letter, pages);
            return result;
        } catch (const core::TransientError& error) {
            connection_.reset();  // in doubt: had it committed, the letter is not dead any more
            if (!error.outcome_unknown || attempt > attempts_in_doubt) throw;
        } catch (const SqlError& error) {
            connection().rollback();
            if (is_collision(error) && attempt <= attempts_max) {
                wait_a_little(attempt);
            } else if (is_outdated(error) && !refreshed) {
                refreshed = true;
                tables_->forget(source);
            } else if (is_of_the_data(error)) {
                result = PageResult{};
                result.verdict = Verdict::unstorable;
                result.reason = fmt::format("{} [{}]", error.what(), error.sqlstate);
                return result;
            } else {
                raise(error);
            }
        } catch (...) {
            connection_.reset();
            throw;
        }
    }
}

// One transaction, in the order of locks that batch_writer.cpp tells.
void BatchWriter::write_replay(const core::SourceFile& source, std::int64_t letter, const Pages& pages) {
    auto& entry = pages.front();
    const auto& job = entry.page->job;
    begin_counts(pages);
    std::vector<Stage> stages = stage_batch(connection(), *tables_, source, pages, spare_);
    PqConnection& server = connection();
    begin(server);
    const auto refuse = [&](Verdict verdict, std::string reason) {
        server.rollback();
        *entry.result = PageResult{};
        entry.result->verdict = verdict;
        entry.result->reason = std::move(reason);
    };
    const auto slice = std::to_string(job.slice);
    const auto claimed = server.run(std::string(claim), {std::to_string(letter), slice, std::to_string(job.seq)});
    if (claimed.rows() == 0) return refuse(Verdict::duplicate, "it was replayed or dropped before");
    const bool is_late = needs_whole_walks(*entry.stream) &&
                         server.run(std::string(find_newer_walk), {std::to_string(job.partition), slice}).rows() > 0;
    if (is_late) return refuse(Verdict::superseded, "a newer walk has replaced what this one found");
    core::hit(core::Failpoint::in_replay);
    write_rows(source, pages, stages);
    write_sightings(server, pages, stages);
    write_children(server, *tables_, source, pages, stages);
    revive_books(server, source.name, options_.number, entry);
    write_rejected(server, source.name, rejected_of(pages, pages, stages));
    core::hit(core::Failpoint::before_commit);
    server.commit();
    for (Stage& stage : stages) spare_.give_back(std::move(stage.rows));
}

}  // namespace pawl::storage
