#include "collector/forecast.hpp"

#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using Catch::Matchers::WithinAbs;
using queue::Pace;

namespace {

constexpr std::int64_t second = 1'000'000;

queue::LimitAsk limit_of(const std::string& name, queue::Pace pace, std::int64_t count, std::int64_t period_s) {
    queue::LimitAsk ask;
    ask.name = name;
    ask.pace = pace;
    ask.count = count;
    ask.period_us = period_s * second;
    return ask;
}

queue::LimitAsk open_of(std::int64_t concurrency) {
    queue::LimitAsk ask;
    ask.name = "open";
    ask.concurrency = concurrency;
    return ask;
}

/// A stream of many short slices, paid by each of `owners` under these limits; those named in `shared` are the source's.
Load load_of(const std::string& stream, std::int64_t requests, std::vector<queue::LimitAsk> limits,
             const std::vector<std::string>& owners = {"alice"}, const std::string& shared = "") {
    Load load{stream, requests, requests, 1, {}};
    for (const auto& owner : owners) {
        auto own = limits;
        for (auto& ask : own) ask.owner = ask.name == shared ? "" : owner;
        load.payers.push_back({owner, own});
    }
    return load;
}

queue::LimitView view_of(const std::string& name, const std::string& owner, std::int64_t limit, std::int64_t remaining,
                         double reset) {
    queue::LimitView view;
    view.name = name;
    view.owner = owner;
    view.limit = limit;
    view.remaining = remaining;
    view.used = limit - remaining;
    view.reset_seconds = reset;
    return view;
}

/// So fast that only limits bind.
Supply fast(std::vector<queue::LimitView> ledger = {}) { return {std::move(ledger), 1'000, 0.001, {}}; }

}  // namespace

TEST_CASE("a told window is spent, then waited for, with what the cut of seconds costs", "[collector][forecast]") {
    const auto core = limit_of("core", Pace::told, 100, 10);
    const auto load = load_of("a", 330, {core});
    // 30 now, 100 at 4 + 1 s, then a window every 10 + 2 s.
    const auto seen = forecast({load}, fast({view_of("core", "alice", 100, 30, 4)}));
    REQUIRE(seen.seconds);
    CHECK_THAT(*seen.seconds, WithinAbs(29, 0.2));
    CHECK(seen.bound_by == "core");
    CHECK(seen.requests == 330);
    REQUIRE(seen.buckets.size() == 1);
    CHECK(seen.buckets[0].units == 330);
    CHECK(seen.buckets[0].remaining == 30);
    CHECK(seen.buckets[0].allowed == 100);
    // Never asked: a whole window is there, and begins now.
    CHECK_THAT(*forecast({load}, fast()).seconds, WithinAbs(36, 0.2));
    // The window that the ledger knew is over.
    CHECK_THAT(*forecast({load}, fast({view_of("core", "alice", 100, 100, 0)})).seconds, WithinAbs(36, 0.2));
    // The API's own limit counts, not the one of the file.
    CHECK_THAT(*forecast({load}, fast({view_of("core", "alice", 400, 400, 5)})).seconds, WithinAbs(0, 0.1));
}

TEST_CASE("a budget per owner comes once for each owner, one of the source once", "[collector][forecast]") {
    const std::vector<std::string> owners{"alice", "bob", "carol", "dave"};
    const auto each = forecast({load_of("a", 1'200, {limit_of("core", Pace::told, 100, 10)}, owners)}, fast());
    CHECK_THAT(*each.seconds, WithinAbs(24, 0.2));
    CHECK(each.buckets[0].owners == 4);
    CHECK(each.buckets[0].allowed == 400);
    const auto all = forecast({load_of("a", 300, {limit_of("core", Pace::told, 100, 10)}, owners, "core")}, fast());
    CHECK_THAT(*all.seconds, WithinAbs(24, 0.2));
    CHECK(all.buckets[0].owners == 1);
    // Whoever has something left pays.
    const auto uneven = forecast({load_of("a", 150, {limit_of("core", Pace::told, 100, 10)}, {"alice", "bob"})},
                                 fast({view_of("core", "alice", 100, 0, 60), view_of("core", "bob", 100, 70, 5)}));
    CHECK_THAT(*uneven.seconds, WithinAbs(6, 0.2));
}

TEST_CASE("limits that the API does not tell", "[collector][forecast]") {
    SECTION("sliding: evenly spaced") {
        CHECK_THAT(*forecast({load_of("a", 100, {limit_of("l", Pace::sliding, 60, 60)})}, fast()).seconds, WithinAbs(99, 0.5));
    }
    SECTION("sliding with a burst: the burst is taken off what flows") {
        auto limit = limit_of("l", Pace::sliding, 60, 60);
        limit.burst = 31;
        const auto seen = forecast({load_of("a", 100, {limit})}, fast({view_of("l", "alice", 31, 31, 0)}));
        CHECK_THAT(*seen.seconds, WithinAbs(138, 0.5));
    }
    SECTION("bucket: all that flows in is used") {
        auto limit = limit_of("l", Pace::bucket, 60, 60);
        limit.burst = 31;
        const auto seen = forecast({load_of("a", 100, {limit})}, fast({view_of("l", "alice", 31, 31, 0)}));
        CHECK_THAT(*seen.seconds, WithinAbs(70, 0.5));  // a unit of the burst is kept back
        CHECK(seen.bound_by == "l");
    }
    SECTION("fixed: until the clock says so") {
        auto limit = limit_of("day", Pace::fixed, 1'000, 86'400);
        limit.ends_us = 3'600 * second;
        limit.next_ends_us = (3'600 + 86'400) * second;
        const auto load = load_of("a", 1'500, {limit});
        CHECK_THAT(*forecast({load}, fast({view_of("day", "alice", 1'000, 800, 3'600)})).seconds, WithinAbs(3'601, 1));
        CHECK_THAT(*forecast({load}, fast({view_of("day", "alice", 1'000, 400, 3'600)})).seconds,
                   WithinAbs(90'001, 1));
        CHECK_THAT(*forecast({load}, fast()).seconds, WithinAbs(3'601, 1));
    }
    SECTION("concurrency: by the latency of a request") {
        const auto seen = forecast({load_of("a", 100, {open_of(10)})}, {{}, 1'000, 0.5, {}});
        CHECK_THAT(*seen.seconds, WithinAbs(5, 0.1));
        CHECK(seen.bound_by == "open");
        CHECK(seen.buckets.empty());
    }
}

TEST_CASE("without a limit that binds it is latency", "[collector][forecast]") {
    const auto many = forecast({load_of("a", 80, {limit_of("core", Pace::told, 5'000, 3'600)})}, {{}, 4, 0.5, {}});
    CHECK_THAT(*many.seconds, WithinAbs(10, 1.5));
    CHECK(many.bound_by == "latency");
    // The pages of one slice come one after the other.
    auto deep = load_of("a", 100, {});
    deep.slices = 1;
    deep.longest = 100;
    CHECK_THAT(*forecast({deep}, {{}, 64, 0.5, {}}).seconds, WithinAbs(50, 0.1));
}

TEST_CASE("of a window and a pace within it both bind in turn", "[collector][forecast]") {
    const auto load = load_of("a", 10'000, {limit_of("core", Pace::told, 5'000, 3'600), limit_of("burst", Pace::sliding, 800, 60)});
    const auto seen = forecast({load}, fast());
    CHECK_THAT(*seen.seconds, WithinAbs(3'602 + 375, 2));
    CHECK(seen.bound_by == "core");
    CHECK(seen.streams[0].limits == std::vector<std::string>{"core", "burst"});
}

TEST_CASE("a request that costs more takes more", "[collector][forecast]") {
    auto points = limit_of("points", Pace::told, 100, 10);
    points.cost = 10;
    const auto seen = forecast({load_of("a", 25, {points})}, fast());
    CHECK_THAT(*seen.seconds, WithinAbs(24, 0.2));
    CHECK(seen.buckets[0].units == 250);
}

TEST_CASE("streams share what is everyone's, and none waits for another's own limit", "[collector][forecast]") {
    const auto core = limit_of("core", Pace::told, 100, 10), search = limit_of("search", Pace::sliding, 6, 60);
    const auto seen = forecast({load_of("plain", 80, {core}), load_of("search", 11, {core, search})}, fast());
    CHECK_THAT(*seen.streams[0].seconds, WithinAbs(0.1, 0.1));
    CHECK_THAT(*seen.streams[1].seconds, WithinAbs(100, 1));
    CHECK(seen.streams[1].bound_by == "search");
    CHECK(seen.bound_by == "search");
    CHECK(seen.buckets[0].units == 91);
    const auto both = forecast({load_of("a", 150, {core}), load_of("b", 150, {core})}, fast());
    CHECK_THAT(*both.streams[0].seconds, WithinAbs(24, 0.2));
    CHECK_THAT(*both.streams[1].seconds, WithinAbs(24, 0.2));
}

TEST_CASE("what is blocked waits, and what nobody can pay never ends", "[collector][forecast]") {
    auto view = view_of("core", "alice", 100, 0, 50);
    view.blocked = true;
    const auto load = load_of("a", 10, {limit_of("core", Pace::told, 100, 10)});
    CHECK_THAT(*forecast({load}, fast({view})).seconds, WithinAbs(50, 0.2));
    auto nobody = load;
    nobody.payers.clear();
    const auto seen = forecast({nobody, load}, fast());
    CHECK_FALSE(seen.seconds);
    CHECK_FALSE(seen.streams[0].seconds);
    CHECK(seen.streams[0].bound_by == "no account");
    CHECK(seen.streams[1].seconds);
    const auto idle = forecast({load_of("a", 0, {limit_of("core", Pace::told, 100, 10)})}, fast());
    CHECK(idle.seconds == 0.0);
    CHECK(idle.bound_by.empty());
}

TEST_CASE("more windows than are worth following are told all the same", "[collector][forecast]") {
    const auto seen = forecast({load_of("a", 1'000'000, {limit_of("core", Pace::told, 100, 10)})}, fast());
    CHECK_THAT(*seen.seconds, WithinAbs(120'000, 120));
    CHECK(seen.bound_by == "core");
}

TEST_CASE("loads take the limits that their paths match, from each account that may pay", "[collector][forecast]") {
    const auto source = test::source_of(
        "source: s\nbase_url: https://api.test\n"
        "credentials: {from: {env: KEYS}}\n"
        "limits:\n  - {name: core, match: \"/**\", per: owner, rate: 100/h}\n"
        "  - {name: search, match: \"/search/**\", per: owner, rate: 30/m}\n"
        "  - {name: open, match: \"/**\", per: source, concurrency: 5}\n"
        "streams:\n"
        "  find: {path: /search/x, emit: {table: hit, key: id, set: {id: $.id}}}\n"
        "  hits: {foreach: {stream: find}, path: \"/hits/{id}\", cost: 3, key: id}\n"
        "  other: {url: \"https://elsewhere.test/x\", credentials: none, key: id}\n");
    const std::vector<Demand> demands{{"find", 2, 2, 1, "", ""}, {"hits", 7, 7, 1, "", ""}, {"other", 1, 1, 1, "", ""}};
    const auto loads = loads_of(*source, demands, {{"alice", "alice/1"}, {"bob", "bob/1"}, {"bob", "bob/2"}}, {});
    REQUIRE(loads.size() == 3);
    REQUIRE(loads[0].payers.size() == 2);
    CHECK(loads[0].payers[1].owner == "bob");
    CHECK(loads[0].payers[1].limits.size() == 3);
    CHECK(loads[1].payers[0].limits.size() == 2);
    CHECK(loads[1].payers[0].limits[0].cost == 3);
    REQUIRE(loads[2].payers.size() == 1);
    CHECK(loads[2].payers[0].owner.empty());
    CHECK(loads[2].payers[0].limits.size() == 1);  // only the source's own
    CHECK(loads_of(*source, demands, {}, {})[0].payers.size() == 1);
}
