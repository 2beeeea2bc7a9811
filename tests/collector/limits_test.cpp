#include "collector/limits.hpp"

#include "collector/accounts.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using test::account_of;

namespace {

const std::string limits =
    "limits:\n"
    "  - {name: core, match: \"/**\", per: owner, rate: 5000/h, reserve: 5%}\n"
    "  - {name: search, match: \"/search/**\", per: owner, rate: 30/m}\n"
    "  - {name: open, match: \"/**\", per: source, concurrency: 60}\n"
    "feedback:\n"
    "  remaining: x-ratelimit-remaining\n"
    "  reset: {header: x-ratelimit-reset, format: epoch}\n"
    "  resource: {header: x-ratelimit-resource, core: core, search: search}\n";

const Paying alice{"alice", "alice/1"};

std::vector<std::string> owners(const std::vector<Paying>& payers) {
    std::vector<std::string> out;
    for (const auto& payer : payers) out.push_back(payer.owner);
    return out;
}

std::vector<std::string> names(const std::vector<queue::LimitAsk>& asks) {
    std::vector<std::string> out;
    for (const auto& ask : asks) out.push_back(ask.name);
    return out;
}

}  // namespace

TEST_CASE("stars of a pattern stay within a segment, two go across", "[collector][limits]") {
    CHECK(glob_matches("/**", "/"));
    CHECK(glob_matches("/**", "/a/b"));
    CHECK(glob_matches("/search/**", "/search/code"));
    CHECK(glob_matches("/search/**", "/search"));
    CHECK_FALSE(glob_matches("/search/**", "/searching"));
    CHECK(glob_matches("/repos/*/stars", "/repos/7/stars"));
    CHECK_FALSE(glob_matches("/repos/*/stars", "/repos/7/8/stars"));
    CHECK(glob_matches("/repos/**/stars", "/repos/7/8/stars"));
    CHECK_FALSE(glob_matches("/repos", "/repos/7"));
}

TEST_CASE("all limits that match the path must grant, the reserve taken off",
          "[collector][limits]") {
    const auto source = test::source_paged("none", limits);
    PageRequest request;
    request.own_origin = true;
    request.url = "https://api.example.com/search/code?q=x";
    const auto& stream = source->streams[0];
    const auto asks = asks_for(matching_limits(*source, stream, request, {}, {}), alice);
    REQUIRE(names(asks) == std::vector<std::string>{"core", "search", "open"});
    CHECK(asks[0].count == 4750);
    CHECK(asks[0].period_us == 3'600'000'000);
    CHECK(asks[0].owner == "alice");
    CHECK(asks[0].pace == queue::Pace::told);
    CHECK(asks[2].owner.empty());
    CHECK(asks[2].concurrency == 60);
    CHECK(asks[2].pace == queue::Pace::sliding);
    request.url = "https://api.example.com/users/x";
    CHECK(names(asks_for(matching_limits(*source, stream, request, {}, {}), alice)) ==
          std::vector<std::string>{"core", "open"});
}

TEST_CASE("at another origin no account's quota is spent", "[collector][limits]") {
    const auto source = test::source_paged("none", limits);
    PageRequest request;
    request.url = "https://raw.example.org/search/list";
    CHECK(names(asks_for(matching_limits(*source, source->streams[0], request, {}, {}), {})) ==
          std::vector<std::string>{"open"});
}

TEST_CASE("a refusal blocks the account, not the source", "[collector][limits]") {
    const auto source = test::source_paged("none", limits);
    PageRequest request;
    request.own_origin = true;
    request.url = "https://api.example.com/search/code";
    const queue::Payer payer{.owner = "alice",
                             .limits = asks_for(matching_limits(*source, source->streams[0], request, {}, {}), alice),
                             .key = "alice/1"};
    CHECK(names(blocked_limits(payer, {}, true)) == std::vector<std::string>{"core", "search"});
    queue::LimitFeedback spent;
    spent.name = "search";
    spent.remaining = 0;
    CHECK(names(blocked_limits(payer, {spent}, false)) == std::vector<std::string>{"search"});
    CHECK(names(blocked_limits(payer, {spent}, true)) ==
          std::vector<std::string>{"core", "search"});
}

TEST_CASE("budgets per key are asked for under the key's name", "[collector][limits]") {
    const auto source = test::source_paged("none", "limits: [{name: daily, per: key, rate: 10/h}]\n");
    PageRequest request;
    request.own_origin = true;
    request.url = "https://api.example.com/x";
    const auto asks = asks_for(matching_limits(*source, source->streams[0], request, {}, {}), alice);
    CHECK(asks.at(0).owner == "alice/1");
}

TEST_CASE("accounts whose quota would lapse fastest pay first, those refused never", "[collector][limits]") {
    Accounts accounts({account_of("a", {"k1"}), account_of("b", {"k2", "k3"}), account_of("c", {"k4"})});
    constexpr std::int64_t second = 1'000'000;
    const auto told = [](std::string owner, std::int64_t remaining, std::int64_t reset_at_us) {
        queue::LimitFeedback one;
        one.name = "core";
        one.owner = std::move(owner);
        one.remaining = remaining;
        one.reset_at_us = reset_at_us;
        return std::vector<queue::LimitFeedback>{one};
    };
    accounts.saw(told("a", 5, 100 * second));
    accounts.saw(told("b", 50, 100 * second));
    accounts.saw(told("c", 7, 100 * second));
    CHECK(owners(accounts.payers({"core"}, {}, 0)) == std::vector<std::string>{"b", "c", "a"});
    accounts.saw(told("c", 7, 10 * second));  // seven in ten seconds are more than fifty in a hundred
    CHECK(owners(accounts.payers({"core"}, {}, 0)) == std::vector<std::string>{"c", "b", "a"});
    CHECK(owners(accounts.payers({"core"}, {.scopes = {}, .each_key = false, .first = {"a", ""}}, 0)).front() == "a");
    accounts.quarantine("b/k2");
    CHECK(accounts.payers({"core"}, {}, 0)[1] == Paying{"b", "b/k3"});
    accounts.quarantine("b/k3");
    CHECK(owners(accounts.payers({"core"}, {}, 0)) == std::vector<std::string>{"c", "a"});
    CHECK_FALSE(accounts.all_refused());
    accounts.set_quarantined({{"a/k1", ""}, {"b/k2", ""}, {"b/k3", ""}, {"c/k4", ""}});
    CHECK(accounts.all_refused());
    accounts.set_quarantined({});
    CHECK(accounts.payers({"core"}, {}, 0, 2).size() == 2);
    CHECK(accounts.secret("b/k3") == "k3");
    CHECK(accounts.secret("b/k9").empty());
}

TEST_CASE("keys of an account are used in turn, or each where it has a budget of its own", "[collector][limits]") {
    Accounts accounts({account_of("b", {"k2", "k3"})});
    const auto first = accounts.payers({}, {}, 0);
    const auto second = accounts.payers({}, {}, 0);
    REQUIRE(first.size() == 1);
    CHECK(first[0].key != second[0].key);
    KeyWish each;
    each.each_key = true;
    CHECK(accounts.payers({}, each, 0).size() == 2);
    KeyWish one;
    one.first = {"b", "b/k3"};
    for (int i = 0; i < 3; ++i) CHECK(accounts.payers({}, one, 0).front().key == "b/k3");
}

TEST_CASE("refusals at the same time are one refusal", "[collector][limits]") {
    Accounts accounts({account_of("a", {"k"})});
    const core::SteadyTime now{std::chrono::seconds(100)};
    for (int i = 0; i < 64; ++i) CHECK_FALSE(accounts.refused("a/k", 2, now));
    CHECK(accounts.refused("a/k", 2, now + std::chrono::seconds(1)));
    accounts.accepted("a/k");
    CHECK_FALSE(accounts.refused("a/k", 2, now + std::chrono::seconds(2)));
}

TEST_CASE("accounts of which nothing is known pay in turn", "[collector][limits]") {
    Accounts accounts({account_of("a", {"k1"}), account_of("b", {"k2"})});
    const auto first = accounts.payers({"core"}, {}, 0).front();
    const auto second = accounts.payers({"core"}, {}, 0).front();
    CHECK(first != second);
}
