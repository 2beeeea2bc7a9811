#include "queue/redis_connection.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "core/errors.hpp"
#include "queue/redis_codec.hpp"
#include "tests/queue/harness.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

namespace pawl::test {

using core::ConfigError;
using core::Millis;
using core::TransientError;
using queue::RedisConnection;
using queue::RedisOptions;
using queue::RedisReply;

namespace {

const queue::RedisScript echo_script("echo", queue::RedisScript::WhenFull::run, "return ARGV[1]");

struct Connected {
    explicit Connected(const std::string& url, Millis timeout = Millis(2'000)) {
        RedisOptions options;
        options.address = queue::parse_redis_url(url);
        options.command_timeout = timeout;
        connection = std::make_unique<RedisConnection>(io.get_executor(), options, random);
    }
    RedisReply command(std::vector<std::string> arguments) {
        return run_task(io, connection->command(std::move(arguments)));
    }
    /// What went wrong; nullopt when nothing did.
    std::optional<TransientError> failure(std::vector<std::string> arguments) {
        try {
            [[maybe_unused]] const auto reply = command(std::move(arguments));
            return std::nullopt;
        } catch (const TransientError& error) {
            return error;
        }
    }

    boost::asio::io_context io;
    core::SeededRandom random{1};
    std::unique_ptr<RedisConnection> connection;
};

/// Calls that are on their way.
struct Calls {
    int answered = 0, unknown = 0, not_sent = 0;

    void add(Connected& redis, std::vector<std::string> arguments) {
        boost::asio::co_spawn(
            redis.io, redis.connection->command(std::move(arguments)),
            [this](std::exception_ptr error, const RedisReply&) { count(error); });
    }
    void count(const std::exception_ptr& error) {
        if (!error) {
            ++answered;
            return;
        }
        try {
            std::rethrow_exception(error);
        } catch (const TransientError& failed) {
            ++(failed.outcome_unknown ? unknown : not_sent);
        }
    }
    [[nodiscard]] int ended() const { return answered + unknown + not_sent; }
};

}  // namespace

TEST_CASE("a url names host, port, credentials, database, socket or TLS", "[redis]") {
    const auto full = queue::parse_redis_url("redis://ann:p%40ss@db.example:6380/3");
    CHECK(full.host == "db.example");
    CHECK(full.port == "6380");
    CHECK(full.user == "ann");
    CHECK(full.password == "p@ss");
    CHECK(full.database == 3);
    CHECK_FALSE(full.tls);
    CHECK(full.describe() == "Redis at db.example:6380");
    CHECK(queue::parse_redis_url("rediss://:secret@[::1]").tls);
    CHECK(queue::parse_redis_url("rediss://:secret@[::1]").host == "::1");
    CHECK(queue::parse_redis_url("unix:///run/redis.sock?db=2").socket == "/run/redis.sock");
    CHECK(queue::parse_redis_url("unix:///run/redis.sock?db=2").database == 2);
    for (const auto* wrong : {"", "db.example", "http://db", "redis://h:70000", "redis://h/x",
                              "redis://secret@h", "redis://:%zz@h", "unix://relative"}) {
        CHECK_THROWS_AS(queue::parse_redis_url(wrong), ConfigError);
    }
}

TEST_CASE("replies of every kind survive any cut of the bytes", "[redis]") {
    using namespace std::string_literals;
    const auto bytes = "*5\r\n:-7\r\n$3\r\na\0b\r\n$-1\r\n*0\r\n+OK\r\n-ERR no\r\n"s;
    queue::RedisDecoder decoder(1000);
    std::vector<RedisReply> replies;
    for (const char byte : bytes) {
        decoder.feed(&byte, 1);
        while (auto reply = decoder.next()) replies.push_back(std::move(*reply));
    }
    REQUIRE(replies.size() == 2);
    CHECK(replies[0].at(0).integer() == -7);
    CHECK(replies[0].at(1).text() == std::string("a\0b", 3));
    CHECK(replies[0].at(2).is_nil());
    CHECK(replies[0].at(3).array().empty());
    CHECK(replies[0].at(4).text() == "OK");
    CHECK(replies[1].error()->text == "ERR no");
    CHECK_THROWS_AS(replies[0].at(5), TransientError);
    CHECK_THROWS_AS(replies[0].text(), TransientError);
}

TEST_CASE("a reply beyond its bound and bytes that are no reply are refused", "[redis]") {
    queue::RedisDecoder decoder(10);
    const std::string large = "$100\r\nxxxxxxxxxxxx", wrong = "hello\r\n";
    CHECK_THROWS_AS(decoder.feed(large.data(), large.size()), TransientError);
    queue::RedisDecoder other(10);
    other.feed(wrong.data(), wrong.size());
    CHECK_THROWS_AS([&] { [[maybe_unused]] const auto reply = other.next(); }(), TransientError);
}

TEST_CASE("many calls share a connection and each gets its own reply", "[redis]") {
    const bool is_local = GENERATE(false, true);
    Connected redis(is_local ? shared_redis().socket_url() : shared_redis().url());
    int wrong = 0, ended = 0;
    for (int i = 0; i < 2000; ++i) {
        const std::string text = std::to_string(i) + std::string(static_cast<std::size_t>(i), '\0');
        std::vector<std::string> command{"ECHO", text};
        boost::asio::co_spawn(redis.io, redis.connection->command(std::move(command)),
                              [&, text](std::exception_ptr error, const RedisReply& reply) {
                                  ++ended;
                                  if (error || reply.text() != text) ++wrong;
                              });
    }
    run_until(redis.io, Millis(10'000), [&] { return ended == 2000; });
    CHECK(wrong == 0);
}

TEST_CASE("an error reply says whether a person must act", "[redis]") {
    Connected redis(shared_redis().url());
    [[maybe_unused]] const auto set = redis.command({"SET", "text", "x"});
    CHECK_THROWS_AS(redis.command({"LPUSH", "text", "y"}), ConfigError);
    CHECK_THROWS_AS(redis.command({"NOSUCHCOMMAND"}), ConfigError);
    const auto refused = redis.failure({"SET", "text"});
    REQUIRE(refused);
    CHECK_FALSE(refused->outcome_unknown);
    for (const auto* text :
         {"LOADING", "READONLY", "MISCONF", "OOM", "BUSY", "NOREPLICAS", "CLUSTERDOWN"}) {
        CHECK_THROWS_AS(queue::throw_redis_error(std::string(text) + " for now"), TransientError);
    }
    for (const auto* text : {"NOAUTH", "NOPERM", "WRONGPASS"}) {
        CHECK_THROWS_AS(queue::throw_redis_error(std::string(text) + " for ever"), ConfigError);
    }
}

TEST_CASE("a script that Redis forgot is sent again", "[redis]") {
    PrivateRedis& server = shared_redis();
    Connected redis(server.url());
    for (int i = 0; i < 3; ++i) {
        std::vector<std::vector<std::string>> arguments{{"a"}, {"b"}};
        const auto replies =
            run_task(redis.io, redis.connection->run_each(echo_script, "p:", std::move(arguments)));
        CHECK(replies.at(0).text() == "a");
        CHECK(replies.at(1).text() == "b");
        if (i == 1) CHECK(server.command({"script", "flush"}) == "OK");
    }
}

TEST_CASE("calls that wait when the server dies end, and tell what is known", "[redis]") {
    PrivateRedis server;
    Connected redis(server.url());
    [[maybe_unused]] const auto pong = redis.command({"PING"});
    Calls calls;
    calls.add(redis, {"BLPOP", "nothing", "0"});
    calls.add(redis, {"INCR", "counter"});
    run_until(redis.io, Millis(2'000), [&] { return redis.io.poll() == 0; });
    server.kill();
    run_until(redis.io, Millis(5'000), [&] { return calls.ended() == 2; });
    CHECK(calls.unknown == 2);
    const auto refused = redis.failure({"PING"});
    REQUIRE(refused);
    CHECK_FALSE(refused->outcome_unknown);
    CHECK(std::string(refused->what()).find("Connection refused") != std::string::npos);
    server.start();
    CHECK(redis.command({"PING"}).text() == "PONG");
}

TEST_CASE("a server that is silent breaks the connection after the timeout", "[redis]") {
    PrivateRedis server;
    Connected redis(server.url(), Millis(150));
    [[maybe_unused]] const auto pong = redis.command({"PING"});
    server.pause();
    const auto silent = redis.failure({"INCR", "counter"});
    REQUIRE(silent);
    CHECK(silent->outcome_unknown);
    const auto unsent = redis.failure(
        {"INCR", "counter"});  // the new connection gets no further than the handshake
    REQUIRE(unsent);
    CHECK_FALSE(unsent->outcome_unknown);
    server.resume();
    CHECK(eventually(Millis(5'000), [&] { return !redis.failure({"PING"}); }));
}

TEST_CASE("too many waiting calls are refused", "[redis]") {
    boost::asio::io_context io;
    core::SeededRandom random{1};
    RedisOptions options;
    options.address = queue::parse_redis_url(shared_redis().url());
    options.pending_max = 3;
    RedisConnection connection(io.get_executor(), options, random);
    Calls calls;
    for (int i = 0; i < 5; ++i) {
        std::vector<std::string> command{"PING"};
        boost::asio::co_spawn(
            io, connection.command(std::move(command)),
            [&](std::exception_ptr error, const RedisReply&) { calls.count(error); });
    }
    run_until(io, Millis(5'000), [&] { return calls.ended() == 5; });
    CHECK(calls.answered == 3);
    CHECK(calls.not_sent == 2);
}

TEST_CASE("a cancelled call does not shift the replies of the others", "[redis]") {
    Connected redis(shared_redis().url());
    boost::asio::cancellation_signal cancel;
    bool has_ended = false;
    std::vector<std::string> command{"ECHO", "cancelled"};
    boost::asio::co_spawn(redis.io, redis.connection->command(std::move(command)),
                          boost::asio::bind_cancellation_slot(
                              cancel.slot(), [&](std::exception_ptr error, RedisReply) {
                                  has_ended = error != nullptr;
                              }));
    boost::asio::post(redis.io, [&] { cancel.emit(boost::asio::cancellation_type::terminal); });
    run_until(redis.io, Millis(5'000), [&] { return has_ended; });
    CHECK(redis.command({"ECHO", "next"}).text() == "next");
}

TEST_CASE("the connection ends with its owner, and tells those who wait", "[redis]") {
    Connected redis(shared_redis().url());
    Calls calls;
    calls.add(redis, {"BLPOP", "nothing", "0"});
    run_until(redis.io, Millis(2'000), [&] { return redis.io.poll() == 0; });
    redis.connection.reset();
    run_until(redis.io, Millis(2'000), [&] { return calls.ended() == 1; });
    CHECK(calls.answered == 0);
    redis.io.restart();
    redis.io.run();  // ends: nothing of the connection waits for anything
}

TEST_CASE("credentials and database come from the url", "[redis]") {
    PrivateRedis server(PrivateRedis::Config{{"requirepass", "s3cret word"}});
    Connected redis("redis://:s3cret%20word@127.0.0.1:" + std::to_string(server.port()) + "/2");
    [[maybe_unused]] const auto set = redis.command({"SET", "a", "1"});
    CHECK(redis.command({"CLIENT", "INFO"}).text().find(" db=2 ") != std::string::npos);
    Connected without(server.url());
    CHECK_THROWS_AS(without.command({"PING"}), ConfigError);
    Connected wrong("redis://:wrong-password@127.0.0.1:" + std::to_string(server.port()));
    CHECK_THROWS_AS(wrong.command({"PING"}), ConfigError);
}

TEST_CASE("a server that may drop queued pages is refused", "[redis]") {
    PrivateRedis server(PrivateRedis::Config{{"maxmemory-policy", "allkeys-lru"}});
    Connected redis(server.url());
    CHECK_THROWS_AS(redis.command({"PING"}), ConfigError);
    CHECK(server.command({"config", "set", "maxmemory-policy", "noeviction"}) == "OK");
    CHECK(eventually(Millis(3'000), [&] {
        try {
            return redis.command({"PING"}).text() == "PONG";
        } catch (const ConfigError&) {
            return false;
        }
    }));
}

}  // namespace pawl::test
