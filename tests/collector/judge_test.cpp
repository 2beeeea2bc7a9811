#include "collector/judge.hpp"

#include "collector/feedback.hpp"
#include "core/http_date.hpp"
#include "tests/collector/fakes.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using namespace std::chrono_literals;
using test::respond;

namespace {

const std::string github =
    "credentials: {from: {env: KEYS}, inject: {header: Authorization, value: \"Bearer {key}\"}}\n"
    "limits:\n"
    "  - {name: core, match: \"/**\", per: owner, rate: 5000/h}\n"
    "  - {name: burst, match: \"/**\", per: owner, rate: 800/m}\n"
    "feedback:\n"
    "  limit: x-ratelimit-limit\n"
    "  remaining: x-ratelimit-remaining\n"
    "  reset: {header: x-ratelimit-reset, format: epoch}\n"
    "  retry_after: retry-after\n"
    "errors:\n"
    "  - {status: 401, body: \"Bad credentials\", do: quarantine_key}\n"
    "  - {status: [403, 429], header: retry-after, do: rate_limited}\n"
    "  - {status: [403, 429], header: {x-ratelimit-remaining: \"0\"}, do: rate_limited}\n"
    "  - {status: [403, 429], body: \"secondary rate limit\", do: rate_limited, wait: 60s..15m}\n"
    "  - {status: 404, do: gone, confirm: 2}\n"
    "  - {status: [204, 409], do: empty}\n"
    "  - {status: 422, body: \"pagination is limited\", do: truncated}\n"
    "  - {status: 5xx, do: retry, attempts: 3, wait: 2s..10m}\n";

Judgement judge_one(const HttpResult& result, const Exchange& exchange = {}) {
    static const auto source = test::source_paged("none", github);
    core::SeededRandom random(1);
    return judge(*source, result, exchange, random);
}

HttpFailure failure(HttpFailure::Kind kind) {
    return {.kind = kind, .reason = "why", .sent = true};
}

}  // namespace

TEST_CASE("a response of status 200 is a page", "[collector][judge]") {
    CHECK(judge_one(respond(200, "{}")).kind == Judgement::Kind::page);
}

TEST_CASE("the first rule that matches wins", "[collector][judge]") {
    Exchange keyed;
    keyed.with_credentials = true;
    CHECK(judge_one(respond(401, "{\"message\": \"bad CREDENTIALS\"}"), keyed).kind ==
          Judgement::Kind::quarantine_key);
    CHECK(judge_one(respond(401, "Bad credentials")).ending.outcome == core::Outcome::failed);
    CHECK(judge_one(respond(409, "")).ending.outcome == core::Outcome::empty);
    CHECK(judge_one(respond(422, "In order ... Pagination is limited for this resource"))
              .ending.outcome == core::Outcome::truncated);
    CHECK(judge_one(respond(422, "no")).ending.outcome == core::Outcome::failed);
    CHECK(judge_one(respond(410, "")).ending.outcome == core::Outcome::gone);  // by the defaults
}

TEST_CASE("a cursor that expired ends the walk, to be done again; a first page has none", "[collector][judge]") {
    Exchange later;
    later.continues = true;
    const auto expired = judge_one(respond(410, ""), later);  // by the defaults
    CHECK(expired.ending.outcome == core::Outcome::truncated);
    CHECK(expired.ending.rewalk);
    const auto told = test::source_paged("none", "errors: [{status: 400, body: cursor, do: cursor_expired}]\n");
    core::SeededRandom random(1);
    CHECK(judge(*told, respond(400, "Cursor is not valid any more"), later, random).ending.rewalk);
    const auto first = judge(*told, respond(400, "cursor"), {}, random);
    CHECK(first.ending.outcome == core::Outcome::failed);
    CHECK_FALSE(first.ending.rewalk);
    const auto asked_for = test::source_paged("none", "errors: [{status: 410, do: gone}]\n");
    CHECK(judge(*asked_for, respond(410, ""), later, random).ending.outcome == core::Outcome::gone);
}

TEST_CASE("what is gone is asked again until it is confirmed", "[collector][judge]") {
    Exchange exchange;
    CHECK(judge_one(respond(404, ""), exchange).kind == Judgement::Kind::again);
    exchange.sightings = 1;
    const auto second = judge_one(respond(404, ""), exchange);
    CHECK(second.kind == Judgement::Kind::ending);
    CHECK(second.ending.outcome == core::Outcome::gone);
}

TEST_CASE("failures wait longer each time, and end when attempts are used up",
          "[collector][judge]") {
    Exchange exchange;
    const auto first = judge_one(respond(503, ""), exchange);
    CHECK(first.kind == Judgement::Kind::again);
    CHECK(first.label == "status_503");
    CHECK(first.wait >= 2s);
    CHECK(first.wait <= 4s);
    exchange.attempts = 1;
    CHECK(judge_one(respond(500, ""), exchange).wait <= 8s);
    exchange.attempts = 2;
    const auto third = judge_one(respond(500, ""), exchange);
    CHECK(third.kind == Judgement::Kind::ending);
    CHECK(third.ending.outcome == core::Outcome::failed);
    CHECK(third.ending.reason == "HTTP 500, 3 attempts");
}

TEST_CASE("a backoff never leaves its bounds", "[collector][judge]") {
    const auto source = test::source_paged(
        "none", "errors: [{status: 5xx, do: retry, attempts: 99, wait: 2s..10m}]\n");
    core::SeededRandom random(3);
    core::Micros longest{0};
    for (int i = 0; i < 2'000; ++i) {
        Exchange exchange;
        exchange.attempts = i % 90;
        const auto wait = judge(*source, respond(500, ""), exchange, random).wait;
        REQUIRE(wait >= 2s);
        REQUIRE(wait <= 10min);
        longest = std::max(longest, wait);
    }
    CHECK(longest > 9min);
}

TEST_CASE("the network's failures count like status 500", "[collector][judge]") {
    for (const auto kind :
         {HttpFailure::Kind::unreachable, HttpFailure::Kind::timeout, HttpFailure::Kind::tls,
          HttpFailure::Kind::truncated, HttpFailure::Kind::protocol}) {
        CHECK(judge_one(failure(kind)).kind == Judgement::Kind::again);
        Exchange last;
        last.attempts = 2;
        CHECK(judge_one(failure(kind), last).ending.outcome == core::Outcome::failed);
    }
    CHECK(judge_one(failure(HttpFailure::Kind::too_large)).ending.outcome ==
          core::Outcome::too_large);
    CHECK(judge_one(failure(HttpFailure::Kind::refused_target)).ending.outcome ==
          core::Outcome::failed);
}

TEST_CASE("a refusal waits as long as the API says", "[collector][judge]") {
    const std::string date = "Tue, 19 Jul 2022 04:39:16 GMT";
    const auto wait_of = [](int status, std::string body, Headers headers) {
        const auto judgement = judge_one(respond(status, std::move(body), std::move(headers)));
        REQUIRE(judgement.kind == Judgement::Kind::rate_limited);
        return judgement.wait;
    };
    CHECK(wait_of(403, "", {{"retry-after", "7"}}) == 7s);
    CHECK(wait_of(429, "", {{"retry-after", "Tue, 19 Jul 2022 04:40:16 GMT"}, {"date", date}}) ==
          60s);
    CHECK(wait_of(429, "", {{"retry-after", "99999999"}}) == 1h);  // capped
    CHECK(wait_of(403, "",
                  {{"x-ratelimit-remaining", "0"},
                   {"x-ratelimit-reset", "1658205586"},
                   {"date", date}}) == 31s);
    const auto secondary = wait_of(403, "You have exceeded a secondary rate limit", {});
    CHECK(secondary >= 60s);
    CHECK(secondary <= 120s);
    CHECK(judge_one(respond(403, "Forbidden")).kind == Judgement::Kind::ending);
}

TEST_CASE("304 counts only where it was asked for", "[collector][judge]") {
    CHECK(judge_one(respond(304, "")).kind == Judgement::Kind::again);
    Exchange exchange;
    exchange.validator_sent = true;
    CHECK(judge_one(respond(304, ""), exchange).kind == Judgement::Kind::not_modified);
}

TEST_CASE("redirects are followed, and 202 is asked again", "[collector][judge]") {
    for (const int status : {301, 302, 307, 308})
        CHECK(judge_one(respond(status, "")).kind == Judgement::Kind::redirect);
    CHECK(judge_one(respond(303, "")).kind == Judgement::Kind::ending);
    CHECK(judge_one(respond(202, "{}")).kind == Judgement::Kind::again);
}

TEST_CASE("HTTP dates are read in their three forms", "[collector][date]") {
    CHECK(core::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
    CHECK(core::parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT") == 784111777);
    CHECK(core::parse_http_date("Sun Nov  6 08:49:37 1994") == 784111777);
    for (const char* bad : {"", "0", "Sun, 06 Nov 1994", "Sun, 31 Feb 1994 08:49:37 GMT",
                            "Sun, 06 Nov 1994 25:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 CET"})
        CHECK_FALSE(core::parse_http_date(bad));
}

namespace {

std::optional<std::int64_t> reset_of(const std::string& format, const std::string& value,
                                     std::int64_t redis_now, const std::string& date = "") {
    const auto source =
        test::source_paged("none",
                           "limits: [{name: core, rate: 60/m}]\n"
                           "feedback: {remaining: left, reset: {header: reset, format: " +
                               format + "}}\n");
    Headers headers{{"left", "5"}, {"reset", value}};
    if (!date.empty()) headers.emplace_back("date", date);
    queue::LimitAsk ask;
    ask.name = "core";
    ask.owner = "alice";
    const auto told =
        read_feedback(*source, respond(200, "", headers), {ask}, redis_now * 1'000'000);
    REQUIRE(told.size() == 1);
    CHECK(told[0].owner == "alice");
    CHECK(told[0].remaining == 5);
    return told[0].reset_at_us;
}

}  // namespace

TEST_CASE("a reset is read in its four formats", "[collector][feedback]") {
    CHECK(reset_of("epoch", "1658205586", 1658205556) == 1658205586'000000);
    CHECK(reset_of("epoch", "1658205586250", 1658205556) == 1658205586'250000);  // milliseconds
    CHECK(reset_of("delta", "30.5", 1658205556) == 1658205586'500000);
    CHECK(reset_of("iso8601", "2022-07-19T04:39:46Z", 1658205556) == 1658205586'000000);
    CHECK(reset_of("http_date", "\"Tue, 19 Jul 2022 04:39:46 GMT\"", 1658205556) == std::nullopt);
    CHECK(reset_of("http_date", "Tue, 19 Jul 2022 04:39:46 GMT", 1658205556) == 1658205586'000000);
    CHECK(reset_of("epoch", "soon", 1658205556) == std::nullopt);
}

TEST_CASE("a reset is put on the clock of Redis by the response's date", "[collector][feedback]") {
    const std::string date = "Tue, 19 Jul 2022 04:39:16 GMT";  // 1658205556
    CHECK(reset_of("epoch", "1658205586", 1658205558, date) ==
          1658205586'000000);  // the cut of seconds
    CHECK(reset_of("epoch", "1658205586", 1658209156, date) ==
          1658209186'000000);  // Redis is an hour ahead
    CHECK(reset_of("delta", "30", 1658209156, date) == 1658209186'000000);
}

TEST_CASE("the header that names a bucket picks the limit", "[collector][feedback]") {
    const auto source = test::source_paged(
        "none",
        "limits: [{name: core, rate: 5000/h}, {name: search, rate: 30/m, match: \"/search/**\"}]\n"
        "feedback: {remaining: left, reset: {header: reset, format: delta}, resource: {header: "
        "bucket, c: core, s: search}}\n");
    queue::LimitAsk core_ask, search_ask;
    core_ask.name = "core";
    search_ask.name = "search";
    const auto told = [&](const std::string& bucket) {
        const Headers headers{{"left", "5"}, {"reset", "9"}, {"bucket", bucket}};
        const auto feedback =
            read_feedback(*source, respond(200, "", headers), {core_ask, search_ask}, 0);
        return feedback.empty() ? std::string("none") : feedback[0].name;
    };
    CHECK(told("s") == "search");
    CHECK(told("c") == "core");
    CHECK(told("graphql") == "none");
}

TEST_CASE("without a bucket's name the counters are of the longest period",
          "[collector][feedback]") {
    const auto source = test::source_paged("none", github);
    CHECK(is_told(*source, source->limits[0]));
    CHECK_FALSE(is_told(*source, source->limits[1]));
}
