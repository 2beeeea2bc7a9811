#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include "app/invocation.hpp"
#include "app/local_servers.hpp"
#include "app/prometheus_telemetry.hpp"
#include "core/random.hpp"
#include "core/settings.hpp"
#include "core/task.hpp"
#include "core/thread_pool.hpp"
#include "queue/redis_connection.hpp"
#include "storage/connection.hpp"

namespace pawl::app {

/// What every command that needs servers stands on: settings, local servers, the event loop,
/// threads, connections. Local servers are up from construction to destruction.
struct Session {
    /// Reads settings, configures logging, starts local servers of `wanted` where none are
    /// configured. Blocks. Throws core::ConfigError, and what LocalServers throws.
    explicit Session(Invocation given, LocalNeeds wanted = {true, true});
    /// Blocks until work in the thread pool has ended: it still refers to the loop.
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    const Invocation invocation;
    core::Settings settings;
    std::unique_ptr<LocalServers> local;
    core::SystemClock clock;
    core::SystemRandom random;
    std::shared_ptr<PrometheusTelemetry> telemetry = std::make_shared<PrometheusTelemetry>();
    boost::asio::io_context context{1};
    std::shared_ptr<core::ThreadPool> threads;
    std::shared_ptr<storage::ConnectionPool> postgres;

    /// A connection to Redis; connects when first used.
    [[nodiscard]] std::shared_ptr<queue::RedisConnection> redis();
    /// Where they are, without passwords.
    [[nodiscard]] std::string redis_address() const;
    [[nodiscard]] std::string postgres_address() const;

    /// Turns the event loop until `task` has ended; returns its value or throws what left it.
    template <typename T>
    T wait_for(core::Task<T> task);
    void wait_for(core::Task<> task);

  private:
    void turn_until(const bool& done);
};

/// The settings an invocation asks for, environment and flags applied. Throws core::ConfigError.
[[nodiscard]] core::Settings settings_of(const Invocation& invocation);

template <typename T>
T Session::wait_for(core::Task<T> task) {
    bool done = false;
    std::exception_ptr failure;
    std::optional<T> result;
    boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr thrown, T value) {
        failure = thrown;
        if (!thrown) result = std::move(value);
        done = true;
    });
    turn_until(done);
    if (failure) std::rethrow_exception(failure);
    return std::move(*result);
}

}  // namespace pawl::app
