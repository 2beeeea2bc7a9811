#include "storage/registration.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/errors.hpp"
#include "core/identity.hpp"
#include "core/log.hpp"
#include "core/redact.hpp"
#include "storage/cancelling.hpp"
#include "storage/listed_entries.hpp"
#include "storage/planner_lock.hpp"
#include "storage/walks.hpp"

namespace pawl::storage {
namespace {

using core::Foreach;
using nlohmann::json;

json describe(const Foreach& foreach_) {
    json factors = json::array();
    for (const Foreach::Factor& factor : foreach_.factors)
        factors.push_back(factor.range ? json{factor.range->as, factor.range->from, factor.range->to, factor.range->step}
                                       : json(factor.list));
    return {static_cast<int>(foreach_.kind),
            factors,
            foreach_.stream,
            foreach_.table,
            foreach_.key_template ? foreach_.key_template->text() : "",
            foreach_.key_columns,
            foreach_.where};
}

/// Names of headers without their values: a value may hold a secret from the environment.
json describe_request(const core::Stream& stream) {
    json query = json::object(), headers = json::array();
    for (const auto& [name, value] : stream.query) query[name] = core::redact(value.text());
    for (const auto& [name, value] : stream.headers) headers.push_back(name);
    return {{"method", stream.method},
            {"url", core::redact(stream.url.text())},
            {"query", query},
            {"headers", headers}};
}

json describe_mapping(const core::SourceFile& source, const core::Stream& stream) {
    json emits = json::array();
    for (const core::Emit& emit : stream.emits) {
        emits.push_back({{"schema", source.schema}, {"table", emit.table}, {"key", emit.key}});
    }
    return {{"emits", emits}};
}

// ---- configuration epochs

struct InForce {
    std::int64_t source_id = 0, epoch = 0;
    std::string hash;
};

InForce lock_source(pqxx::transaction_base& transaction, const std::string& name) {
    transaction.exec_params(
        "insert into pawl.source (name) values ($1) on conflict (name) do nothing", name);
    const pqxx::result found = transaction.exec_params(
        "select source_id, epoch, config_hash from pawl.source where name = $1 for update", name);
    return {found[0][0].as<std::int64_t>(), found[0][1].as<std::int64_t>(),
            found[0][2].as<std::string>()};
}

bool may_take_over(pqxx::transaction_base& transaction, const std::string& source,
                   const InForce& now, const std::string& hash, const RegisteredBefore& before) {
    const bool superseded =
        !transaction
             .exec_params(
                 "select from pawl.source_epoch where source = $1 and config_hash = $2 limit 1",
                 source, hash)
             .empty();
    if (!superseded) return true;
    if (before) return *before == now.hash;
    return nobody_plans(transaction, source);
}

std::int64_t open_epoch(pqxx::transaction_base& transaction, const std::string& source,
                        const InForce& now, const std::string& hash) {
    const std::int64_t epoch = now.hash.empty() ? now.epoch : now.epoch + 1;
    transaction.exec_params(
        "update pawl.source set epoch = $2, config_hash = $3, registered_at = now() where name = "
        "$1",
        source, epoch, hash);
    transaction.exec_params(
        "insert into pawl.source_epoch (source, epoch, config_hash) values ($1, $2, $3)", source,
        epoch, hash);
    return epoch;
}

// ---- specs and partitions

// Known specs are stored once; `epoch` tells which mapping was put in force last.
void store_specs(pqxx::transaction_base& transaction, const core::SourceFile& source, std::int64_t epoch) {
    constexpr const char* insert =
        "insert into pawl.spec (hash, kind, source, stream, body) values ($1, $2, $3, $4, "
        "$5::jsonb)"
        " on conflict (source, stream, hash) do update set body = pawl.spec.body || excluded.body"
        " where excluded.kind = 'mapping' and pawl.spec.body ->> 'epoch' is distinct from excluded.body ->> 'epoch'";
    for (const core::Stream& stream : source.streams) {
        transaction.exec_params(insert, stream.request_hash, "request", source.name, stream.name,
                                describe_request(stream).dump());
        auto mapping = describe_mapping(source, stream);
        mapping["epoch"] = epoch;
        transaction.exec_params(insert, stream.mapping_hash, "mapping", source.name, stream.name, mapping.dump());
    }
}

constexpr const char* store_list = R"sql(
with entry as (
  select * from {} as entry
), wanted as (
  select distinct on (part) part, list
  from (select list, case when octet_length(key) > 1000 then encode(sha256(convert_to(key,
    'UTF8')), 'hex')
                          else coalesce(key, '') end as part from entry) as named
  order by part
), stored as (
  insert into pawl.partition as existing (source, stream, part, list, next_due)
  select $1, $2, part, list, now() from wanted order by part
  on conflict (source, stream, part) do update
  set list = excluded.list, last_seen = now(), state = 'active',
      next_due = case when existing.state = 'inactive' and not existing.walking then now()
        else existing.next_due end
  returning 1
)
update pawl.partition p set state = 'inactive'
where p.source = $1 and p.stream = $2 and p.state = 'active' and not exists (select from wanted
  where wanted.part = p.part))sql";

void store_list_partitions(pqxx::transaction_base& transaction, const core::SourceFile& source) {
    for (const core::Stream& stream : source.streams) {
        const Foreach& foreach_ = stream.foreach_;
        if (foreach_.kind != Foreach::Kind::once && foreach_.kind != Foreach::Kind::list) continue;
        transaction.exec_params(fmt::format(fmt::runtime(store_list), combined_entries(foreach_)), source.name, stream.name);
    }
}

// ---- slices that nobody asks for any more

constexpr const char* retire_streams =
    "update pawl.partition set state = 'inactive', next_due = null where source = $1 and state = "
    "'active'"
    " and stream not in (select stream from jsonb_to_recordset($2::jsonb) as asked(stream text))";

constexpr const char* read_unasked = R"sql(
select s.slice_id from pawl.slice s
where s.source = $1 and s.state = 'open' and not exists (
  select from jsonb_to_recordset($2::jsonb) as asked(stream text, request_hash text)
  where asked.stream = s.stream and asked.request_hash = s.request_hash)
order by s.slice_id for update)sql";

// Walks whose pages would lie in two tables. What the API calls unchanged has to come again for the new one.
constexpr const char* read_moved = R"sql(
select s.slice_id from pawl.slice s
where s.source = $1 and s.stream = $2 and s.state = 'open' and s.tip_seq > 0
  and (select mapping_hash from pawl.page g where g.slice_id = s.slice_id and g.outcome = 'ok'
       order by seq desc limit 1) = $3
order by s.slice_id for update)sql";
constexpr const char* drop_validators = R"sql(
delete from pawl.validator v using pawl.slice_done s
where s.slice_id = any($1::bigint[]) and v.partition_id = s.partition_id)sql";

constexpr const char* free_partitions = R"sql(
update pawl.partition p set walking = false, open_windows = 0, next_due = case when p.state = 'active' then now() end, last_outcome = 'cancelled'
from pawl.slice_done s where s.slice_id = any($1::bigint[]) and p.partition_id = s.partition_id)sql";

/// What the changed tables of the file ask for, before anything is changed. Returns the slices that it cancelled. Throws
/// core::ConfigError where it is refused.
std::vector<core::SliceId> take_up_mappings(pqxx::transaction_base& transaction, const core::SourceFile& source,
                                            SplitWalks split) {
    const MappingVerdict verdict = judge_file(transaction, source);
    require_accepted(verdict, split);
    for (const std::string& warning : verdict.warnings)
        core::log::warn("A stream has another table", {{"source", source.name}, {"what", warning}});
    std::vector<core::SliceId> cancelled;
    for (const BegunSlices& moved : verdict.moved) {
        const auto slices = slice_ids(transaction.exec_params(read_moved, source.name, moved.stream, moved.mapping_hash));
        cancel_slices(transaction, slices);
        transaction.exec_params(drop_validators, id_array(slices));
        cancelled.insert(cancelled.end(), slices.begin(), slices.end());
        core::log::warn("Slices begun for another table are cancelled and asked for from page one",
                        {{"source", source.name}, {"stream", moved.stream}, {"slices", moved.slices}});
    }
    return cancelled;
}

std::vector<core::SliceId> cancel_unasked(pqxx::transaction_base& transaction,
                                          const core::SourceFile& source) {
    json asked = json::array();
    for (const core::Stream& stream : source.streams) {
        asked.push_back({{"stream", stream.name}, {"request_hash", stream.request_hash}});
    }
    transaction.exec_params(retire_streams, source.name, asked.dump());
    auto slices = slice_ids(transaction.exec_params(read_unasked, source.name, asked.dump()));
    cancel_slices(transaction, slices);
    return slices;
}

core::Token instance_of(pqxx::transaction_base& transaction) {
    const pqxx::result found =
        transaction.exec("select value from pawl.meta where key = 'instance'");
    const auto instance = found.empty() ? std::nullopt : core::Token::parse(found[0][0].c_str());
    if (!instance)
        throw core::ConfigError(
            "the tables of pawl are not set up in this database: run `pawl migrate`");
    return *instance;
}

}  // namespace

std::string config_hash(const core::SourceFile& source) {
    json whole = {source.name, source.schema};
    for (const core::Stream& stream : source.streams) {
        whole.push_back({stream.name, stream.request_hash, stream.mapping_hash,
                         describe(stream.foreach_), stream.parent_columns,
                         stream.refresh ? stream.refresh->count() : -1, stream.conditional});
    }
    return core::sha256_hex(whole.dump());
}

Registration register_source(pqxx::transaction_base& transaction, const core::SourceFile& source,
                             const RegisteredBefore& before, SplitWalks split) {
    Registration registration;
    registration.instance = instance_of(transaction);
    const std::string hash = config_hash(source);
    const InForce now = lock_source(transaction, source.name);
    registration.source_id = now.source_id;
    registration.epoch = now.epoch;
    registration.is_new = now.hash.empty();
    if (now.hash != hash) {
        registration.may_plan = may_take_over(transaction, source.name, now, hash, before);
        if (!registration.may_plan) return registration;
    }
    registration.cancelled = take_up_mappings(transaction, source, split);
    if (now.hash != hash) registration.epoch = open_epoch(transaction, source.name, now, hash);
    store_specs(transaction, source, registration.epoch);
    const auto unasked = cancel_unasked(transaction, source);
    registration.cancelled.insert(registration.cancelled.end(), unasked.begin(), unasked.end());
    transaction.exec_params(free_partitions, id_array(registration.cancelled));
    store_list_partitions(transaction, source);
    return registration;
}

}  // namespace pawl::storage
