#include <boost/asio/co_spawn.hpp>
#include <map>
#include <set>

#include "collector/collector.hpp"
#include "core/telemetry.hpp"
#include "tests/collector/fakes.hpp"
#include "tests/collector/packing.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using namespace std::chrono_literals;
using core::Outcome;
using test::account_of;
using test::respond;

namespace {

const std::string two_keys =
    "credentials: {from: {env: KEYS}, inject: {header: Authorization, value: \"Bearer {key}\"}}\n"
    "limits: [{name: core, rate: 100/m}]\n"
    "errors: [{status: 404, do: gone, confirm: 2}, {status: 5xx, do: retry, attempts: 3}]\n";

// A collector with one offered slice, on virtual time.
struct WalkBench {
    boost::asio::io_context io;
    test::VirtualTime time;
    test::FakeFrontiers frontiers;
    test::FakeQuota quota{time};
    test::FakeCatalogue catalogue;
    test::ScriptedHttp http{time};
    core::SeededRandom random{5};
    test::InlineOffload offload;
    core::CountingTelemetry telemetry;
    std::shared_ptr<const core::SourceFile> source;
    std::unique_ptr<Collector> collector;
    bool ended = false;

    explicit WalkBench(std::shared_ptr<const core::SourceFile> file, std::vector<Account> accounts = {})
        : source(file) {
        CollectorPorts ports{frontiers, quota, catalogue, http, time, random, offload, telemetry};
        CollectorOptions options;
        options.owner = "slot";
        collector = std::make_unique<Collector>(file, std::move(accounts), ports, options);
        offer(test::slice_of(file->streams[0]));
    }
    void offer(core::SliceDescriptor slice, std::int64_t seq = 0,
               std::optional<std::string> cursor = std::nullopt) {
        auto& frontier = frontiers.frontiers[slice.slice];
        frontier.slice = std::move(slice);
        frontier.link = core::Link::random(random);
        frontier.seq = seq;
        frontier.cursor = std::move(cursor);
        frontier.waiting = true;
    }
    void start() {
        boost::asio::co_spawn(io, collector->run(), [this](std::exception_ptr failure) {
            ended = true;
            if (failure) std::rethrow_exception(failure);
        });
    }
    // Collects until the slice is done, then stops.
    void collect() {
        start();
        time.run(io, [this] { return frontiers.frontiers[17].done && collector->walking() == 0; });
        stop();
    }
    void stop() {
        collector->stop();
        time.run(io, [this] { return ended; });
    }
    [[nodiscard]] const core::Job& job(std::size_t index) const { return frontiers.jobs.at(index); }
};

HttpResponse page(int number, int last) {
    Headers headers{{"date", "x"}};
    if (number < last)
        headers.emplace_back("link",
                             "</things/1?page=" + std::to_string(number + 1) + ">; rel=next");
    return respond(200, "[{\"id\": " + std::to_string(number) + "}]", headers);
}

// Answers /things/1 and ?page=n of `last` pages.
auto pages(int last) {
    return [last](const HttpRequest& request) -> HttpResult {
        const auto at = request.url.find("?page=");
        return page(at == std::string::npos ? 1 : std::stoi(request.url.substr(at + 6)), last);
    };
}

}  // namespace

TEST_CASE("a walk puts each page on the queue, chained to the one before", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}"));
    const auto genesis = bench.frontiers.frontiers[17].link;
    bench.http.answer = pages(3);
    bench.collect();
    REQUIRE(bench.frontiers.jobs.size() == 3);
    CHECK(bench.http.asked.size() == 3);
    CHECK(bench.job(0).previous == genesis);
    CHECK(bench.job(1).previous == bench.job(0).link);
    CHECK(bench.job(2).previous == bench.job(1).link);
    CHECK(bench.job(0).seq == 1);
    CHECK_FALSE(bench.job(0).cursor);
    CHECK(bench.job(0).next_cursor == bench.job(1).cursor);
    CHECK(bench.job(1).next_cursor == "https://api.example.com/things/1?page=3");
    CHECK(bench.job(2).last);
    CHECK_FALSE(bench.job(2).next_cursor);
    CHECK(bench.job(0).outcome == Outcome::ok);
    CHECK(core::decompress(bench.job(1).body, 1'000) == "[{\"id\": 2}]");
    CHECK(bench.job(1).body_hash == core::sha256_hex("[{\"id\": 2}]"));
    CHECK(bench.job(0).requested_at > 0);
    CHECK(bench.quota.settlements.size() == 3);
    CHECK_FALSE(bench.quota.settlements[0].release_room);
    CHECK(bench.telemetry.total(core::Metric::requests, "200") == 3);
}

TEST_CASE("a walk goes on from its frontier", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}"));
    bench.offer(test::slice_of(bench.source->streams[0]), 2,
                "https://api.example.com/things/1?page=3");
    bench.http.answer = pages(4);
    bench.collect();
    REQUIRE(bench.frontiers.jobs.size() == 2);
    CHECK(bench.job(0).seq == 3);
    CHECK(bench.http.asked.size() == 2);
}

TEST_CASE("a failing API is asked again until attempts are used up, then the slice says why",
          "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}", two_keys), {account_of("a", {"key-one"})});
    bench.http.answer = [](const HttpRequest&) -> HttpResult { return respond(500, ""); };
    bench.collect();
    CHECK(bench.http.asked.size() == 3);
    REQUIRE(bench.frontiers.jobs.size() == 1);
    CHECK(bench.job(0).outcome == Outcome::failed);
    CHECK(bench.job(0).last);
    CHECK(bench.job(0).body.empty());
    CHECK(bench.job(0).reason == "HTTP 500, 3 attempts");
    CHECK(bench.quota.settlements[0].release_room);
    CHECK_FALSE(bench.quota.settlements[2].release_room);
}

TEST_CASE("attempts survive the collector that made them", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}", two_keys), {account_of("a", {"key-one"})});
    bench.frontiers.frontiers[17].attempts = 2;
    bench.http.answer = [](const HttpRequest&) -> HttpResult { return respond(500, ""); };
    bench.collect();
    CHECK(bench.http.asked.size() == 1);
    CHECK(bench.job(0).outcome == Outcome::failed);
}

TEST_CASE("HTML, nothing, or half a document with status 200 is asked again", "[collector][walk]") {
    for (const std::string bad : {"<!DOCTYPE html><p>busy", "", "[{\"id\": 1}", "[1] x", "\xff"}) {
        WalkBench bench(test::source_paged("{type: link}"));
        int count = 0;
        bench.http.answer = [&](const HttpRequest&) -> HttpResult {
            return ++count == 1 ? respond(200, bad) : respond(200, "[{\"id\": 1}]");
        };
        bench.collect();
        REQUIRE(bench.frontiers.jobs.size() == 1);
        CHECK(bench.job(0).outcome == Outcome::ok);
        CHECK(bench.telemetry.total(core::Metric::retries, "body") == 1);
    }
}

TEST_CASE("what is confirmed gone ends the slice as gone", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}", two_keys), {account_of("a", {"key-one"})});
    bench.http.answer = [](const HttpRequest&) -> HttpResult { return respond(404, ""); };
    bench.collect();
    CHECK(bench.http.asked.size() == 2);
    CHECK(bench.job(0).outcome == Outcome::gone);
    CHECK(bench.job(0).status == 404);
}

TEST_CASE("a body beyond its bound ends the slice as too large", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}"));
    bench.http.answer = [](const HttpRequest&) -> HttpResult {
        return HttpFailure{
            .kind = HttpFailure::Kind::too_large, .reason = "more than 32 MiB", .sent = true};
    };
    bench.collect();
    CHECK(bench.job(0).outcome == Outcome::too_large);
}

TEST_CASE("a body that is too large when it is unpacked ends the walk as too_large, one that is cut is asked for again",
          "[collector][walk]") {
    const auto whole = test::gzipped("[{\"id\": 1}]");
    WalkBench bench(test::source_paged("none"));
    bench.http.answer = [&](const HttpRequest&) -> HttpResult {
        return respond(200, bench.http.asked.size() < 2 ? whole.substr(0, 15) : whole);
    };
    bench.collect();
    CHECK(bench.http.asked.size() == 2);
    REQUIRE(bench.frontiers.jobs.size() == 1);
    CHECK(bench.job(0).outcome == Outcome::ok);
    CHECK(core::decompress(bench.job(0).body, 1'000) == "[{\"id\": 1}]");

    WalkBench bomb(test::source_paged("none"));
    bomb.http.answer = [](const HttpRequest&) -> HttpResult { return respond(200, test::gzipped(std::string(33u << 20, ' '))); };
    bomb.collect();
    CHECK(bomb.http.asked.size() == 1);
    CHECK(bomb.job(0).outcome == Outcome::too_large);
    CHECK(bomb.job(0).reason == "HTTP 200, the body is larger than 33554432 bytes when it is unpacked");

    WalkBench several(test::source_paged("none"));
    several.http.answer = [](const HttpRequest&) -> HttpResult { return respond(200, test::zipped({{"a", ""}, {"b", ""}})); };
    several.collect();
    CHECK(several.http.asked.size() == 1);
    CHECK(several.job(0).outcome == Outcome::failed);
    CHECK(several.job(0).reason == "HTTP 200, the zip of the body holds 2 files, where one is expected: a, b");
}

TEST_CASE("next links that run in a circle end the slice as stuck", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}"));
    bench.http.answer = [](const HttpRequest& request) -> HttpResult {
        const bool second = request.url.ends_with("?page=2");
        return respond(
            200, "[1]",
            {{"link", second ? "</things/1?page=3>; rel=next" : "</things/1?page=2>; rel=next"}});
    };
    bench.collect();
    CHECK(bench.http.asked.size() == 3);
    REQUIRE(bench.frontiers.jobs.size() == 4);
    CHECK(bench.job(2).outcome == Outcome::ok);
    CHECK(bench.job(3).outcome == Outcome::stuck);
    CHECK(bench.job(3).last);
}

TEST_CASE("a numbered list that repeats its page ends as stuck", "[collector][walk]") {
    WalkBench bench(test::source_paged("{page: {param: page}}"));
    bench.http.answer = [](const HttpRequest&) -> HttpResult {
        return respond(200, "[{\"id\": 1}]");
    };
    bench.collect();
    CHECK(bench.http.asked.size() == 4);
    CHECK(bench.frontiers.jobs.back().outcome == Outcome::stuck);
    CHECK(bench.frontiers.jobs.back().reason == "4 pages in a row are the same");
}

TEST_CASE("endless next links end at max_pages", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link, max_pages: 5, on_max: truncated}"));
    bench.http.answer = pages(1'000);
    bench.collect();
    CHECK(bench.http.asked.size() == 5);
    REQUIRE(bench.frontiers.jobs.size() == 6);
    CHECK(bench.job(5).outcome == Outcome::truncated);
    CHECK(bench.job(5).seq == 6);
}

TEST_CASE("a next link to another host is told, and never asked", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}"));
    bench.http.answer = [](const HttpRequest&) -> HttpResult {
        return respond(200, "[1]", {{"link", "<https://evil.example.com/x>; rel=next"}});
    };
    bench.collect();
    CHECK(bench.http.asked.size() == 1);
    REQUIRE(bench.frontiers.jobs.size() == 2);
    CHECK(bench.job(0).outcome == Outcome::ok);
    CHECK(bench.job(1).outcome == Outcome::failed);
    CHECK(bench.job(1).reason.find("evil.example.com") != std::string::npos);
}

TEST_CASE("leases are renewed in time, however long anything else takes", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}"));
    bench.http.answer = pages(1);
    bench.quota.opens_at = 20min;
    bench.quota.weights_take = 5min;
    bench.collect();
    const auto waited = bench.quota.opens_at - bench.quota.weights_take;  // the walk begins after the first look
    CHECK(bench.frontiers.renewed.size() + 2 >= static_cast<std::size_t>(waited / (CollectorOptions().lease / 3)));
    CHECK(bench.http.asked.size() == 1);
}

TEST_CASE("a page is held, not asked again, while the queue is full", "[collector][walk]") {
    WalkBench bench(test::source_paged("none"));
    bench.frontiers.full_answers = 20;
    bench.http.answer = pages(1);
    bench.collect();
    CHECK(bench.http.asked.size() == 1);
    CHECK(bench.frontiers.jobs.size() == 1);
    CHECK(bench.telemetry.total(core::Metric::advances, "full") == 20);
    CHECK_FALSE(bench.frontiers.renewed.empty());
}

TEST_CASE("a lost reply to an append makes no second page", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}"));
    bench.frontiers.lost_replies = 1;
    bench.http.answer = pages(2);
    bench.collect();
    CHECK(bench.http.asked.size() == 2);
    CHECK(bench.frontiers.jobs.size() == 2);
    CHECK(bench.telemetry.total(core::Metric::advances, "duplicate") == 1);
}

TEST_CASE("a page in hand outlives a restart of Redis", "[collector][walk]") {
    WalkBench bench(test::source_paged("none"));
    bench.http.answer = pages(1);
    bench.http.meanwhile = [&] { bench.frontiers.down = bench.quota.down = true; };
    bench.start();
    bench.time.run(bench.io, [&] { return bench.time.passed() > 60s; });
    CHECK(bench.frontiers.jobs.empty());
    bench.frontiers.down = bench.quota.down = false;
    bench.time.run(bench.io, [&] { return bench.frontiers.frontiers[17].done; });
    CHECK(bench.http.asked.size() == 1);
    bench.stop();
}

TEST_CASE("without Redis nothing is asked", "[collector][walk]") {
    WalkBench bench(test::source_paged("none"));
    bench.http.answer = pages(1);
    bench.quota.down = true;
    bench.start();
    bench.time.run(bench.io, [&] { return bench.time.passed() > 60s; });
    CHECK(bench.http.asked.empty());
    bench.quota.down = false;
    bench.time.run(bench.io, [&] { return bench.frontiers.frontiers[17].done; });
    bench.stop();
}

TEST_CASE("a page whose slice another collector took is fenced and dropped", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}"));
    bench.http.answer = pages(3);
    bench.http.meanwhile = [&] {
        bench.frontiers.frontiers[17].nonce = core::Nonce::random(bench.random);
    };
    bench.start();
    bench.time.run(bench.io,
                   [&] { return !bench.http.asked.empty() && bench.collector->walking() == 0; });
    CHECK(bench.frontiers.jobs.empty());
    CHECK(bench.telemetry.total(core::Metric::advances, "fenced") == 1);
    CHECK(bench.frontiers.released.empty());
    bench.stop();
}

TEST_CASE("a refused key is asked once more, then used no more, and another account asks", "[collector][walk]") {
    WalkBench bench(test::source_paged("none", two_keys), {account_of("a", {"key-one"}), account_of("b", {"key-two"})});
    std::string refused;
    std::vector<core::Micros> times;
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        const auto key = test::header_sent(request, "authorization");
        if (refused.empty()) refused = key;
        times.push_back(bench.time.passed());
        return key == refused ? respond(401, "") : respond(200, "[{\"id\": 1}]");
    };
    bench.collect();
    REQUIRE(bench.http.asked.size() == 3);
    CHECK(times[1] - times[0] >= 1s);
    REQUIRE(bench.quota.quarantined_keys.size() == 1);
    const auto key = bench.quota.quarantined_keys.begin()->first;
    CHECK(key == (refused == "Bearer key-one" ? "a/key-one" : "b/key-two"));
    CHECK(bench.job(0).outcome == Outcome::ok);
    CHECK_FALSE(bench.collector->credentials_refused());
}

TEST_CASE("an API that stumbles over a good key costs nobody the key", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}", two_keys), {account_of("a", {"key-one"})});
    int asked = 0;
    const auto answer = pages(4);
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        return ++asked % 2 == 1 ? respond(401, "") : answer(request);
    };
    bench.collect();
    CHECK(bench.frontiers.jobs.size() == 4);
    CHECK(bench.quota.quarantined_keys.empty());
    CHECK(bench.frontiers.frontiers[17].attempts == 0);
}

TEST_CASE("of two keys of an account the refused one goes, the other stays", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}", two_keys), {account_of("a", {"bad", "good"})});
    const auto answer = pages(4);
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        return test::header_sent(request, "authorization") == "Bearer bad" ? respond(401, "") : answer(request);
    };
    bench.collect();
    CHECK(bench.frontiers.jobs.size() == 4);
    CHECK(bench.quota.quarantined_keys == std::map<std::string, std::string>{{"a/bad", "HTTP 401"}});
}

TEST_CASE("keys that come while a walk waits for one are used at once", "[collector][walk]") {
    WalkBench bench(test::source_paged("none", two_keys), {account_of("a", {"old"})});
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        return test::header_sent(request, "authorization") == "Bearer old" ? respond(401, "")
                                                                           : respond(200, "[{\"id\": 1}]");
    };
    bench.start();
    bench.time.run(bench.io, [&] { return bench.time.passed() > 100s; });
    CHECK(bench.collector->credentials_refused());
    bench.collector->replace_keys({account_of("a", {"new"})});
    bench.time.run(bench.io, [&] { return bench.frontiers.frontiers[17].done; });
    CHECK_FALSE(bench.collector->credentials_refused());
    CHECK(bench.time.passed() < 110s);
    bench.stop();
}

TEST_CASE("a stream that needs a scope is asked with a key that has it", "[collector][walk]") {
    const auto source = test::source_of(
        "source: test\nbase_url: https://api.example.com\n"
        "credentials: {from: {env: KEYS}}\n"
        "streams:\n"
        "  item: {foreach: {list: [1], as: id}, path: \"/things/{id}\", paginate: {type: link}, scopes: [\"read:org\"], key: id}\n");
    WalkBench bench(source, {account_of("a", {"plain"}), account_of("b", {"able"}, {"repo", "read:org"})});
    bench.http.answer = pages(5);
    bench.collect();
    REQUIRE(bench.http.asked.size() == 5);
    for (const auto& request : bench.http.asked) CHECK(test::header_sent(request, "authorization") == "Bearer able");
}

TEST_CASE("the API is asked once whose key it is, and keys of one account share a budget", "[collector][walk]") {
    const auto source = test::source_of(
        "source: test\nbase_url: https://api.example.com\n"
        "credentials: {from: {env: KEYS}, owner: {path: /user, select: $.login}}\n"
        "limits: [{name: core, rate: 100/m}]\n"
        "streams:\n"
        "  item: {foreach: {list: [1], as: id}, path: \"/things/{id}\", paginate: {type: link}, key: id}\n");
    auto accounts = std::vector{account_of("key1", {"one"}), account_of("key2", {"two"}), account_of("eve", {"three"})};
    for (std::size_t i = 0; i < 2; ++i) accounts[i].keys[0].owner_told = false;
    WalkBench bench(source, accounts);
    int questions = 0;
    const auto answer = pages(6);
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        if (!request.url.ends_with("/user")) return answer(request);
        ++questions;
        return respond(200, "{\"login\": \"Ann Lee\"}");
    };
    bench.collect();
    CHECK(questions == 2);
    CHECK(bench.quota.known_owners == std::map<std::string, std::string>{{"one", "Ann_Lee"}, {"two", "Ann_Lee"}});
    std::set<std::string> owners;
    for (std::size_t i = 2; i < bench.quota.asked.size(); ++i)
        for (const auto& payer : bench.quota.asked[i]) owners.insert(payer.owner);
    CHECK(owners == std::set<std::string>{"Ann_Lee", "eve"});
}

TEST_CASE("an ETag that is good for one account only is sent with that account", "[collector][walk]") {
    const auto source = test::source_paged("none", two_keys + "defaults: {conditional: etag_per_owner}\n");
    const auto accounts = std::vector{account_of("a", {"key-one"}), account_of("b", {"key-two"}), account_of("c", {"key-three"})};
    std::string key_of_b;
    {
        WalkBench first(source, {accounts[1]});
        first.http.answer = [&](const HttpRequest&) -> HttpResult {
            return respond(200, "[{\"id\": 1}]", {{"etag", "\"v1\""}});
        };
        first.collect();
        key_of_b = first.job(0).validator_key;
        CHECK(first.job(0).etag == "\"v1\"");
    }
    WalkBench again(source, accounts);
    auto slice = test::slice_of(source->streams[0]);
    slice.revisit = true;
    again.offer(slice);
    storage::Validator validator;
    validator.key = key_of_b;
    validator.etag = "\"v1\"";
    validator.page_id = 7;
    validator.last = true;
    again.catalogue.known_validators.push_back(validator);
    again.http.answer = [&](const HttpRequest& request) -> HttpResult {
        return test::header_sent(request, "if-none-match").empty() ? respond(200, "[{\"id\": 1}]") : respond(304, "");
    };
    again.collect();
    REQUIRE(again.http.asked.size() == 1);
    CHECK(test::header_sent(again.http.asked[0], "authorization") == "Bearer key-two");
    CHECK(again.job(0).outcome == Outcome::not_modified);
}

TEST_CASE("when every account is refused the source pauses, until one is allowed again",
          "[collector][walk]") {
    WalkBench bench(test::source_paged("none", two_keys), {account_of("a", {"key-one"})});
    bool allowed = false;
    bench.http.answer = [&](const HttpRequest&) -> HttpResult {
        return allowed ? respond(200, "[{\"id\": 1}]") : respond(401, "");
    };
    bench.start();
    bench.time.run(bench.io, [&] { return bench.time.passed() > 100s; });
    CHECK(bench.collector->credentials_refused());
    CHECK(bench.http.asked.size() == 2);
    CHECK(bench.frontiers.frontiers[17].waiting);
    allowed = true;
    bench.quota.quarantined_keys.clear();
    bench.time.run(bench.io, [&] { return bench.frontiers.frontiers[17].done; });
    bench.stop();
}

TEST_CASE("a start and a reload try refused keys once again", "[collector][walk]") {
    WalkBench bench(test::source_paged("none", two_keys), {account_of("a", {"key-one"})});
    bench.quota.quarantined_keys = {{"a/key-one", ""}, {"someone else", ""}};  // by an earlier process
    bench.http.answer = [&](const HttpRequest&) -> HttpResult { return respond(401, ""); };
    bench.start();
    bench.time.run(bench.io, [&] { return bench.time.passed() > 100s; });
    CHECK(bench.http.asked.size() == 2);
    CHECK(bench.collector->credentials_refused());
    CHECK(bench.quota.quarantined_keys.contains("a/key-one"));
    bench.http.answer = [&](const HttpRequest&) -> HttpResult {
        return respond(200, "[{\"id\": 1}]");
    };
    bench.collector->reload(bench.source, {account_of("a", {"key-one"})});
    bench.time.run(bench.io, [&] { return bench.frontiers.frontiers[17].done; });
    CHECK(bench.http.asked.size() == 3);
    CHECK(bench.quota.quarantined_keys == std::map<std::string, std::string>{{"someone else", ""}});
    bench.stop();
}

TEST_CASE("a window that opens is not stormed, and live work goes first", "[collector][walk]") {
    WalkBench bench(test::source_paged("none", "limits: [{name: core, per: source, rate: 100/m}]\n"));
    bench.frontiers.frontiers.clear();
    for (core::SliceId id = 1; id <= 60; ++id) {
        auto slice = test::slice_of(bench.source->streams[0], "{\"id\": " + std::to_string(id) + "}");
        slice.slice = id;
        slice.slice_class = id > 50 ? core::SliceClass::live : core::SliceClass::backfill;
        bench.offer(slice);
    }
    bench.http.answer = [](const HttpRequest&) -> HttpResult { return respond(200, "[{\"id\": 1}]"); };
    bench.quota.opens_at = 60s;
    bench.start();
    bench.time.run(bench.io, [&] { return bench.frontiers.jobs.size() == 60; });
    bench.stop();
    const auto askers = static_cast<int>(Turnstile::askers_max);
    CHECK(bench.quota.reserve_calls <= 60 + 2 * askers);  // once before it opened, each; then every one is granted
    int early = 0;
    for (std::size_t i = 0; i < 16; ++i) early += bench.job(i).slice > 50 ? 1 : 0;
    CHECK(early == 10);
}

TEST_CASE("what a request really cost is settled, and the next one reserves as much", "[collector][walk]") {
    const auto source = test::source_of(
        "source: test\nbase_url: https://api.example.com\n"
        "limits: [{name: points, per: source, rate: 1000/h, cost: {from: $.cost.used, estimate: 5}}]\n"
        "streams:\n"
        "  item: {foreach: {list: [1], as: id}, path: \"/things/{id}\", paginate: {type: link}, records: \"$.items[*]\", key: id}\n");
    WalkBench bench(source);
    bench.http.answer = [&](const HttpRequest& request) -> HttpResult {
        const bool last = request.url.ends_with("page=2");
        return respond(200, "{\"items\": [{\"id\": 1}], \"cost\": {\"used\": 12}}",
                       last ? Headers{} : Headers{{"link", "</things/1?page=2>; rel=next"}});
    };
    bench.collect();
    REQUIRE(bench.quota.asked.size() == 2);
    CHECK(bench.quota.asked[0][0].limits[0].cost == 5);
    CHECK(bench.quota.asked[1][0].limits[0].cost == 12);
    REQUIRE(bench.quota.settlements[0].feedback.size() == 1);
    CHECK(bench.quota.settlements[0].feedback[0].cost == 12);
    CHECK(bench.quota.settlements[0].stream == "item");
    CHECK(bench.quota.settlements[0].signal == queue::Signal::clean);
}

TEST_CASE("a refusal by the API blocks the account and uses up no attempts", "[collector][walk]") {
    WalkBench bench(test::source_paged("none", two_keys), {account_of("a", {"key-one"})});
    int count = 0;
    bench.http.answer = [&](const HttpRequest&) -> HttpResult {
        return ++count <= 5 ? respond(429, "", {{"retry-after", "30"}})
                            : respond(200, "[{\"id\": 1}]");
    };
    bench.collect();
    CHECK(bench.job(0).outcome == Outcome::ok);
    REQUIRE(bench.quota.settlements.size() == 11);  // each refusal is settled, and blocks
    CHECK(bench.quota.settlements[1].block == 30s);
    CHECK(bench.quota.settlements[1].limits.size() == 1);
    CHECK(bench.frontiers.frontiers[17].attempts == 0);
    CHECK(bench.telemetry.total(core::Metric::rate_limited) == 5);
}

TEST_CASE("without limits a walk itself waits as long as the API says", "[collector][walk]") {
    WalkBench bench(test::source_paged("none"));
    int count = 0;
    bench.http.answer = [&](const HttpRequest&) -> HttpResult {
        return ++count == 1 ? respond(429, "", {{"retry-after", "30"}})
                            : respond(200, "[{\"id\": 1}]");
    };
    bench.collect();
    CHECK(bench.time.passed() >= 30s);
}

TEST_CASE("a redirect at the same origin is followed, and each hop pays", "[collector][walk]") {
    WalkBench bench(test::source_paged("none"));
    bench.http.answer = [](const HttpRequest& request) -> HttpResult {
        if (request.url.find("/moved/") != std::string::npos) return respond(200, "[{\"id\": 1}]");
        auto response = respond(301, "");
        response.location = "https://api.example.com/moved/1";
        return response;
    };
    bench.collect();
    CHECK(bench.quota.asked.size() == 2);
    CHECK(bench.job(0).outcome == Outcome::ok);
    CHECK(bench.job(0).url == "https://api.example.com/moved/1");
}

TEST_CASE("redirects in a circle, or to another host, fail the slice", "[collector][walk]") {
    for (const std::string target :
         {"https://api.example.com/things/1", "https://evil.example.com/"}) {
        WalkBench bench(test::source_paged("none"));
        bench.http.answer = [&](const HttpRequest&) -> HttpResult {
            auto response = respond(302, "");
            response.location = target;
            return response;
        };
        bench.collect();
        CHECK(bench.http.asked.size() <= 6);
        CHECK(bench.job(0).outcome == Outcome::failed);
        for (const auto& request : bench.http.asked)
            CHECK(request.url.find("evil") == std::string::npos);
    }
}

TEST_CASE("a page that did not change is confirmed", "[collector][walk]") {
    const auto source = test::source_paged("none\n    conditional: etag");
    for (const bool postgres_is_down : {false, true}) {
        WalkBench bench(source);
        auto slice = test::slice_of(source->streams[0]);
        slice.revisit = true;
        bench.offer(slice);
        storage::Validator validator;
        validator.key = core::sha256_hex("https://api.example.com/things/1?per_page=2\n");
        validator.etag = "\"v1\"";
        validator.page_id = 99;
        validator.last = true;
        bench.catalogue.known_validators = {validator};
        bench.catalogue.down = postgres_is_down;
        bench.http.answer = [](const HttpRequest& request) -> HttpResult {
            if (test::header_sent(request, "if-none-match") == "\"v1\"") return respond(304, "");
            return respond(200, "[{\"id\": 1}]", {{"etag", "\"v2\""}});
        };
        bench.collect();
        REQUIRE(bench.frontiers.jobs.size() == 1);
        CHECK(bench.job(0).last);
        CHECK(bench.job(0).validator_key == validator.key);
        CHECK(bench.job(0).outcome == (postgres_is_down ? Outcome::ok : Outcome::not_modified));
        CHECK(bench.job(0).confirms == (postgres_is_down ? 0 : 99));
        CHECK(bench.job(0).etag == (postgres_is_down ? "\"v2\"" : "\"v1\""));
    }
}

TEST_CASE("slices planned with another request are left alone", "[collector][walk]") {
    WalkBench bench(test::source_paged("none"));
    bench.frontiers.frontiers[17].slice.request_hash = "other";
    bench.http.answer = pages(1);
    bench.start();
    bench.time.run(bench.io, [&] { return bench.time.passed() > 5s; });
    CHECK(bench.http.asked.empty());
    CHECK(bench.frontiers.released.size() > 1);
    CHECK(bench.frontiers.released.size() < 100);  // not in a hot loop
    bench.stop();
}

TEST_CASE("a stop finishes the page in hand and hands the slice back", "[collector][walk]") {
    WalkBench bench(test::source_paged("{type: link}"));
    bench.http.answer = pages(1'000);
    bench.http.meanwhile = [&] {
        if (bench.http.asked.size() == 3) bench.collector->stop();
    };
    bench.start();
    bench.time.run(bench.io, [&] { return bench.ended; });
    CHECK(bench.frontiers.jobs.size() == 3);
    CHECK(bench.frontiers.frontiers[17].waiting);
    CHECK(bench.time.passed() < 5s);
}

TEST_CASE("a stop does not wait longer than it may", "[collector][walk]") {
    WalkBench bench(test::source_paged("none"));
    bench.http.answer = pages(1);
    bench.http.latency = 10min;
    bench.start();
    bench.time.run(bench.io, [&] { return !bench.http.asked.empty(); });
    bench.stop();
    CHECK(bench.time.passed() < 35s);
    CHECK(bench.frontiers.frontiers[17].waiting);
}

TEST_CASE("a walk that waits for quota keeps its lease and notices a stop", "[collector][walk]") {
    WalkBench bench(test::source_paged("none"));
    for (int i = 0; i < 100; ++i)
        bench.quota.waits.push_back({.retry_in = 1h, .reason = "core", .owner = "a"});
    bench.start();
    bench.time.run(bench.io, [&] { return bench.time.passed() > 20min; });
    CHECK(bench.collector->waiting() == 1);
    CHECK(bench.frontiers.renewed.size() > 100);
    bench.stop();
    CHECK(bench.collector->waiting() == 0);
    CHECK(bench.frontiers.frontiers[17].waiting);
}

TEST_CASE("a slice is dropped when its lease turns out to be lost", "[collector][walk]") {
    WalkBench bench(test::source_paged("none"));
    for (int i = 0; i < 100; ++i)
        bench.quota.waits.push_back({.retry_in = 1h, .reason = "core", .owner = "a"});
    bench.start();
    bench.time.run(bench.io, [&] { return bench.collector->walking() == 1; });
    bench.frontiers.stolen.insert(17);
    bench.time.run(bench.io, [&] { return bench.collector->walking() == 0; });
    CHECK(bench.time.passed() < 15s);
    CHECK(bench.frontiers.released.empty());
    CHECK(bench.http.asked.empty());
    bench.stop();
}
