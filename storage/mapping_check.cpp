#include "storage/mapping_check.hpp"

#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "storage/identifier.hpp"
#include "storage/registration.hpp"
#include "storage/table_shape.hpp"

namespace pawl::storage {
namespace {

using nlohmann::json;

// Views and foreign tables have no index: what they take is their own affair.
constexpr const char* read_unique_keys = R"sql(
select i.indexrelid, a.attname
from pg_index i join pg_class c on c.oid = i.indrelid and c.relkind in ('r', 'p')
cross join lateral unnest(i.indkey::int2[]) with ordinality as k(attnum, n)
left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
where i.indrelid = to_regclass($1) and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null
  and k.n <= i.indnkeyatts
order by not i.indisprimary, i.indexrelid, k.n)sql";

constexpr const char* find_plain_table = "select from pg_class where oid = to_regclass($1) and relkind in ('r', 'p')";

constexpr const char* read_mapped_keys = R"sql(
select distinct e.emit ->> 'schema', e.emit ->> 'table', e.emit -> 'key'
from pawl.spec m cross join lateral jsonb_array_elements(m.body -> 'emits') as e(emit)
where m.kind = 'mapping' and e.emit ->> 'schema' = $1)sql";

// `epoch` is that of the registration that put a mapping in force last; catalogues of before have none.
constexpr const char* read_in_force = R"sql(
select distinct on (stream) stream, body -> 'emits' from pawl.spec where kind = 'mapping' and source = $1
order by stream, (body ->> 'epoch')::bigint desc nulls last, first_seen desc)sql";

constexpr const char* count_open_slices =
    "select stream, count(*) from pawl.slice where source = $1 and state = 'open' group by stream";

// A page that is not modified, or dead, wrote no rows. Slices whose request is not asked for any more end anyway.
constexpr const char* read_begun = R"sql(
select s.stream, m.hash, m.body -> 'emits', count(*)
from pawl.slice s
cross join lateral (select mapping_hash from pawl.page g where g.slice_id = s.slice_id and g.outcome = 'ok'
                    order by seq desc limit 1) as last
join pawl.spec m on m.source = s.source and m.stream = s.stream and m.hash = last.mapping_hash and m.kind = 'mapping'
where s.source = $1 and s.state = 'open' and s.tip_seq > 0 and exists (
  select from jsonb_to_recordset($2::jsonb) as asked(stream text, request_hash text)
  where asked.stream = s.stream and asked.request_hash = s.request_hash)
group by s.source, s.stream, m.hash, m.body -> 'emits' order by 1, 2)sql";

std::vector<MappedEmit> mapped_emits(const pqxx::field& field) {
    std::vector<MappedEmit> emits;
    for (const auto& emit : json::parse(field.c_str()))
        emits.push_back({emit.at("schema").get<std::string>(), emit.at("table").get<std::string>()});
    return emits;
}

std::vector<Key> unique_keys_of(pqxx::transaction_base& transaction, const std::string& table) {
    std::vector<Key> keys;
    std::string index;
    bool is_plain = true;
    const auto end = [&] {
        if (!is_plain) keys.pop_back();  // over an expression: no columns to name
        is_plain = true;
    };
    for (const auto& row : transaction.exec_params(read_unique_keys, table)) {
        if (keys.empty() || row[0].c_str() != index) {
            end();
            index = row[0].c_str();
            keys.emplace_back();
        }
        if (row[1].is_null())
            is_plain = false;
        else
            keys.back().push_back(row[1].as<std::string>());
    }
    end();
    return keys;
}

MappingFacts read_table_facts(pqxx::transaction_base& transaction, const core::SourceFile& source) {
    MappingFacts facts;
    for (const std::string& name : table_names(source)) {
        const std::string table = quoted_table(source.schema, name);
        KeyFacts& known = facts.tables[table];
        known.exists = !transaction.exec_params(find_plain_table, table).empty();
        if (known.exists) known.unique_keys = unique_keys_of(transaction, table);
    }
    for (const auto& row : transaction.exec_params(read_mapped_keys, source.schema)) {
        const auto found = facts.tables.find(quoted_table(row[0].c_str(), row[1].c_str()));
        if (found == facts.tables.end()) continue;
        Key key;
        for (const auto& column : json::parse(row[2].c_str())) key.push_back(identifier(column.get<std::string>()));
        if (!key.empty()) found->second.mapped_keys.push_back(std::move(key));
    }
    for (const auto& row : transaction.exec_params(read_in_force, source.name))
        facts.in_force[row[0].as<std::string>()] = mapped_emits(row[1]);
    return facts;
}

void add_slice_facts(pqxx::transaction_base& transaction, const core::SourceFile& source, MappingFacts& facts) {
    for (const auto& row : transaction.exec_params(count_open_slices, source.name))
        facts.open_slices[row[0].as<std::string>()] = row[1].as<std::int64_t>();
    json asked = json::array();
    for (const core::Stream& stream : source.streams)
        asked.push_back({{"stream", stream.name}, {"request_hash", stream.request_hash}});
    for (const auto& row : transaction.exec_params(read_begun, source.name, asked.dump()))
        facts.begun.push_back(
            {row[0].as<std::string>(), row[1].as<std::string>(), mapped_emits(row[2]), row[3].as<std::int64_t>()});
}

bool is_file_in_force(pqxx::transaction_base& transaction, const core::SourceFile& source) {
    const pqxx::result found = transaction.exec_params("select config_hash from pawl.source where name = $1", source.name);
    return !found.empty() && found[0][0].as<std::string>() == config_hash(source);
}

}  // namespace

MappingVerdict judge_file(pqxx::transaction_base& transaction, const core::SourceFile& source) {
    MappingFacts facts = read_table_facts(transaction, source);
    const MappingVerdict verdict = judge_mappings(source, facts);
    if (verdict.refusal.empty() && is_file_in_force(transaction, source)) return verdict;
    add_slice_facts(transaction, source, facts);
    return judge_mappings(source, facts);
}

void require_accepted(const MappingVerdict& verdict, SplitWalks split) {
    std::string refusal = verdict.refusal;
    if (split == SplitWalks::refuse && !verdict.split.empty()) refusal += (refusal.empty() ? "" : "\n") + verdict.split;
    if (!refusal.empty()) throw core::ConfigError(refusal);
}

core::Task<> check_mappings(std::shared_ptr<ConnectionPool> pool, std::shared_ptr<const core::SourceFile> source,
                            SplitWalks split) {
    std::function<MappingVerdict(pqxx::transaction_base&)> query = [source](pqxx::transaction_base& transaction) {
        if (transaction.exec("select to_regclass('pawl.spec')")[0][0].is_null()) return MappingVerdict{};
        return judge_file(transaction, *source);
    };
    const MappingVerdict verdict = co_await pool->snapshot<MappingVerdict>(std::move(query));
    require_accepted(verdict, split);
}

}  // namespace pawl::storage
