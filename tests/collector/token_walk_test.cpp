// Walks whose key is a token that renews itself.
#include <boost/asio/co_spawn.hpp>

#include "collector/collector.hpp"
#include "core/telemetry.hpp"
#include "tests/collector/fakes.hpp"
#include "tests/collector/sources.hpp"
#include "tests/fakes/memory_token_store.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using namespace std::chrono_literals;
using test::respond;

namespace {

const std::string token_auth =
    "auth: {oauth2: {token_url: \"https://id.example.com/token\", client_id: me, client_secret: "
    "walk-secret}}\n";

/// A collector on virtual time with `count` offered slices, whose API takes one token at a time.
struct TokenWalkBench {
    boost::asio::io_context io;
    test::VirtualTime time;
    test::FakeFrontiers frontiers;
    test::FakeQuota quota{time};
    test::FakeCatalogue catalogue;
    test::ScriptedHttp http{time};
    test::MemoryTokenStore store{time};
    core::SeededRandom random{5};
    test::InlineOffload offload;
    core::CountingTelemetry telemetry;
    std::shared_ptr<const core::SourceFile> source;
    std::unique_ptr<Collector> collector;
    int given = 0;
    std::string good;  // the token that the API takes
    bool ended = false;

    explicit TokenWalkBench(int count = 1, const std::string& auth = token_auth) : source(test::source_paged("none", auth)) {
        http.answer = [this](const HttpRequest& request) { return answer(request); };
        const TokenPorts tokens{http, time, random, telemetry, &store};
        CollectorPorts ports{frontiers, quota, catalogue, http, time, random, offload, telemetry};
        CollectorOptions options;
        options.owner = "slot";
        collector = std::make_unique<Collector>(source, load_accounts(*source, {}, ""), ports,
                                                options, tokens_of(*source, "", tokens, {}));
        for (int i = 0; i < count; ++i) {
            auto slice = test::slice_of(source->streams[0]);
            slice.slice += i;
            auto& frontier = frontiers.frontiers[slice.slice];
            frontier.slice = slice;
            frontier.link = core::Link::random(random);
            frontier.waiting = true;
        }
    }
    HttpResult answer(const HttpRequest& request) {
        if (request.url.ends_with("/token")) {
            good = "walk-token-" + std::to_string(++given);
            return respond(200, R"({"access_token":")" + good + R"(","expires_in":3600})");
        }
        const bool known = test::header_sent(request, "authorization") == "Bearer " + good;
        return known ? respond(200, "[{\"id\": 1}]") : respond(401, "");
    }
    void start() {
        boost::asio::co_spawn(io, collector->run(), [this](std::exception_ptr failure) {
            ended = true;
            if (failure) std::rethrow_exception(failure);
        });
    }
    void stop() {
        collector->stop();
        time.run(io, [this] { return ended; });
    }
    void collect() {
        start();
        time.run(io, [this] {
            return frontiers.jobs.size() == frontiers.frontiers.size() && collector->walking() == 0;
        });
        stop();
    }
};

}  // namespace

TEST_CASE("a walk asks with a token, got once for all walks", "[collector][token_walk]") {
    TokenWalkBench bench(20);
    bench.collect();
    CHECK(bench.given == 1);
    CHECK(bench.frontiers.jobs.size() == 20);
    for (const auto& job : bench.frontiers.jobs) CHECK(job.outcome == core::Outcome::ok);
}

TEST_CASE("a token that the API refuses is renewed once for all walks, and costs no attempts",
          "[collector][token_walk]") {
    TokenWalkBench bench(20);
    bool revoked = false;
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        auto answer = bench.answer(request);
        if (!std::exchange(revoked, true)) bench.good = "another";
        return answer;
    };
    bench.collect();
    CHECK(bench.given == 2);
    CHECK(bench.frontiers.jobs.size() == 20);
    for (const auto& job : bench.frontiers.jobs) CHECK(job.outcome == core::Outcome::ok);
    for (const auto& [slice, frontier] : bench.frontiers.frontiers) CHECK(frontier.attempts == 0);
    CHECK(bench.quota.quarantined_keys.empty());
    CHECK(bench.telemetry.total(core::Metric::retries, "token") >= 1);
}

TEST_CASE("an API that refuses the renewed token too refuses the account",
          "[collector][token_walk]") {
    TokenWalkBench bench;
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        auto answer = bench.answer(request);
        bench.good = "another";
        return answer;
    };
    bench.start();
    bench.time.run(bench.io, [&] { return bench.collector->credentials_refused(); });
    bench.stop();
    CHECK(bench.given == 2);
    CHECK(bench.quota.quarantined_keys.contains("default"));
    CHECK(bench.frontiers.jobs.empty());
}

TEST_CASE("credentials that the token server refuses pause the source", "[collector][token_walk]") {
    TokenWalkBench bench;
    bench.http.answer = [](const HttpRequest&) -> HttpResult {
        return respond(401, R"({"error":"invalid_client"})");
    };
    bench.start();
    bench.time.run(bench.io, [&] { return bench.collector->credentials_refused(); });
    bench.stop();
    CHECK(bench.http.asked.size() == 1);
    CHECK(bench.quota.asked.empty());  // nothing was reserved
    CHECK(bench.quota.quarantined_keys.contains("default"));
}

TEST_CASE("while the token server is away walks wait, hold no quota, and lose no attempts",
          "[collector][token_walk]") {
    TokenWalkBench bench(3);
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        if (request.url.ends_with("/token") && bench.time.passed() < 20min)
            return HttpFailure{.kind = HttpFailure::Kind::unreachable, .reason = "no route"};
        return bench.answer(request);
    };
    bench.start();
    bench.time.run(bench.io, [&] { return bench.time.passed() > 15min; });
    CHECK(bench.quota.asked.empty());
    CHECK(bench.collector->waiting() == 3);
    bench.time.run(bench.io, [&] { return bench.frontiers.jobs.size() == 3; });
    bench.stop();
    for (const auto& job : bench.frontiers.jobs) CHECK(job.outcome == core::Outcome::ok);
    CHECK(bench.quota.asked.size() == 3);
}

TEST_CASE("a token that ends while a walk waits for quota is renewed before the request",
          "[collector][token_walk]") {
    TokenWalkBench bench;
    for (int i = 0; i < 3; ++i)
        bench.quota.waits.push_back({.retry_in = 30min, .reason = "core", .owner = "default"});
    bench.collect();
    CHECK(bench.given == 2);
    REQUIRE(bench.frontiers.jobs.size() == 1);
    CHECK(bench.frontiers.jobs[0].outcome == core::Outcome::ok);
    CHECK(bench.http.asked.size() == 3);
}

TEST_CASE("a token goes nowhere but to the source's own origin", "[collector][token_walk]") {
    TokenWalkBench bench;
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        if (request.url.ends_with("/token")) return bench.answer(request);
        auto moved = respond(302, "");
        moved.location = "https://elsewhere.example.com/things/1";
        return moved;
    };
    bench.collect();
    CHECK(bench.frontiers.jobs[0].outcome == core::Outcome::failed);
    for (const auto& request : bench.http.asked)
        CHECK(request.url.find("elsewhere") == std::string::npos);
}

TEST_CASE("a session is begun, its cookie goes with each request, and a new one is begun when it is refused", "[tokens]") {
    TokenWalkBench bench(1, "auth: {session: {url: \"https://id.example.com/login\", form: {user: me, password: walk-pass}, cookie: sid}}\n");
    int logins = 0;
    std::vector<std::string> cookies;
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        if (request.url.ends_with("/login")) {
            CHECK(request.body == "user=me&password=walk-pass");
            return respond(204, "", {{"Set-Cookie", "sid=walk-session-" + std::to_string(++logins) + "; HttpOnly"}});
        }
        cookies.push_back(test::header_sent(request, "cookie"));
        CHECK(test::header_sent(request, "authorization").empty());
        return logins > 1 ? respond(200, "[{\"id\": 1}]") : respond(401, "");  // the first has ended meanwhile
    };
    bench.collect();
    CHECK(logins == 2);
    CHECK(cookies == std::vector<std::string>{"sid=walk-session-1", "sid=walk-session-2"});
}
