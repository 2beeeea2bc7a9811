#include "storage/pg_backlog.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/expectation.hpp"
#include "storage/expectation_sql.hpp"
#include "storage/identifier.hpp"
#include "storage/table_scan.hpp"

namespace pawl::storage {
namespace {

using Transaction = pqxx::transaction_base;

constexpr const char* read_ended_walks = R"sql(
select (select coalesce(sum(pages), 0)::bigint from pawl.stream_total where source = $1 and stream = $2),
       (select coalesce(sum(slices), 0)::bigint from pawl.outcome_total
        where source = $1 and stream = $2 and outcome <> 'cancelled'),
       (select count(*) from pawl.partition where source = $1 and stream = $2 and state = 'active' and $3))sql";

// The last slices of the whole catalogue: its index has no other order. A page without a status was not asked for.
constexpr const char* read_latency = R"sql(
select avg(greatest(0, extract(epoch from g.fetched_at - g.requested_at)))::float8
from (select slice_id, source from pawl.slice_done order by slice_id desc limit 500) as s
join pawl.page g on g.slice_id = s.slice_id
where s.source = $1 and g.status > 0)sql";

// A slice whose request is no longer asked for is cancelled at the next start, and its partition walked anew.
constexpr std::string_view group_open = R"sql(
select {parent}::text, {list}::text, {done}, sum(case when s.request_hash = {hash} then s.tip_seq else 0 end)::bigint,
       count(*), sum(s.tip_seq)::bigint
from pawl.slice s join pawl.partition p on p.partition_id = s.partition_id
where s.source = {source} and s.stream = {stream} and s.state = 'open' group by 1, 2, 3)sql";

constexpr std::string_view group_partitions = R"sql(
select {parent}::text, {list}::text, 0, 0, count(*), 0 from pawl.partition as p
where p.source = {source} and p.stream = {stream} and p.state = 'active' and not p.walking and {which} group by 1, 2)sql";

constexpr std::string_view group_rows = R"sql(
select {parent}::text, '{{}}', 0, 0, count(*), 0 from ({rows}) as p group by 1)sql";

constexpr const char* next_groups = "fetch 5000 from backlog_group";

/// Slices that are alike, as the statements above yield them.
struct Group {
    std::string parent, list;
    std::int64_t done = 0;      ///< pages that each of them has
    std::int64_t done_sum = 0;  ///< that all have together
    std::int64_t slices = 0;
};

void add_group(SliceSum& sum, const core::Stream& stream, const Group& group) {
    sum.slices += group.slices;
    const auto records = core::expected_records(stream, group.parent, group.list);
    const auto requests = stream.paginate.kind == core::Pagination::Kind::none ? std::optional<std::int64_t>(1)
                          : records ? core::requests_for(stream, *records)
                                    : std::nullopt;
    if (!requests) {
        sum.untold_pages += group.done_sum;
        return;
    }
    const auto left = std::max<std::int64_t>(1, *requests - group.done);
    sum.told += group.slices;
    sum.told_requests += left * group.slices;
    sum.told_longest = std::max(sum.told_longest, left);
}

/// Adds up what `sql` yields; returns the sum of its last column.
std::int64_t add_up(Transaction& transaction, const std::string& sql, const core::Stream& stream, SliceSum& sum) {
    transaction.exec("declare backlog_group no scroll cursor for " + sql);
    std::int64_t pages = 0;
    while (true) {
        const pqxx::result rows = transaction.exec(next_groups);
        for (const auto& row : rows) {
            add_group(sum, stream, {row[0].as<std::string>(), row[1].as<std::string>(), row[2].as<std::int64_t>(),
                              row[3].as<std::int64_t>(), row[4].as<std::int64_t>()});
            pages += row[5].as<std::int64_t>();
        }
        if (rows.empty()) break;
    }
    transaction.exec("close backlog_group");
    return pages;
}

std::string partitions_sql(const core::SourceFile& source, const core::Stream& stream, const std::string& which) {
    using fmt::arg;
    return fmt::format(fmt::runtime(group_partitions), arg("parent", expected_parent_sql(stream, "p")),
                       arg("list", expected_list_sql(stream, "p")), arg("source", literal(source.name)),
                       arg("stream", literal(stream.name)), arg("which", which));
}

void add_open_and_due(Transaction& transaction, const core::SourceFile& source, const core::Stream& stream,
                      StreamBacklog& backlog) {
    using fmt::arg;
    const std::string hash = literal(stream.request_hash);
    const std::string done = fmt::format("case when s.request_hash = {} then s.tip_seq else 0 end", hash);
    const std::string sql =
        fmt::format(fmt::runtime(group_open), arg("parent", expected_parent_sql(stream, "s")),
                    arg("list", expected_list_sql(stream, "p")), arg("done", stream.expect ? done : "0::bigint"),
                    arg("hash", hash), arg("source", literal(source.name)), arg("stream", literal(stream.name)));
    const std::int64_t open_pages = add_up(transaction, sql, stream, backlog.open);
    (void)add_up(transaction, partitions_sql(source, stream, "p.next_due <= now()"), stream, backlog.due);
    const auto kind = stream.foreach_.kind;
    const bool of_file = kind == core::Foreach::Kind::once || kind == core::Foreach::Kind::list;
    const pqxx::result ended = transaction.exec_params(read_ended_walks, source.name, stream.name, of_file);
    backlog.ended_pages = std::max<std::int64_t>(0, ended[0][0].as<std::int64_t>() - open_pages);
    backlog.ended_slices = ended[0][1].as<std::int64_t>();
    backlog.partitions = ended[0][2].as<std::int64_t>();
}

/// As storage/walks.cpp makes them due.
void add_resting(Transaction& transaction, const core::SourceFile& source, const core::Stream& stream,
                 StreamBacklog& backlog) {
    if (stream.foreach_.kind == core::Foreach::Kind::table && !stream.refresh) return;
    std::string which = "(p.next_due is null or p.next_due > now())";
    if (stream.refresh)
        which += fmt::format(" and (p.last_finished is null or p.last_finished <= now() - interval '{} us')",
                             stream.refresh->count());
    (void)add_up(transaction, partitions_sql(source, stream, which), stream, backlog.resting);
}

void add_rows(Transaction& transaction, const core::SourceFile& source, const core::Stream& stream,
              StreamBacklog& backlog) {
    if (stream.foreach_.kind != core::Foreach::Kind::table) return;
    try {
        // A savepoint: what `where` names may be missing, and the transaction must survive that.
        pqxx::subtransaction step(dynamic_cast<pqxx::dbtransaction&>(transaction), "rows");
        const std::string rows = unenrolled_rows(step, source, stream);
        if (rows.empty()) return;
        (void)add_up(step,
                     fmt::format(fmt::runtime(group_rows), fmt::arg("rows", rows),
                                 fmt::arg("parent", expected_parent_sql(stream, "p"))),
                     stream, backlog.rows);
        step.commit();
    } catch (const pqxx::sql_error& error) {
        if (!names_something_missing(error)) throw;
        backlog.rows = {};
    }
}

SourceBacklog read_backlog(Transaction& transaction, const core::SourceFile& source,
                           const std::vector<std::string>& streams, core::Millis patience) {
    SourceBacklog all;
    const bool is_migrated = !transaction.exec("select to_regclass('pawl.outcome_total')")[0][0].is_null();
    transaction.exec(fmt::format("set local statement_timeout = {}", patience.count()));
    bool is_idle = true;
    for (const core::Stream& stream : source.streams) {
        if (!streams.empty() && std::find(streams.begin(), streams.end(), stream.name) == streams.end()) continue;
        auto& backlog = all.streams.emplace_back();
        backlog.stream = stream.name;
        if (!is_migrated) continue;
        add_open_and_due(transaction, source, stream, backlog);
        add_rows(transaction, source, stream, backlog);
        is_idle = is_idle && backlog.open.slices + backlog.due.slices == 0;
    }
    if (!is_migrated) return all;
    for (auto& backlog : all.streams)
        if (is_idle) add_resting(transaction, source, *source.find(backlog.stream), backlog);
    const pqxx::result latency = transaction.exec_params(read_latency, source.name);
    if (!latency[0][0].is_null()) all.latency_seconds = latency[0][0].as<double>();
    return all;
}

}  // namespace

core::Task<SourceBacklog> PgBacklog::backlog(std::shared_ptr<const core::SourceFile> source,
                                             std::vector<std::string> streams, core::Millis patience) {
    return pool_->snapshot<SourceBacklog>(
        [source = std::move(source), streams = std::move(streams), patience](Transaction& transaction) {
            return read_backlog(transaction, *source, streams, patience);
        });
}

}  // namespace pawl::storage
