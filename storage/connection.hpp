#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/errors.hpp"
#include "core/task.hpp"
#include "storage/pq_door.hpp"

/// How storage/ reaches Postgres, and what its errors mean. libpq's own environment (PG*, service
/// file, .pgpass) holds wherever a URL says nothing.
namespace pawl::storage {

/// What an SQLSTATE means: try again later, a person must edit something, or this one item can
/// never be stored.
enum class [[nodiscard]] SqlFault : std::uint8_t{transient, config, permanent};
[[nodiscard]] SqlFault classify_sqlstate(std::string_view sqlstate);
/// Throws core::TransientError, ConfigError or PermanentError; `message` is shown with known
/// secrets removed.
[[noreturn]] void throw_sql_error(std::string_view sqlstate, std::string_view message);

/// `url` (URL, keyword string, or "" for libpq's environment) as a keyword string with pawl's
/// defaults where the user set none: application name, connect timeout, and by `options=-c …`
/// timeouts, UTC and ISO dates. Serves libpq and libpqxx. Throws core::ConfigError when libpq
/// cannot read it; never shows it.
[[nodiscard]] std::string connection_string(const std::string& url);
/// Why a connection that was just refused is refused: throws what the server's SQLSTATE means,
/// TransientError where it gave none. Asks once more, because libpq tells the code only when asked
/// to beforehand.
[[noreturn]] void throw_connect_error(const std::string& target, std::string_view message);

/// One libpqxx connection, opened at first use and anew after an error that may have broken it. Not
/// thread-safe. Blocks.
class Connection {
  public:
    using Work = std::function<void(pqxx::transaction_base&)>;

    explicit Connection(std::string url);
    ~Connection();
    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) noexcept;

    /// Runs `work` in a transaction (READ COMMITTED) and commits. Throws the translated error of
    /// whatever fails; TransientError::outcome_unknown when the connection broke during COMMIT.
    void transact(const Work& work);
    /// Runs `work` in a read-only REPEATABLE READ transaction without a statement timeout.
    void snapshot(const Work& work);
    /// Runs `work` without a transaction: for session-level locks.
    void direct(const Work& work);

    [[nodiscard]] const std::string& url() const { return url_; }

  private:
    template <typename Transaction>
    void run(const Work& work, const char* settings);
    pqxx::connection& open();

    std::string url_;
    std::unique_ptr<pqxx::connection> connection_;
};

/// Connections shared by the threads of an Offload: as many as run at once.
class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
  public:
    ConnectionPool(std::string url, std::shared_ptr<core::Offload> offload);

    /// Runs `query` in a transaction on a pooled connection, off the caller's thread, and comes
    /// back with its result.
    template <typename T>
    core::Task<T> transact(std::function<T(pqxx::transaction_base&)> query);
    /// The same in a read-only snapshot.
    template <typename T>
    core::Task<T> snapshot(std::function<T(pqxx::transaction_base&)> query);
    /// Runs `work` off the caller's thread, without a connection of the pool.
    core::Task<> offload(std::function<void()> work);

    [[nodiscard]] const std::string& url() const { return url_; }

  private:
    using Method = void (Connection::*)(const Connection::Work&);
    void use(Method method, const Connection::Work& work);
    template <typename T>
    core::Task<T> run(Method method, std::function<T(pqxx::transaction_base&)> query);

    std::string url_;
    std::shared_ptr<core::Offload> offload_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Connection>> idle_;
};

template <typename T>
core::Task<T> ConnectionPool::run(Method method, std::function<T(pqxx::transaction_base&)> query) {
    // The work may outlive this coroutine when it is cancelled: it owns all it touches.
    auto result = std::make_shared<T>();
    std::function<void()> work = [self = shared_from_this(), method, query = std::move(query),
                                  result] {
        self->use(method,
                  [&](pqxx::transaction_base& transaction) { *result = query(transaction); });
    };
    co_await offload_->run(std::move(work));
    co_return std::move(*result);
}

template <typename T>
core::Task<T> ConnectionPool::transact(std::function<T(pqxx::transaction_base&)> query) {
    return run<T>(&Connection::transact, std::move(query));
}

template <typename T>
core::Task<T> ConnectionPool::snapshot(std::function<T(pqxx::transaction_base&)> query) {
    return run<T>(&Connection::snapshot, std::move(query));
}

}  // namespace pawl::storage
