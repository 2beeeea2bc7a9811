#include "storage/ledger.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>

#include "core/failpoint.hpp"
#include "storage/identifier.hpp"

namespace pawl::storage {

namespace {

constexpr std::string_view insert_pages = R"sql(
insert into pawl.page (slice_id, seq, link, prev, cursor_hash, cursor_out, outcome, status, url, reason, confirms,
                       body_hash, body_size, mapping_hash, counts, shift, requested_at, fetched_at)
select slice_id, seq, link, prev, sha256(convert_to(coalesce(cursor, ''), 'UTF8')), next, outcome, status, url,
       nullif(reason, ''), nullif(confirms, 0), nullif(body_hash, ''), body_size, mapping_hash, counts::bigint[],
       nullif(shift, ''),
       timestamptz 'epoch' + requested_at * interval '1 microsecond',
       timestamptz 'epoch' + fetched_at * interval '1 microsecond'
from unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::int[], $9::text[],
            $10::text[], $11::bigint[], $12::text[], $13::bigint[], $14::text[], $15::text[], $16::bigint[],
            $17::bigint[], $18::text[])
  as a(slice_id, seq, link, prev, cursor, next, outcome, status, url, reason, confirms, body_hash, body_size,
       mapping_hash, counts, requested_at, fetched_at, shift))sql";

// A 304 often repeats no ETag: the one it answered to goes on.
constexpr std::string_view insert_validators = R"sql(
insert into pawl.validator (partition_id, slice_id, key, etag, last_modified, page_id, next_cursor, last)
select distinct on (a.partition_id, a.slice_id, a.key) a.partition_id, a.slice_id, a.key,
       coalesce(nullif(a.etag, ''), old.etag, ''), coalesce(nullif(a.last_modified, ''), old.last_modified, ''),
       a.page_id, a.next_cursor, a.last
from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::bool[])
  as a(partition_id, slice_id, key, etag, last_modified, page_id, next_cursor, last)
left join lateral (select v.etag, v.last_modified from pawl.validator v
                   where v.partition_id = a.partition_id and v.key = a.key and v.page_id = a.page_id
                   order by v.slice_id desc limit 1) old on true
order by 1, 2, 3, a.page_id desc
on conflict (partition_id, slice_id, key) do update set etag = excluded.etag, last_modified = excluded.last_modified,
  page_id = excluded.page_id, next_cursor = excluded.next_cursor, last = excluded.last)sql";

constexpr std::string_view add_totals = R"sql(
insert into pawl.stream_total as t (source, stream, writer, pages, records, inserted, updated, rejected, dead, last_commit)
select $1, stream, $2::int, pages, records, inserted, updated, rejected, dead, now()
from unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
  as a(stream, pages, records, inserted, updated, rejected, dead) order by stream
on conflict (source, stream, writer) do update set pages = t.pages + excluded.pages, records = t.records + excluded.records,
  inserted = t.inserted + excluded.inserted, updated = t.updated + excluded.updated,
  rejected = t.rejected + excluded.rejected, dead = t.dead + excluded.dead, last_commit = excluded.last_commit)sql";

constexpr std::string_view insert_dead_letter = R"sql(
insert into pawl.dead_letter (source, stream, part, slice_id, seq, reason, url, status, envelope, body)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::bytea))sql";

constexpr std::string_view insert_rejected = R"sql(
insert into pawl.rejected_record (source, stream, table_name, slice_id, seq, reason, record)
select $1, stream, table_name, slice_id, seq, reason, record
from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[])
  as a(stream, table_name, slice_id, seq, reason, record))sql";

/// Stands in pawl.rejected_record for each value of a page that has no column at all.
const core::Rejected no_column{"no column has a value", ""};

std::string bytea_text(std::string_view bytes) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out = "\\x";
    out.reserve(2 + bytes.size() * 2);
    for (const char c : bytes) {
        out += hex[static_cast<unsigned char>(c) >> 4];
        out += hex[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

std::string_view outcome_of(const PageCommit& page) {
    return core::to_string(page.dead_reason ? core::Outcome::dead : page.job.outcome);
}

}  // namespace

std::string counts_text(const PageResult& result) {
    std::string out = "{";
    for (const PageResult::Counts& c : result.emits)
        out +=
            fmt::format("{}{},{},{},{},{},{},{},{}", out.size() > 1 ? "," : "", c.read, c.inserted,
                        c.updated, c.same, c.stale, c.duplicate, c.rejected, c.deleted);
    return out + "}";
}

void write_ledger(PqConnection& connection, const std::vector<BatchPage>& pages) {
    PqArray slice, seq, link, prev, cursor, next, outcome, status, url, reason, confirms, body_hash,
        body_size, mapping, counts, requested, fetched, shift;
    for (const BatchPage& entry : pages) {
        const core::Job& job = entry.page->job;
        slice.add(job.slice);
        seq.add(job.seq);
        link.add(job.link.str());
        prev.add(job.previous.str());
        cursor.add(job.cursor);
        next.add(job.next_cursor);
        outcome.add(outcome_of(*entry.page));
        status.add(static_cast<std::int64_t>(job.status));
        url.add(job.url);
        reason.add(entry.page->dead_reason.value_or(job.reason));
        confirms.add(job.confirms);
        body_hash.add(job.body_hash);
        body_size.add(static_cast<std::int64_t>(job.body_size));
        mapping.add(entry.stream->mapping_hash);
        counts.add(counts_text(*entry.result));
        requested.add(job.requested_at);
        fetched.add(job.fetched_at);
        shift.add(core::to_string(job.shift));
    }
    connection.run(
        std::string(insert_pages),
        {slice.str(), seq.str(), link.str(), prev.str(), cursor.str(), next.str(), outcome.str(),
         status.str(), url.str(), reason.str(), confirms.str(), body_hash.str(), body_size.str(),
         mapping.str(), counts.str(), requested.str(), fetched.str(), shift.str()});
}

void write_validators(PqConnection& connection, const std::vector<BatchPage>& pages) {
    PqArray partition, slice, key, etag, modified, page, next, last;
    bool any = false;
    for (const BatchPage& entry : pages) {
        const core::Job& job = entry.page->job;
        const bool unchanged = job.outcome == core::Outcome::not_modified;
        const bool told = !job.etag.empty() || !job.last_modified.empty() || unchanged;
        if (job.validator_key.empty() || !told || !(unchanged || has_rows(*entry.page))) continue;
        any = true;
        partition.add(job.partition);
        slice.add(job.slice);
        key.add(job.validator_key);
        etag.add(job.etag);
        modified.add(job.last_modified);
        page.add(unchanged && job.confirms != 0 ? job.confirms : core::page_id(job.slice, job.seq));
        next.add(job.next_cursor);
        last.add(job.last);
    }
    if (any)
        connection.run(std::string(insert_validators),
                       {partition.str(), slice.str(), key.str(), etag.str(), modified.str(),
                        page.str(), next.str(), last.str()});
}

void write_totals(PqConnection& connection, const std::string& source,
                  const std::vector<BatchPage>& pages, int writer) {
    struct Total {
        PageResult::Counts counts;
        std::int64_t pages = 0, dead = 0;
    };
    std::map<std::string, Total> totals;
    for (const BatchPage& entry : pages) {
        Total& total = totals[entry.page->job.stream];
        ++total.pages;
        total.dead += entry.page->dead_reason ? 1 : 0;
        for (const PageResult::Counts& c : entry.result->emits) total.counts += c;
    }
    PqArray stream, count, records, inserted, updated, rejected, dead;
    for (const auto& [name, total] : totals) {
        stream.add(name);
        count.add(total.pages);
        records.add(total.counts.read);
        inserted.add(total.counts.inserted);
        updated.add(total.counts.updated);
        rejected.add(total.counts.rejected);
        dead.add(total.dead);
    }
    connection.run(std::string(add_totals),
                   {source, std::to_string(writer), stream.str(), count.str(), records.str(),
                    inserted.str(), updated.str(), rejected.str(), dead.str()});
}

void write_dead_letters(PqConnection& connection, const std::string& source,
                        const std::vector<BatchPage>& pages) {
    for (const BatchPage& entry : pages) {
        if (!entry.page->dead_reason) continue;
        const core::Job& job = entry.page->job;
        core::hit(core::Failpoint::in_dlq);
        connection.run(
            std::string(insert_dead_letter),
            {source, job.stream, valid_text(job.part), std::to_string(job.slice),
             std::to_string(job.seq), valid_text(*entry.page->dead_reason), valid_text(job.url),
             std::to_string(job.status), valid_text(job.encode_envelope()), bytea_text(job.body)});
    }
}

std::vector<RejectedRow> rejected_of(const std::vector<BatchPage>& pages, const std::vector<BatchPage>& by_time,
                                     const std::vector<Stage>& stages) {
    std::vector<RejectedRow> rejected;
    for (const BatchPage& entry : pages) {
        if (!has_rows(*entry.page)) continue;
        for (const core::EmitRows& rows : entry.page->rows.emits) {
            if (rows.emit >= entry.stream->emits.size()) continue;
            const std::string& table = entry.stream->emits[rows.emit].table;
            for (const core::Rejected& record : rows.rejected)
                rejected.push_back({&entry, table, &record});
            const auto known = static_cast<std::int64_t>(rows.row_count() + rows.rejected.size());
            for (std::int64_t i = known; i < rows.read; ++i)
                rejected.push_back({&entry, table, &no_column});
        }
    }
    for (const Stage& stage : stages)
        for (std::size_t i = 0; i < by_time.size(); ++i)
            for (const core::Rejected& record : stage.rejected[i])
                rejected.push_back({&by_time[i], stage.source_emit().table, &record});
    return rejected;
}

void write_rejected(PqConnection& connection, const std::string& source,
                    const std::vector<RejectedRow>& rows) {
    if (rows.empty()) return;
    PqArray stream, table, slice, seq, reason, record;
    for (const RejectedRow& row : rows) {
        stream.add(row.page->page->job.stream);
        table.add(row.table);
        slice.add(row.page->page->job.slice);
        seq.add(row.page->page->job.seq);
        reason.add(row.rejected->reason);
        record.add(row.rejected->record);
    }
    connection.run(std::string(insert_rejected), {source, stream.str(), table.str(), slice.str(),
                                                  seq.str(), reason.str(), record.str()});
}

}  // namespace pawl::storage
