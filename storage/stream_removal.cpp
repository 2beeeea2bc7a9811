#include "storage/stream_removal.hpp"

#include <nlohmann/json.hpp>

#include "storage/cancelling.hpp"
#include "storage/identifier.hpp"
#include "storage/walks.hpp"

namespace pawl::storage {
namespace {

using Transaction = pqxx::transaction_base;
using nlohmann::json;

constexpr const char* retire_partitions = R"sql(
update pawl.partition p set state = 'inactive', next_due = null, walking = false, open_windows = 0
from (select partition_id from pawl.partition where partition_id = any($1::bigint[]) order by part for no key update) as mine
where p.partition_id = mine.partition_id
  and not exists (select from pawl.slice s where s.partition_id = p.partition_id and s.state = 'open'))sql";

constexpr const char* read_ended =
    "select slice_id, tip_seq from pawl.slice_done where partition_id = any($1::bigint[]) limit $2";

// What these pages inserted, less what they deleted, stays in the tables: it goes from the ledger into the mapping.
constexpr const char* remove_pages = R"sql(
with gone as (
  delete from pawl.page where slice_id = any($1::bigint[]) and seq > $2 returning slice_id, mapping_hash, counts
), net as (
  select d.source, d.stream, g.mapping_hash, e.i, sum(g.counts[(e.i - 1) * 8 + 2] - g.counts[(e.i - 1) * 8 + 8])::bigint as rows
  from gone g join pawl.slice_done d using (slice_id)
  cross join lateral generate_series(1, cardinality(g.counts) / 8) as e(i) group by 1, 2, 3, 4
), kept as (
  update pawl.spec m set body = m.body || jsonb_build_object('kept', (
    select jsonb_agg(coalesce((m.body -> 'kept' ->> (e.n - 1))::bigint, 0) + coalesce(net.rows, 0) order by e.n)
    from generate_series(1, jsonb_array_length(m.body -> 'emits')) as e(n)
    left join net on net.i = e.n and net.source = m.source and net.stream = m.stream and net.mapping_hash = m.hash))
  from (select distinct source, stream, mapping_hash from net where rows <> 0) as changed
  where m.kind = 'mapping' and m.source = changed.source and m.stream = changed.stream and m.hash = changed.mapping_hash
)
select count(*) from gone)sql";

constexpr const char* last_page = "select coalesce(max(seq), 0) from pawl.page where slice_id = $1";

constexpr const char* remove_of_slices[] = {"delete from pawl.rejected_record where slice_id = any($1::bigint[])",
                                            "delete from pawl.dead_letter where slice_id = any($1::bigint[])",
                                            "delete from pawl.slice_done where slice_id = any($1::bigint[])"};
constexpr const char* remove_of_partitions[] = {"delete from pawl.validator where partition_id = any($1::bigint[])",
                                                "delete from pawl.partition where partition_id = any($1::bigint[])"};

// Whatever names a stream and has no slice any more. Mappings stay: they say who wrote the tables.
constexpr const char* remove_of_streams[] = {
    "delete from pawl.dead_letter where source = $1 and stream in (select jsonb_array_elements_text($2::jsonb))",
    "delete from pawl.rejected_record where source = $1 and stream in (select jsonb_array_elements_text($2::jsonb))",
    "delete from pawl.stream_total where source = $1 and stream in (select jsonb_array_elements_text($2::jsonb))",
    "delete from pawl.outcome_total where source = $1 and stream in (select jsonb_array_elements_text($2::jsonb))",
    R"sql(
with written as (
  select m.stream in (select jsonb_array_elements_text($2::jsonb)) as is_mine, e.emit ->> 'table' as name
  from pawl.spec m cross join lateral jsonb_array_elements(m.body -> 'emits') as e(emit)
  where m.kind = 'mapping' and m.source = $1
)
delete from pawl.drift where source = $1 and table_name in (select name from written where is_mine)
  and table_name not in (select name from written where not is_mine))sql",
    "delete from pawl.spec where source = $1 and kind = 'request' and stream in (select jsonb_array_elements_text($2::jsonb))"};

constexpr const char* remove_of_source[] = {
    "delete from pawl.token where source = $1", "delete from pawl.drift where source = $1",
    "delete from pawl.source_epoch where source = $1", "delete from pawl.source where name = $1"};

constexpr const char* remove_mappings =
    "delete from pawl.spec where source = $1 and kind = 'mapping' and stream in (select jsonb_array_elements_text($2::jsonb))";

/// Slices of a step, and from which page on.
struct Cut {
    std::vector<core::SliceId> slices;
    std::int64_t behind = 0;  ///< pages of a longer number go; 0: all
};

/// Whole slices as long as their pages are few; else the end of one.
Cut cut_of(Transaction& transaction, const pqxx::result& ended, std::int64_t pages_max) {
    Cut cut;
    std::int64_t pages = 0;
    for (const auto& row : ended) {
        pages += row[1].as<std::int64_t>();
        if (pages > pages_max && !cut.slices.empty()) break;
        cut.slices.push_back(row[0].as<core::SliceId>());
        if (pages <= pages_max) continue;
        const auto last = transaction.exec_params(last_page, cut.slices.front())[0][0].as<std::int64_t>();
        cut.behind = std::max<std::int64_t>(0, last - pages_max);
        break;
    }
    return cut;
}

StreamRemoval::Removed remove_step(Transaction& transaction, const std::string& source, const std::string& stream,
                                   const std::optional<std::string>& after, const StreamRemoval::Bounds& bounds) {
    StreamRemoval::Removed removed;
    removed.after = after;
    const auto batch = partitions_after(transaction, source, stream, after ? &*after : nullptr, bounds.partitions);
    if (batch.ids.empty()) {
        removed.is_done = true;
        return removed;
    }
    const std::string partitions = id_array(batch.ids);
    removed.cancelled = cancel_walks(transaction, partitions);
    const pqxx::result ended = transaction.exec_params(read_ended, partitions, bounds.slices);
    if (!ended.empty()) {
        const Cut cut = cut_of(transaction, ended, bounds.pages);
        const std::string slices = id_array(cut.slices);
        removed.pages = transaction.exec_params(remove_pages, slices, cut.behind)[0][0].as<std::int64_t>();
        if (cut.behind > 0) return removed;
        for (const char* statement : remove_of_slices) transaction.exec_params(statement, slices);
        removed.slices = static_cast<std::int64_t>(cut.slices.size());
        return removed;
    }
    for (const char* statement : remove_of_partitions) transaction.exec_params(statement, partitions);
    removed.partitions = static_cast<std::int64_t>(batch.ids.size());
    removed.after = batch.last;
    return removed;
}

core::Task<> nothing_from(core::Task<bool> task) { (void)co_await std::move(task); }

}  // namespace

core::Task<> StreamRemoval::drop_tables(std::string source, std::vector<std::string> streams, std::vector<KnownTable> tables) {
    return nothing_from(pool_->transact<bool>(
        [source = std::move(source), streams = std::move(streams), tables = std::move(tables)](Transaction& transaction) {
            for (const KnownTable& table : tables) {
                transaction.exec("drop table if exists " + quoted_table(table.schema, table.table));
                transaction.exec_params("delete from pawl.table_column where schema_name = $1 and table_name = $2",
                                        identifier(table.schema), identifier(table.table));
                transaction.exec_params("delete from pawl.drift where source = $1 and table_name = $2", source, table.table);
            }
            transaction.exec_params(remove_mappings, source, json(streams).dump());
            return true;
        }));
}

core::Task<StreamRemoval::Retired> StreamRemoval::retire(std::string source, std::string stream,
                                                         std::optional<std::string> after) {
    return pool_->transact<Retired>([source = std::move(source), stream = std::move(stream), after = std::move(after),
                                     limit = bounds_.partitions](Transaction& transaction) {
        Retired retired;
        const auto batch = partitions_after(transaction, source, stream, after ? &*after : nullptr, limit);
        if (batch.ids.empty()) return retired;
        const std::string partitions = id_array(batch.ids);
        retired.cancelled = cancel_walks(transaction, partitions);
        transaction.exec_params(retire_partitions, partitions);
        if (batch.ids.size() == limit) retired.after = batch.last;
        return retired;
    });
}

core::Task<StreamRemoval::Removed> StreamRemoval::remove(std::string source, std::string stream,
                                                         std::optional<std::string> after) {
    return pool_->transact<Removed>(
        [source = std::move(source), stream = std::move(stream), after = std::move(after),
         bounds = bounds_](Transaction& transaction) { return remove_step(transaction, source, stream, after, bounds); });
}

core::Task<> StreamRemoval::remove_rest(std::string source, std::vector<std::string> streams) {
    return nothing_from(
        pool_->transact<bool>([source = std::move(source), streams = std::move(streams)](Transaction& transaction) {
            for (const char* statement : remove_of_streams) transaction.exec_params(statement, source, json(streams).dump());
            return true;
        }));
}

core::Task<> StreamRemoval::remove_source(std::string source) {
    return nothing_from(pool_->transact<bool>([source = std::move(source)](Transaction& transaction) {
        for (const char* statement : remove_of_source) transaction.exec_params(statement, source);
        return true;
    }));
}

}  // namespace pawl::storage
