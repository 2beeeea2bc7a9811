#include "storage/pg_progress.hpp"

#include <nlohmann/json.hpp>

namespace pawl::storage {
namespace {

using Transaction = pqxx::transaction_base;

constexpr const char* read_streams = R"sql(
with parts as (
  select source, stream, count(*) as partitions,
         count(*) filter (where next_due <= now() and not walking and state = 'active') as due
  from pawl.partition where $1 = '' or source = $1 group by 1, 2
), open as (
  select source, stream, count(*) as slices from pawl.slice
  where state = 'open' and ($1 = '' or source = $1) group by 1, 2
), ended as (
  select source, stream, jsonb_object_agg(outcome, slices) as outcomes
  from (select source, stream, outcome, sum(slices)::bigint as slices from pawl.outcome_total
        where $1 = '' or source = $1 group by 1, 2, 3) as o group by 1, 2
), total as (
  select source, stream, sum(pages)::bigint as pages, sum(records)::bigint as records,
         sum(inserted)::bigint as inserted, sum(updated)::bigint as updated,
           sum(rejected)::bigint as rejected,
         max(last_commit) as last_commit
  from pawl.stream_total where $1 = '' or source = $1 group by 1, 2
), letters as (
  select source, stream, count(*) as letters from pawl.dead_letter
  where state = 'dead' and ($1 = '' or source = $1) group by 1, 2
)
select source, stream, coalesce(partitions, 0), coalesce(due, 0), coalesce(open.slices, 0),
       coalesce(outcomes, '{}')::text, coalesce(pages, 0), coalesce(records, 0), coalesce(inserted,
         0),
       coalesce(updated, 0), coalesce(rejected, 0), coalesce(letters, 0),
       (extract(epoch from last_commit) * 1000000)::bigint
from parts full join open using (source, stream) full join ended using (source, stream)
full join total using (source, stream) full join letters using (source, stream)
order by source, stream)sql";

constexpr const char* read_tables = R"sql(
with page as (
  select s.source, s.stream, g.mapping_hash, u.i, sum(u.c)::bigint as c
  from pawl.v_slice s join pawl.page g on g.slice_id = s.slice_id
  cross join lateral unnest(g.counts) with ordinality as u(c, i)
  where ($1 = '' or s.source = $1) and u.i % 8 in (2, 0) group by 1, 2, 3, 4
)
select page.source, e.emit ->> 'schema' || '.' || (e.emit ->> 'table'),
       sum(case when page.i % 8 = 2 then c else -c end)::bigint
from page join pawl.spec m on m.source = page.source and m.stream = page.stream
  and m.hash = page.mapping_hash
cross join lateral jsonb_array_elements(m.body -> 'emits') with ordinality as e(emit, n)
where m.kind = 'mapping' and page.i in ((e.n - 1) * 8 + 2, e.n * 8)
group by 1, 2 order by 1, 2)sql";

constexpr const char* read_problems = R"sql(
(select d.source, d.stream, p.part, d.outcome,
        coalesce(nullif(g.reason, ''), l.reason, case when g.status > 0
          then 'HTTP ' || g.status end, ''), 1::bigint
 from pawl.slice_done d
 left join pawl.partition p on p.partition_id = d.partition_id
 left join lateral (select seq, status, reason from pawl.page g where g.slice_id = d.slice_id
                    order by seq desc limit 1) as g on true
 left join pawl.dead_letter l on l.slice_id = d.slice_id and l.seq = g.seq
 where ($1 = '' or d.source = $1) and d.outcome not in ('ok', 'not_modified', 'empty')
   and d.outcome in ('failed', 'stuck', 'dead', 'too_large', 'truncated')
 order by d.finished_at desc nulls last, d.slice_id desc limit $2)
union all
(select source, stream, '', 'ok', 'rejected for table ' || table_name || ': ' || min(reason),
  count(*)
 from pawl.rejected_record where $1 = '' or source = $1
 group by source, stream, table_name order by count(*) desc limit $2)
limit $2)sql";

StreamProgress stream_progress_of(const pqxx::row& row) {
    StreamProgress progress;
    progress.source = row[0].as<std::string>();
    progress.stream = row[1].as<std::string>();
    progress.partitions = row[2].as<std::int64_t>();
    progress.partitions_due = row[3].as<std::int64_t>();
    progress.slices_open = row[4].as<std::int64_t>();
    progress.slices_by_outcome =
        nlohmann::json::parse(row[5].as<std::string>()).get<std::map<std::string, std::int64_t>>();
    progress.pages = row[6].as<std::int64_t>();
    progress.records = row[7].as<std::int64_t>();
    progress.inserted = row[8].as<std::int64_t>();
    progress.updated = row[9].as<std::int64_t>();
    progress.rejected = row[10].as<std::int64_t>();
    progress.dead_letters = row[11].as<std::int64_t>();
    if (!row[12].is_null())
        progress.last_commit = core::WallTime(core::Micros(row[12].as<std::int64_t>()));
    return progress;
}

Problem problem_of(const pqxx::row& row) {
    Problem problem;
    problem.source = row[0].as<std::string>();
    problem.stream = row[1].as<std::string>();
    problem.part = row[2].is_null() ? "" : row[2].as<std::string>();
    problem.outcome = core::parse_outcome(row[3].as<std::string>()).value_or(core::Outcome::failed);
    problem.reason = row[4].as<std::string>();
    problem.count = row[5].as<std::int64_t>();
    return problem;
}

}  // namespace

PgProgress::PgProgress(std::shared_ptr<ConnectionPool> pool) : pool_(std::move(pool)) {}

core::Task<std::vector<StreamProgress>> PgProgress::streams(std::string source) {
    using Answer = std::vector<StreamProgress>;
    return pool_->snapshot<Answer>([source = std::move(source)](Transaction& transaction) {
        Answer answer;
        for (const auto& row : transaction.exec_params(read_streams, source))
            answer.push_back(stream_progress_of(row));
        return answer;
    });
}

core::Task<std::vector<TableProgress>> PgProgress::tables(std::string source) {
    using Answer = std::vector<TableProgress>;
    return pool_->snapshot<Answer>([source = std::move(source)](Transaction& transaction) {
        Answer answer;
        for (const auto& row : transaction.exec_params(read_tables, source)) {
            answer.push_back(
                {row[0].as<std::string>(), row[1].as<std::string>(), row[2].as<std::int64_t>()});
        }
        return answer;
    });
}

core::Task<std::vector<Problem>> PgProgress::problems(std::string source, std::size_t limit) {
    using Answer = std::vector<Problem>;
    return pool_->snapshot<Answer>([source = std::move(source), limit](Transaction& transaction) {
        Answer answer;
        for (const auto& row : transaction.exec_params(read_problems, source, limit)) {
            answer.push_back(problem_of(row));
        }
        return answer;
    });
}

}  // namespace pawl::storage
