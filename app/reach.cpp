#include "app/reach.hpp"

#include "core/errors.hpp"
#include "storage/migrate.hpp"

namespace pawl::app {

namespace {

constexpr std::chrono::seconds contact_wait_max{10};  // a person sits before it
constexpr std::chrono::milliseconds retry_pause{500};

core::Token open_catalogue(const std::string& url, bool may_migrate) {
    storage::Connection connection(url);
    return (may_migrate ? storage::migrate(connection) : storage::require_migrated(connection))
        .instance;
}

core::Task<core::Token> open_beside(Session& session, bool may_migrate) {
    // The work may outlive a caller that is cancelled: it owns what it touches.
    const auto instance = std::make_shared<core::Token>();
    const std::string url = session.settings.postgres.url;
    std::function<void()> work = [instance, url, may_migrate] { *instance = open_catalogue(url, may_migrate); };
    co_await session.threads->run(std::move(work));
    co_return *instance;
}

std::string advice(const std::string& flag) {
    return "\nStart it, or name another with " + flag + "; --local uses a private server instead.";
}

}  // namespace

core::Task<> reach_redis(Session& session, std::shared_ptr<queue::RedisConnection> redis) {
    const auto begin = session.clock.steady();
    std::string reason;
    while (true) {
        try {
            std::vector<std::string> ping{"PING"};
            co_await redis->command(std::move(ping));
            co_return;
        } catch (const core::TransientError& error) {
            reason = error.what();
        }
        if (session.clock.steady() - begin >= contact_wait_max) break;
        co_await session.clock.sleep(retry_pause);
    }
    throw core::TransientError("cannot reach Redis at " + session.redis_address() + ": " + reason +
                               advice("--redis URL"));
}

core::Task<core::Token> contact_postgres(Session& session) { return open_beside(session, session.settings.migrate); }

core::Task<> look_at_catalogue(Session& session) { (void)co_await open_beside(session, false); }

core::Task<core::Token> reach_postgres(Session& session) {
    const auto begin = session.clock.steady();
    std::string reason;
    while (true) {
        try {
            const auto instance = co_await contact_postgres(session);
            co_return instance;
        } catch (const core::TransientError& error) {
            reason = error.what();
        }
        if (session.clock.steady() - begin >= contact_wait_max) break;
        co_await session.clock.sleep(retry_pause);
    }
    throw core::TransientError("cannot reach Postgres at " + session.postgres_address() + ": " +
                               reason + advice("--postgres URL"));
}

}  // namespace pawl::app
