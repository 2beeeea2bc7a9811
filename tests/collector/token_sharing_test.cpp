// Several processes, each with its own thread, HTTP client and connections, one Postgres, one token
// server.
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <thread>

#include "collector/curl_http.hpp"
#include "collector/tokens.hpp"
#include "core/thread_pool.hpp"
#include "storage/migrate.hpp"
#include "storage/pg_token_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/has.hpp"
#include "tests/support/private_postgres.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/scripted_server.hpp"

using namespace pawl;
using namespace pawl::collector;
using namespace std::chrono_literals;
using test::has;

namespace {

/// What one process has of its own.
struct TokenProcess {
    boost::asio::io_context io;
    core::SystemClock clock;
    core::SystemRandom random;
    core::CountingTelemetry telemetry;
    std::shared_ptr<core::ThreadPool> threads = std::make_shared<core::ThreadPool>(2);
    CurlHttp http{io.get_executor(), {}};
    std::shared_ptr<storage::ConnectionPool> pool;
    storage::PgTokenStore store;
    std::shared_ptr<Tokens> tokens;

    TokenProcess(const std::string& database, core::TokenGrant grant)
        : pool(std::make_shared<storage::ConnectionPool>(database, threads)), store(pool) {
        tokens = std::make_shared<Tokens>(std::move(grant), "api", "default",
                                          TokenPorts{http, clock, random, telemetry, &store},
                                          TokenOptions{});
    }
    ~TokenProcess() { threads->finish(); }

    KeyAnswer ask() { return test::run_task(io, tokens->key_within(20s)); }
    /// `count` callers at once; what each got.
    std::vector<std::string> ask_many(int count) {
        std::vector<std::string> keys;
        for (int i = 0; i < count; ++i)
            boost::asio::co_spawn(io, tokens->key_within(20s),
                                  [&keys](std::exception_ptr error, KeyAnswer answer) {
                                      if (error) std::rethrow_exception(error);
                                      keys.push_back(answer.key);
                                  });
        test::run_until(io, 30s, [&] { return keys.size() == static_cast<std::size_t>(count); });
        test::run_until(io, 30s, [&] { return !tokens->is_unkept(); });
        return keys;
    }
};

struct TokenScene {
    test::ScriptedServer server;
    std::string database = test::PrivatePostgres::shared().new_database();

    TokenScene() {
        storage::Connection connection(database);
        storage::migrate(connection);
    }
    [[nodiscard]] core::TokenGrant grant() const {
        core::TokenGrant grant;
        grant.url = server.url("/token");
        grant.client_id = "me";
        grant.client_secret = "sharing-secret";
        return grant;
    }
    [[nodiscard]] core::TokenGrant refreshing() const {
        auto made = grant();
        made.kind = core::TokenGrant::Kind::refresh_token;
        made.refresh_token = "file-refresh";
        return made;
    }
};

}  // namespace

TEST_CASE("of many processes that need a token at once, one asks for it", "[token_sharing]") {
    TokenScene scene;
    const std::string body = R"({"access_token":"shared-token","expires_in":3600})";
    scene.server.on("/token", {{.what = test::ScriptedServer::Step::Do::pause, .wait = 300ms},
                               {.text = "HTTP/1.1 200 OK\r\nContent-Length: " +
                                        std::to_string(body.size()) + "\r\n\r\n" + body}});
    constexpr int processes = 4, callers = 16;
    std::atomic<int> right = 0;
    std::vector<std::string> failures(processes);
    std::vector<std::thread> threads;
    for (int i = 0; i < processes; ++i)
        threads.emplace_back([&, i] {
            try {
                TokenProcess process(scene.database, scene.grant());
                for (const auto& key : process.ask_many(callers)) right += key == "shared-token";
            } catch (const std::exception& error) {
                failures[static_cast<std::size_t>(i)] = error.what();
            }
        });
    for (auto& thread : threads) thread.join();
    CHECK(failures == std::vector<std::string>(processes));
    CHECK(right == processes * callers);
    CHECK(scene.server.requests().size() == 1);
}

TEST_CASE("a refresh token that was given to one process is used by the next", "[token_sharing]") {
    TokenScene scene;
    // Over as soon as it is there, so that the next process renews.
    scene.server.on("/token",
                    R"({"access_token":"tok-a","expires_in":1,"refresh_token":"rotated-1"})");
    {
        TokenProcess first(scene.database, scene.refreshing());
        CHECK(first.ask_many(1) == std::vector<std::string>{"tok-a"});
    }
    const auto row = test::psql(scene.database,
                                "select version, sealed, key_id, source from "
                                "pawl.token");
    CHECK(row.starts_with("1|"));
    for (const std::string secret : {"tok-a", "rotated-1", "sharing-secret", "file-refresh"})
        CHECK_FALSE(has(row, secret));
    scene.server.on("/token",
                    R"({"access_token":"tok-b","expires_in":3600,"refresh_token":"rotated-2"})");
    CHECK(test::eventually(5s, [&] {
        return test::psql(scene.database,
                          "select expires_at < clock_timestamp() from pawl.token") == "t";
    }));
    TokenProcess second(scene.database, scene.refreshing());
    CHECK(second.ask_many(1) == std::vector<std::string>{"tok-b"});
    const auto requests = scene.server.requests();
    REQUIRE(requests.size() == 2);
    CHECK(has(requests[0], "refresh_token=file-refresh"));
    CHECK(has(requests[1], "refresh_token=rotated-1"));
    CHECK(test::psql(scene.database, "select version, holder is null from pawl.token") == "2|t");
}

TEST_CASE("a process without the table says what is missing", "[token_sharing]") {
    TokenScene scene;
    test::psql(scene.database, "drop table pawl.token");
    TokenProcess process(scene.database, scene.grant());
    const auto answer = process.ask();
    CHECK(answer.kind == KeyAnswer::Kind::refused);
    CHECK(has(answer.reason, "pawl.token"));
    CHECK(scene.server.requests().empty());
}
