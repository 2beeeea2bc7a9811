#include "storage/migrate.hpp"

#include <fmt/format.h>

#include "core/log.hpp"

namespace pawl::storage {
namespace {

// Released at commit, so it works behind a transaction-level pooler. 60 s: another process may be
// migrating.
constexpr const char* take_lock =
    "set local lock_timeout = '60s'; set local statement_timeout = 0;"
    " select pg_advisory_xact_lock(hashtextextended('pawl.migration', 0))";

constexpr const char* create_log = R"sql(
create schema if not exists pawl;
create table pawl.migration (
  version int primary key, name text not null, applied_at timestamptz not null default now()))sql";

bool has_log(pqxx::transaction_base& transaction) {
    return !transaction.exec("select to_regclass('pawl.migration')")[0][0].is_null();
}

int version_of(pqxx::transaction_base& transaction) {
    return transaction.exec("select coalesce(max(version), 0) from pawl.migration")[0][0].as<int>();
}

void refuse_newer(int version, int newest_known) {
    if (version <= newest_known) return;
    throw core::ConfigError(
        fmt::format("the tables of pawl in this database have version {}, made by a newer pawl; "
                    "this one knows up to {}."
                    " Install the newer pawl, or use another database",
                    version, newest_known));
}

/// Runs the first migration that is missing. False: none is.
bool run_next(pqxx::transaction_base& transaction, std::span<const Migration> known,
              Migrated& result) {
    if (!has_log(transaction)) transaction.exec(create_log);
    result.version = version_of(transaction);
    refuse_newer(result.version, known.empty() ? 0 : known.back().version);
    for (const Migration& migration : known) {
        if (migration.version <= result.version) continue;
        transaction.exec(std::string(migration.sql));
        transaction.exec_params("insert into pawl.migration (version, name) values ($1, $2)",
                                migration.version, std::string(migration.name));
        result.version = migration.version;
        result.applied.push_back(fmt::format("{} {}", migration.version, migration.name));
        return true;
    }
    return false;
}

core::Token make_instance(pqxx::transaction_base& transaction) {
    transaction.exec(
        "insert into pawl.meta (key, value) select 'instance', gen_random_uuid()::text"
        " where not exists (select from pawl.meta where key = 'instance')");
    const auto uuid = transaction.exec("select value from pawl.meta where key = 'instance'")[0][0]
                          .as<std::string>();
    const auto instance = core::Token::parse(uuid);
    if (!instance) throw core::ConfigError("pawl.meta: instance is no uuid");
    return *instance;
}

}  // namespace

Migrated require_migrated(Connection& connection) {
    Migrated result;
    const int newest = migrations().back().version;
    connection.transact([&](pqxx::transaction_base& transaction) {
        result.version = has_log(transaction) ? version_of(transaction) : 0;
        refuse_newer(result.version, newest);
        if (result.version == newest) result.instance = make_instance(transaction);
    });
    if (result.version == 0)
        throw core::ConfigError("this database has no tables of pawl: the first 'pawl backfill' or 'pawl run' makes them, or 'pawl migrate'");
    if (result.version < newest) throw core::ConfigError("the tables of pawl are older than this pawl: run 'pawl migrate'");
    return result;
}

Migrated migrate(Connection& connection) { return migrate(connection, migrations()); }

Migrated migrate(Connection& connection, std::span<const Migration> known) {
    Migrated result;
    for (bool more = true; more;) {
        Migrated step = result;  // told only when its transaction has committed
        connection.transact([&](pqxx::transaction_base& transaction) {
            transaction.exec(take_lock);
            more = run_next(transaction, known, step);
            if (!more) step.instance = make_instance(transaction);
        });
        if (more)
            core::log::info("Migrated the tables of pawl", {{"migration", step.applied.back()}});
        result = std::move(step);
    }
    return result;
}

}  // namespace pawl::storage
