#include "storage/connection_checks.hpp"

#include <cstdlib>
#include <string>

#include "core/errors.hpp"

namespace pawl::storage {
namespace {

constexpr int version_min = 150000;  // `unique nulls not distinct` of pawl.slice

constexpr const char* server_facts =
    "select current_setting('server_version_num')::int, current_setting('fsync')::bool,"
    " current_setting('full_page_writes')::bool, pg_is_in_recovery() or "
    "current_setting('transaction_read_only')::bool";

bool unsafe_is_allowed() {
    const char* value = std::getenv("PAWL_ALLOW_UNSAFE_POSTGRES");
    return value != nullptr && std::string(value) == "1";
}

}  // namespace

void check_server(pqxx::connection& connection) {
    pqxx::nontransaction transaction(connection);
    const pqxx::result facts = transaction.exec(server_facts);
    const pqxx::row row = facts[0];
    if (row[0].as<int>() < version_min) {
        throw core::ConfigError("Postgres is too old: pawl needs version 15 or newer");
    }
    if ((!row[1].as<bool>() || !row[2].as<bool>()) && !unsafe_is_allowed()) {
        throw core::ConfigError(
            "Postgres runs with fsync or full_page_writes off: a crash could lose pages that were "
            "told as stored."
            " Turn both on (for throw-away data: PAWL_ALLOW_UNSAFE_POSTGRES=1)");
    }
    if (row[3].as<bool>())
        throw core::TransientError("Postgres is read-only (a standby, or set so)");
}

}  // namespace pawl::storage
