#include "storage/known_streams.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "storage/identifier.hpp"

namespace pawl::storage {
namespace {

using Transaction = pqxx::transaction_base;

constexpr const char* read_sources = "select name from pawl.source union select source from pawl.spec order by 1";

// The streams of pawl.partition one by one, along its index of (source, stream, part).
constexpr const char* read_stream_names = R"sql(
with recursive step as (
  (select stream from pawl.partition where source = $1 order by stream limit 1)
  union all
  select (select p.stream from pawl.partition p where p.source = $1 and p.stream > step.stream order by p.stream limit 1)
  from step where step.stream is not null)
select stream from step where stream is not null
union select stream from pawl.spec where source = $1
union select stream from pawl.stream_total where source = $1
order by 1)sql";

constexpr const char* count_partitions = R"sql(
select count(*), count(*) filter (where state = 'active') from pawl.partition where source = $1 and stream = $2)sql";
constexpr const char* count_open = R"sql(
select count(*), coalesce(sum(tip_seq), 0)::bigint from pawl.slice where source = $1 and stream = $2 and state = 'open')sql";
constexpr const char* read_books = R"sql(
select (select coalesce(sum(slices), 0)::bigint from pawl.outcome_total where source = $1 and stream = $2),
       (select coalesce(sum(pages), 0)::bigint from pawl.stream_total where source = $1 and stream = $2),
       (select count(*) from pawl.dead_letter where source = $1 and stream = $2))sql";
constexpr const char* read_pages_per_walk = R"sql(
select avg(greatest(1, d.tip_seq))::float8
from (select last_slice from pawl.partition where source = $1 and stream = $2 and last_slice is not null limit 1000) as p
join pawl.slice_done d on d.slice_id = p.last_slice)sql";

constexpr const char* read_written = R"sql(
select distinct m.source, m.stream, e.emit ->> 'schema', e.emit ->> 'table', e.emit -> 'key' = '[]'
from pawl.spec m cross join lateral jsonb_array_elements(m.body -> 'emits') as e(emit)
where m.kind = 'mapping' order by 1, 2, 3, 4)sql";
constexpr const char* estimate_rows = R"sql(
select case when pg_stat_get_live_tuples(oid) > 0 then pg_stat_get_live_tuples(oid) else greatest(reltuples, 0)::bigint end
from pg_class where oid = to_regclass($1))sql";

std::vector<std::string> words_of(const pqxx::result& rows) {
    std::vector<std::string> words;
    for (const auto& row : rows) words.push_back(row[0].as<std::string>());
    return words;
}

KnownStream read_stream(Transaction& transaction, const std::string& source, const std::string& name) {
    KnownStream stream;
    stream.name = name;
    const pqxx::result partitions = transaction.exec_params(count_partitions, source, name);
    stream.partitions = partitions[0][0].as<std::int64_t>();
    stream.partitions_active = partitions[0][1].as<std::int64_t>();
    const pqxx::result open = transaction.exec_params(count_open, source, name);
    stream.slices_open = open[0][0].as<std::int64_t>();
    stream.pages_open = open[0][1].as<std::int64_t>();
    const pqxx::result books = transaction.exec_params(read_books, source, name);
    stream.slices_ended = books[0][0].as<std::int64_t>();
    stream.pages = books[0][1].as<std::int64_t>();
    stream.dead_letters = books[0][2].as<std::int64_t>();
    const pqxx::result walks = transaction.exec_params(read_pages_per_walk, source, name);
    if (!walks[0][0].is_null()) stream.pages_per_walk = walks[0][0].as<double>();
    return stream;
}

std::vector<KnownTable> read_written_tables(Transaction& transaction, const std::string& source,
                                            const std::vector<std::string>& streams) {
    std::map<std::string, KnownTable> tables;
    std::map<std::string, bool> is_mine;
    for (const auto& row : transaction.exec_params(read_written)) {
        const auto writer = row[0].as<std::string>(), stream = row[1].as<std::string>();
        const std::string name = quoted_table(row[2].as<std::string>(), row[3].as<std::string>());
        KnownTable& table = tables[name];
        table.schema = row[2].as<std::string>();
        table.table = row[3].as<std::string>();
        if (row[4].as<bool>()) table.is_keyed = false;
        if (writer == source && std::find(streams.begin(), streams.end(), stream) != streams.end())
            is_mine[name] = true;
        else if (table.others.empty() || table.others.back() != writer + "." + stream)
            table.others.push_back(writer + "." + stream);
    }
    std::vector<KnownTable> mine;
    for (auto& [name, table] : tables) {
        if (!is_mine[name]) continue;
        const pqxx::result found = transaction.exec_params(estimate_rows, name);
        table.exists = !found.empty();
        if (table.exists) table.rows = found[0][0].as<std::int64_t>();
        mine.push_back(std::move(table));
    }
    return mine;
}

}  // namespace

core::Task<std::vector<std::string>> KnownStreams::sources() {
    return pool_->snapshot<std::vector<std::string>>(
        [](Transaction& transaction) { return words_of(transaction.exec(read_sources)); });
}

core::Task<std::vector<std::string>> KnownStreams::streams(std::string source) {
    return pool_->snapshot<std::vector<std::string>>([source = std::move(source)](Transaction& transaction) {
        return words_of(transaction.exec_params(read_stream_names, source));
    });
}

core::Task<KnownStream> KnownStreams::stream(std::string source, std::string stream) {
    return pool_->snapshot<KnownStream>([source = std::move(source), stream = std::move(stream)](Transaction& transaction) {
        return read_stream(transaction, source, stream);
    });
}

core::Task<std::vector<KnownTable>> KnownStreams::tables(std::string source, std::vector<std::string> streams) {
    return pool_->snapshot<std::vector<KnownTable>>(
        [source = std::move(source), streams = std::move(streams)](Transaction& transaction) {
            return read_written_tables(transaction, source, streams);
        });
}

core::Task<std::int64_t> KnownStreams::tokens(std::string source) {
    return pool_->snapshot<std::int64_t>([source = std::move(source)](Transaction& transaction) {
        return transaction.exec_params("select count(*) from pawl.token where source = $1", source)[0][0].as<std::int64_t>();
    });
}

}  // namespace pawl::storage
