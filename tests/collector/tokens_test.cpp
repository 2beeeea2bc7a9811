// Tokens that renew themselves, under virtual time.
#include "collector/tokens.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "core/redact.hpp"
#include "core/telemetry.hpp"
#include "tests/collector/fakes.hpp"
#include "tests/fakes/memory_token_store.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

using namespace pawl;
using namespace pawl::collector;
using namespace std::chrono_literals;
using test::has;
using test::respond;
using AnswerKind = KeyAnswer::Kind;

namespace {

core::TokenGrant client_grant() {
    core::TokenGrant grant;
    grant.url = "https://id.test/token";
    grant.client_id = "me";
    grant.client_secret = "client-secret-1";
    return grant;
}

core::TokenGrant refresh_grant() {
    auto grant = client_grant();
    grant.kind = core::TokenGrant::Kind::refresh_token;
    grant.refresh_token = "refresh-0";
    return grant;
}

/// A token server that gives token-1, token-2 … for an hour each, and, where refresh tokens are
/// used, refresh-1, refresh-2 …, each of which works once.
struct TokenBench {
    boost::asio::io_context io;
    test::VirtualTime time;
    test::ScriptedHttp http{time};
    test::MemoryTokenStore store{time};
    core::SeededRandom random{9};
    core::CountingTelemetry telemetry;
    int given = 0;
    std::string refresh_due = "refresh-0";
    int refreshes_refused = 0;

    TokenBench() {
        http.answer = [this](const HttpRequest& request) { return answer(request); };
    }
    HttpResult answer(const HttpRequest& request) {
        std::string more;
        if (has(request.body, "grant_type=refresh_token")) {
            if (!has(request.body + "&", "refresh_token=" + refresh_due + "&")) {
                ++refreshes_refused;
                return respond(400, R"({"error":"invalid_grant"})");
            }
            refresh_due = "refresh-" + std::to_string(given + 1);
            more = R"(,"refresh_token":")" + refresh_due + "\"";
        }
        ++given;
        return respond(200, R"({"access_token":"token-)" + std::to_string(given) +
                                R"(","expires_in":3600)" + more + "}");
    }
    /// Another process, with the same store.
    std::shared_ptr<Tokens> process(core::TokenGrant grant = client_grant()) {
        return std::make_shared<Tokens>(std::move(grant), "api", "default",
                                        TokenPorts{http, time, random, telemetry, &store},
                                        TokenOptions{});
    }
    std::shared_ptr<Tokens> lone(core::TokenGrant grant = client_grant()) {
        return std::make_shared<Tokens>(std::move(grant), "api", "default",
                                        TokenPorts{http, time, random, telemetry, nullptr},
                                        TokenOptions{});
    }
    KeyAnswer within(const std::shared_ptr<Tokens>& tokens, core::Micros patience) {
        std::optional<KeyAnswer> answer;
        boost::asio::co_spawn(io, tokens->key_within(patience),
                              [&](std::exception_ptr error, KeyAnswer one) {
                                  if (error) std::rethrow_exception(error);
                                  answer = std::move(one);
                              });
        time.run(
            io, [&] { return answer.has_value(); }, 24000h);
        return *answer;
    }
    std::string key(const std::shared_ptr<Tokens>& tokens) {
        auto answer = within(tokens, 10s);
        CHECK(answer.kind == AnswerKind::ready);
        return answer.key;
    }
    void pass(core::Micros while_) {
        bool over = false;
        boost::asio::co_spawn(io, time.sleep(while_), [&](std::exception_ptr) { over = true; });
        time.run(
            io, [&] { return over; }, 24000h);
    }
};

}  // namespace

TEST_CASE("many that ask at once make one renewal", "[tokens]") {
    TokenBench bench;
    const auto one = bench.process(), two = bench.process();
    std::vector<std::string> keys;
    for (int i = 0; i < 40; ++i)
        boost::asio::co_spawn(bench.io, (i % 2 ? one : two)->key_within(10s),
                              [&](std::exception_ptr error, KeyAnswer answer) {
                                  if (error) std::rethrow_exception(error);
                                  keys.push_back(answer.key);
                              });
    bench.time.run(bench.io, [&] { return keys.size() == 40; });
    CHECK(bench.http.asked.size() == 1);
    CHECK(std::count(keys.begin(), keys.end(), "token-1") == 40);
    CHECK(bench.telemetry.total(core::Metric::token_renewals, "renewed") == 1);
    CHECK(bench.telemetry.total(core::Metric::token_renewals, "adopted") == 1);
}

TEST_CASE("a token is renewed before its end, and requests go on with the old one meanwhile",
          "[tokens]") {
    TokenBench bench;
    const auto tokens = bench.process();
    CHECK(bench.key(tokens) == "token-1");
    bench.pass(52min);  // 5 min before the end, and at most half of that sooner
    CHECK(bench.key(tokens) == "token-1");
    CHECK(bench.http.asked.size() == 1);
    bench.pass(3min + 1s);
    CHECK(bench.key(tokens) == "token-1");  // at once: the renewal is under way
    bench.pass(1s);
    CHECK(bench.http.asked.size() == 2);
    CHECK(bench.key(tokens) == "token-2");
}

TEST_CASE("of several processes one renews, hour after hour", "[tokens]") {
    TokenBench bench;
    const std::vector<std::shared_ptr<Tokens>> processes{bench.process(), bench.process(),
                                                         bench.process()};
    for (int minute = 0; minute < 10 * 60; ++minute) {
        for (const auto& tokens : processes) (void)bench.key(tokens);
        bench.pass(1min);
    }
    CHECK(bench.given >= 11);
    CHECK(bench.given <= 12);  // a token lasts from 52.5 to 55 minutes
}

TEST_CASE("a new process takes the token that is kept", "[tokens]") {
    TokenBench bench;
    CHECK(bench.key(bench.process()) == "token-1");
    CHECK(bench.key(bench.process()) == "token-1");
    CHECK(bench.http.asked.size() == 1);
    bench.pass(56min);  // too near its end
    CHECK(bench.key(bench.process()) == "token-2");
}

TEST_CASE("nothing of a token is kept in the clear", "[tokens]") {
    TokenBench bench;
    (void)bench.key(bench.process(refresh_grant()));
    for (const std::string secret : {"token-1", "refresh-1", "client-secret-1"})
        CHECK_FALSE(has(bench.store.only().sealed, secret));
    CHECK(core::redact("token-1 refresh-1") == "*** ***");
}

TEST_CASE("a kept token that was changed is renewed", "[tokens]") {
    TokenBench bench;
    CHECK(bench.key(bench.process()) == "token-1");
    bench.store.only().sealed[30] ^= 1;
    CHECK(bench.key(bench.process()) == "token-2");
}

TEST_CASE("a token of another scope is not used", "[tokens]") {
    TokenBench bench;
    CHECK(bench.key(bench.process()) == "token-1");
    auto grant = client_grant();
    grant.scope = "more";
    CHECK(bench.key(bench.process(grant)) == "token-2");
}

TEST_CASE("refresh tokens that the API gives are kept, and the newest is used", "[tokens]") {
    TokenBench bench;
    auto tokens = bench.process(refresh_grant());
    for (int hour = 1; hour <= 5; ++hour) {
        CHECK(bench.key(tokens) == "token-" + std::to_string(hour));
        bench.pass(61min);
    }
    CHECK(bench.refresh_due == "refresh-5");
    tokens = bench.process(refresh_grant());  // a restart
    CHECK(bench.key(tokens) == "token-6");
    CHECK(bench.refreshes_refused == 0);
}

TEST_CASE("another scope goes on with the refresh token that is kept", "[tokens]") {
    TokenBench bench;
    CHECK(bench.key(bench.process(refresh_grant())) == "token-1");
    auto grant = refresh_grant();
    grant.scope = "more";
    CHECK(bench.key(bench.process(grant)) == "token-2");
    CHECK(bench.refreshes_refused == 0);
}

TEST_CASE("a new refresh token in the file goes before the one that is kept", "[tokens]") {
    TokenBench bench;
    CHECK(bench.key(bench.process(refresh_grant())) == "token-1");
    bench.refresh_due = "by-hand";  // the kept one was revoked
    auto grant = refresh_grant();
    grant.refresh_token = "by-hand";
    CHECK(bench.key(bench.process(grant)) == "token-2");
    CHECK(bench.refreshes_refused == 0);
}

TEST_CASE("a server that gives no new refresh token is asked with the first", "[tokens]") {
    TokenBench bench;
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        CHECK(has(request.body, "refresh_token=refresh-0"));
        ++bench.given;
        return respond(200, R"({"access_token":"t-)" + std::to_string(bench.given) +
                                R"(","expires_in":3600})");
    };
    const auto tokens = bench.process(refresh_grant());
    CHECK(bench.key(tokens) == "t-1");
    bench.pass(61min);
    CHECK(bench.key(tokens) == "t-2");
}

TEST_CASE("with Postgres away, client credentials renew for themselves", "[tokens]") {
    TokenBench bench;
    bench.store.down = true;
    const auto tokens = bench.process();
    CHECK(bench.key(tokens) == "token-1");
    bench.pass(61min);
    CHECK(bench.key(tokens) == "token-2");
    CHECK(bench.store.kept == 0);
    bench.store.down = false;
    bench.pass(61min);
    CHECK(bench.key(tokens) == "token-3");
    bench.pass(1s);
    CHECK(bench.store.kept == 1);
}

TEST_CASE(
    "with Postgres away, a refresh token is not used: the token serves to its end, then "
    "requests wait",
    "[tokens]") {
    TokenBench bench;
    const auto tokens = bench.process(refresh_grant());
    CHECK(bench.key(tokens) == "token-1");
    bench.pass(1s);
    bench.store.down = true;
    bench.pass(58min);
    CHECK(bench.key(tokens) == "token-1");
    bench.pass(2min);
    auto answer = bench.within(tokens, 10s);
    CHECK(answer.kind == AnswerKind::waiting);
    CHECK(has(answer.reason, "Postgres"));
    CHECK(bench.http.asked.size() == 1);
    bench.store.down = false;
    answer = bench.within(tokens, 2min);
    CHECK(answer.kind == AnswerKind::ready);
    CHECK(answer.key == "token-2");
}

TEST_CASE("a refresh token that comes while Postgres goes is used, and kept once it is back",
          "[tokens]") {
    TokenBench bench;
    const auto tokens = bench.process(refresh_grant());
    bench.http.meanwhile = [&] { bench.store.down = true; };
    CHECK(bench.key(tokens) == "token-1");
    bench.http.meanwhile = nullptr;
    CHECK(tokens->is_unkept());
    bench.pass(10min);
    CHECK(tokens->is_unkept());
    CHECK(bench.key(tokens) == "token-1");
    bench.store.down = false;
    bench.pass(5s);
    CHECK_FALSE(tokens->is_unkept());
    CHECK(bench.key(bench.process(refresh_grant())) == "token-1");
    bench.pass(50min);  // its life began when it was given, not when it was kept
    CHECK(bench.key(bench.process(refresh_grant())) == "token-2");
    CHECK(bench.refreshes_refused == 0);
}

TEST_CASE("a commit whose reply is lost keeps the refresh token once", "[tokens]") {
    TokenBench bench;
    bench.store.lost_replies = 1;
    const auto tokens = bench.process(refresh_grant());
    CHECK(bench.key(tokens) == "token-1");
    bench.pass(5s);
    CHECK(bench.store.kept == 2);  // asked twice, the same
    CHECK_FALSE(tokens->is_unkept());
    bench.pass(61min);
    CHECK(bench.key(tokens) == "token-2");
    CHECK(bench.refreshes_refused == 0);
}

TEST_CASE("a process that dies while it renews holds the others up for its lease, no longer",
          "[tokens]") {
    TokenBench bench;
    bench.http.latency = 20'000h;  // it goes on no more
    const auto dead = bench.process();
    CHECK(bench.within(dead, 1s).kind == AnswerKind::waiting);
    bench.http.latency = 20ms;
    const auto other = bench.process();
    CHECK(bench.within(other, 1min).kind == AnswerKind::waiting);
    const auto answer = bench.within(other, 1min);  // 10 + 60 + 30 s
    CHECK(answer.kind == AnswerKind::ready);
    CHECK(bench.given == 1);
}

TEST_CASE("a token server that is away is asked again with growing pauses", "[tokens]") {
    TokenBench bench;
    bench.http.answer = [](const HttpRequest&) -> HttpResult {
        return HttpFailure{.kind = HttpFailure::Kind::unreachable, .reason = "no route"};
    };
    const auto tokens = bench.process();
    const auto answer = bench.within(tokens, 10min);
    CHECK(answer.kind == AnswerKind::waiting);
    CHECK(has(answer.reason, "no route"));
    CHECK(bench.http.asked.size() >= 10);
    CHECK(bench.http.asked.size() <= 20);
    bench.http.answer = [&](const HttpRequest& request) { return bench.answer(request); };
    CHECK(bench.within(tokens, 2min).key == "token-1");
}

TEST_CASE("a token server's own time is waited for", "[tokens]") {
    TokenBench bench;
    bench.http.answer = [](const HttpRequest&) -> HttpResult {
        return respond(429, "", {{"retry-after", "600"}});
    };
    const auto tokens = bench.process();
    CHECK(bench.within(tokens, 9min).kind == AnswerKind::waiting);
    CHECK(bench.http.asked.size() == 1);
}

TEST_CASE("credentials that the token server refuses are told, and tried again a minute later",
          "[tokens]") {
    TokenBench bench;
    bench.http.answer = [](const HttpRequest&) -> HttpResult {
        return respond(401, R"({"error":"invalid_client"})");
    };
    const auto tokens = bench.process();
    const auto answer = bench.within(tokens, 10s);
    CHECK(answer.kind == AnswerKind::refused);
    CHECK(has(answer.reason, "client_secret"));
    CHECK(bench.within(tokens, 10s).kind == AnswerKind::refused);
    CHECK(bench.http.asked.size() == 1);
    CHECK(bench.telemetry.total(core::Metric::token_renewals, "refused") == 1);
    bench.http.answer = [&](const HttpRequest& request) { return bench.answer(request); };
    bench.pass(1min);
    CHECK(bench.key(tokens) == "token-1");
}

TEST_CASE("a token that the API refuses is renewed once", "[tokens]") {
    TokenBench bench;
    const auto tokens = bench.process();
    CHECK(bench.key(tokens) == "token-1");
    for (int i = 0; i < 20; ++i) CHECK(tokens->replace_refused("token-1"));  // many requests
    CHECK(bench.key(tokens) == "token-2");
    CHECK(tokens->replace_refused("token-1"));  // a late answer
    CHECK(bench.key(tokens) == "token-2");
    CHECK(bench.http.asked.size() == 2);
    CHECK_FALSE(tokens->replace_refused("token-2"));
    tokens->try_again();
    CHECK(tokens->replace_refused("token-2"));
    CHECK(bench.key(tokens) == "token-3");
    bench.pass(61min);
    CHECK(bench.key(tokens) == "token-4");
    CHECK(tokens->replace_refused("token-4"));
}

TEST_CASE("a token refused in two processes is renewed by one of them", "[tokens]") {
    TokenBench bench;
    const auto one = bench.process(), two = bench.process();
    CHECK(bench.key(one) == "token-1");
    CHECK(bench.key(two) == "token-1");
    CHECK(one->replace_refused("token-1"));
    CHECK(two->replace_refused("token-1"));
    CHECK(bench.key(one) == "token-2");
    CHECK(bench.key(two) == "token-2");
    CHECK(bench.http.asked.size() == 2);
}

TEST_CASE("without a store tokens are renewed all the same", "[tokens]") {
    TokenBench bench;
    const auto tokens = bench.lone();
    CHECK(bench.key(tokens) == "token-1");
    bench.pass(61min);
    CHECK(bench.key(tokens) == "token-2");
}

TEST_CASE("tokens that are over are secrets no more", "[tokens]") {
    TokenBench bench;
    const auto tokens = bench.process();
    for (int hour = 1; hour <= 20; ++hour) {
        (void)bench.key(tokens);
        bench.pass(61min);
    }
    CHECK(core::redact("token-20") == "***");
    CHECK(core::redact("[token-3]") == "[token-3]");
}
