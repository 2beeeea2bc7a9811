#include "storage/server_facts.hpp"

namespace pawl::storage {

namespace {

constexpr const char* read_facts = R"sql(
select current_setting('server_version'), current_setting('synchronous_commit'), current_setting('fsync')::bool,
       current_setting('full_page_writes')::bool, pg_is_in_recovery() or current_setting('default_transaction_read_only')::bool,
       (select count(*) from pg_stat_activity where backend_type = 'client backend'), current_setting('max_connections')::bigint,
       (extract(epoch from clock_timestamp()) * 1000000)::bigint,
       coalesce((select extract(epoch from max(now() - xact_start))::bigint from pg_stat_activity
                 where backend_type = 'client backend'), 0))sql";

}  // namespace

core::Task<ServerFacts> server_facts(std::shared_ptr<ConnectionPool> pool) {
    std::function<ServerFacts(pqxx::transaction_base&)> query = [](pqxx::transaction_base& transaction) {
        const pqxx::result found = transaction.exec(read_facts);
        const auto row = found[0];
        ServerFacts facts;
        facts.version = row[0].as<std::string>();
        facts.synchronous_commit = row[1].as<std::string>();
        facts.fsync = row[2].as<bool>();
        facts.full_page_writes = row[3].as<bool>();
        facts.read_only = row[4].as<bool>();
        facts.connections = row[5].as<std::int64_t>();
        facts.connections_max = row[6].as<std::int64_t>();
        facts.now_us = row[7].as<std::int64_t>();
        facts.oldest_transaction_s = row[8].as<std::int64_t>();
        return facts;
    };
    return pool->transact<ServerFacts>(std::move(query));
}

}  // namespace pawl::storage
