#include "storage/cancelling.hpp"

#include "storage/walks.hpp"

namespace pawl::storage {
namespace {

constexpr const char* read_partitions = R"sql(
select partition_id, part from pawl.partition where source = $1 and stream = $2 and ($3::text is null or part > $3)
order by part limit $4)sql";

// A worker that moves a tip has its slice locked: what it commits comes first.
constexpr const char* lock_open = R"sql(
select slice_id from pawl.slice where partition_id = any($1::bigint[]) and state = 'open' order by slice_id for update)sql";

constexpr const char* mark_cancelled = R"sql(
update pawl.slice set state = 'cancelled', outcome = 'cancelled', finished_at = now(), offered_until = null
where slice_id = any($1::bigint[]))sql";

constexpr const char* move_to_done = R"sql(
with cancelled as (delete from pawl.slice where slice_id = any($1::bigint[]) returning *),
kept as (insert into pawl.slice_done select * from cancelled)
insert into pawl.outcome_total as total (source, stream, outcome, writer, slices)
select source, stream, 'cancelled', -1, count(*) from cancelled group by source, stream
on conflict (source, stream, outcome, writer) do update set slices = total.slices + excluded.slices)sql";

constexpr const char* read_cancelled_of_late = R"sql(
select slice_id from pawl.slice_done
where source = $1 and stream = $2 and outcome not in ('ok', 'not_modified', 'empty') and outcome = 'cancelled'
  and finished_at > now() - interval '1 hour'
order by slice_id desc limit $3)sql";

}  // namespace

std::vector<core::SliceId> slice_ids(const pqxx::result& rows) {
    std::vector<core::SliceId> ids;
    for (const auto& row : rows) ids.push_back(row[0].as<core::SliceId>());
    return ids;
}

void cancel_slices(pqxx::transaction_base& transaction, const std::vector<core::SliceId>& slices) {
    if (slices.empty()) return;
    const std::string ids = id_array(slices);
    transaction.exec_params(mark_cancelled, ids);
    transaction.exec_params(move_to_done, ids);
}

PartitionBatch partitions_after(pqxx::transaction_base& transaction, const std::string& source, const std::string& stream,
                                const std::string* after, std::size_t limit) {
    const pqxx::result rows =
        transaction.exec_params(read_partitions, source, stream, after == nullptr ? nullptr : after->c_str(), limit);
    PartitionBatch batch;
    for (const auto& row : rows) {
        batch.ids.push_back(row[0].as<std::int64_t>());
        batch.last = row[1].as<std::string>();
    }
    return batch;
}

std::vector<core::SliceId> cancel_walks(pqxx::transaction_base& transaction, const std::string& partitions) {
    auto slices = slice_ids(transaction.exec_params(lock_open, partitions));
    cancel_slices(transaction, slices);
    return slices;
}

std::vector<core::SliceId> cancelled_of_late(pqxx::transaction_base& transaction, const std::string& source,
                                             const std::string& stream, std::size_t limit) {
    return slice_ids(transaction.exec_params(read_cancelled_of_late, source, stream, limit));
}

}  // namespace pawl::storage
