#include "storage/connection.hpp"

#include <utility>

#include "core/redact.hpp"
#include "storage/connection_checks.hpp"

namespace pawl::storage {
namespace {

bool starts_with_any(std::string_view text, std::initializer_list<std::string_view> prefixes) {
    for (const std::string_view prefix : prefixes) {
        if (text.starts_with(prefix)) return true;
    }
    return false;
}

}  // namespace

SqlFault classify_sqlstate(std::string_view sqlstate) {
    // 08 connection, 53 resources, 57 operator (shutdown, cancelled, timeout), 40 rollback
    // (serialization, deadlock), 55P03 lock not available, 55006 object in use, 58 system (I/O),
    // 25006 read-only: a standby, F0, XX: server bug or damage, no fault of the item.
    if (sqlstate.empty() ||
        starts_with_any(sqlstate, {"08", "53", "57", "40", "55", "58", "25", "F0", "XX"})) {
        return SqlFault::transient;
    }
    // 28 authentication, 3D database, 3F schema, 42 syntax, names and rights, 0A not supported
    if (starts_with_any(sqlstate, {"28", "3D", "3F", "42", "0A", "0L", "0P"}))
        return SqlFault::config;
    return SqlFault::permanent;  // 21 cardinality, 22 data, 23 constraint, 54 program limit …
}

void throw_sql_error(std::string_view sqlstate, std::string_view message) {
    std::string text = "Postgres: " + core::redact(message);
    while (text.ends_with('\n')) text.pop_back();
    if (!sqlstate.empty()) text += " [" + std::string(sqlstate) + "]";
    switch (classify_sqlstate(sqlstate)) {
        case SqlFault::transient:
            throw core::TransientError(text);
        case SqlFault::config:
            if (sqlstate.starts_with("28")) throw core::RefusedError(text);
            throw core::ConfigError(text);
        case SqlFault::permanent:
            throw core::PermanentError(text);
    }
    throw core::TransientError(text);
}

Connection::Connection(std::string url) : url_(std::move(url)) {}
Connection::~Connection() = default;
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;

pqxx::connection& Connection::open() {
    if (connection_) return *connection_;
    const std::string target = connection_string(url_);
    try {
        connection_ = std::make_unique<pqxx::connection>(target);
    } catch (const pqxx::broken_connection& refused) {
        throw_connect_error(target, refused.what());
    }
    check_server(*connection_);
    return *connection_;
}

template <typename Transaction>
void Connection::run(const Work& work, const char* settings) {
    try {
        pqxx::connection& connection = open();
        Transaction transaction(connection);
        if (*settings != '\0') transaction.exec(settings);
        work(transaction);
        transaction.commit();
    } catch (const pqxx::in_doubt_error& lost) {
        connection_.reset();
        throw core::TransientError(
            "Postgres: the connection broke during COMMIT: " + core::redact(lost.what()), true);
    } catch (const pqxx::broken_connection& broken) {
        connection_.reset();
        throw core::TransientError("Postgres: " + core::redact(broken.what()));
    } catch (const pqxx::transaction_rollback& rolled_back) {  // deadlock …; no SQLSTATE in 6.4
        throw core::TransientError("Postgres: " + core::redact(rolled_back.what()));
    } catch (const pqxx::sql_error& refused) {
        if (classify_sqlstate(refused.sqlstate()) == SqlFault::transient) connection_.reset();
        throw_sql_error(refused.sqlstate(), refused.what());
    } catch (const pqxx::failure& fault) {
        connection_.reset();
        throw core::PermanentError("Postgres: " + core::redact(fault.what()));
    } catch (const core::TransientError&) {
        connection_.reset();
        throw;
    }
}

void Connection::transact(const Work& work) { run<pqxx::work>(work, ""); }

void Connection::snapshot(const Work& work) {
    run<pqxx::transaction<pqxx::isolation_level::repeatable_read>>(
        work, "set transaction read only; set local statement_timeout = 0");
}

void Connection::direct(const Work& work) { run<pqxx::nontransaction>(work, ""); }

ConnectionPool::ConnectionPool(std::string url, std::shared_ptr<core::Offload> offload)
    : url_(std::move(url)), offload_(std::move(offload)) {}

core::Task<> ConnectionPool::offload(std::function<void()> work) {
    return offload_->run(std::move(work));
}

void ConnectionPool::use(Method method, const Connection::Work& work) {
    std::unique_ptr<Connection> connection;
    {
        const std::lock_guard lock(mutex_);
        if (!idle_.empty()) {
            connection = std::move(idle_.back());
            idle_.pop_back();
        }
    }
    if (!connection) connection = std::make_unique<Connection>(url_);
    // A connection that threw is dropped with its exception: the next call opens one. Only good
    // ones come back.
    (connection.get()->*method)(work);
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
}

}  // namespace pawl::storage
