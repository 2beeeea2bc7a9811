#include "collector/limits.hpp"

#include "collector/accounts.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;

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
    const auto asks = matching_limits(*source, stream, request, "alice", {});
    REQUIRE(names(asks) == std::vector<std::string>{"core", "search", "open"});
    CHECK(asks[0].count == 4750);
    CHECK(asks[0].period_us == 3'600'000'000);
    CHECK(asks[0].owner == "alice");
    CHECK(asks[0].pace == queue::Pace::told);
    CHECK(asks[2].owner.empty());
    CHECK(asks[2].concurrency == 60);
    CHECK(asks[2].pace == queue::Pace::sliding);
    request.url = "https://api.example.com/users/x";
    CHECK(names(matching_limits(*source, stream, request, "alice", {})) ==
          std::vector<std::string>{"core", "open"});
}

TEST_CASE("at another origin no account's quota is spent", "[collector][limits]") {
    const auto source = test::source_paged("none", limits);
    PageRequest request;
    request.url = "https://raw.example.org/search/list";
    CHECK(names(matching_limits(*source, source->streams[0], request, "", {})) ==
          std::vector<std::string>{"open"});
}

TEST_CASE("a refusal blocks the account, not the source", "[collector][limits]") {
    const auto source = test::source_paged("none", limits);
    PageRequest request;
    request.own_origin = true;
    request.url = "https://api.example.com/search/code";
    const queue::Payer payer{.owner = "alice",
                             .limits = matching_limits(*source, source->streams[0], request,
                                                       "alice", {})};
    CHECK(names(blocked_limits(payer, {}, true)) == std::vector<std::string>{"core", "search"});
    queue::LimitFeedback spent;
    spent.name = "search";
    spent.remaining = 0;
    CHECK(names(blocked_limits(payer, {spent}, false)) == std::vector<std::string>{"search"});
    CHECK(names(blocked_limits(payer, {spent}, true)) ==
          std::vector<std::string>{"core", "search"});
}

TEST_CASE("accounts with most quota left pay first, those refused never", "[collector][limits]") {
    Accounts accounts({{"a", {"k1"}}, {"b", {"k2", "k3"}}, {"c", {"k4"}}});
    const auto told = [](std::string owner, std::int64_t remaining) {
        queue::LimitFeedback one;
        one.name = "core";
        one.owner = std::move(owner);
        one.remaining = remaining;
        one.reset_at_us = 1'000;
        return std::vector<queue::LimitFeedback>{one};
    };
    accounts.saw(told("a", 5));
    accounts.saw(told("b", 50));
    accounts.saw(told("c", 7));
    CHECK(accounts.payers({"core"}, 0) == std::vector<std::string>{"b", "c", "a"});
    accounts.quarantine("b");
    CHECK(accounts.payers({"core"}, 0) == std::vector<std::string>{"c", "a"});
    CHECK_FALSE(accounts.all_refused());
    accounts.set_quarantined({"a", "b", "c"});
    CHECK(accounts.all_refused());
    accounts.set_quarantined({});
    CHECK(accounts.payers({"core"}, 0, 2).size() == 2);
    CHECK(accounts.next_key("b") == "k2");
    CHECK(accounts.next_key("b") == "k3");
    CHECK(accounts.next_key("b") == "k2");
}

TEST_CASE("accounts of which nothing is known pay in turn", "[collector][limits]") {
    Accounts accounts({{"a", {"k1"}}, {"b", {"k2"}}});
    const auto first = accounts.payers({"core"}, 0).front();
    const auto second = accounts.payers({"core"}, 0).front();
    CHECK(first != second);
}
