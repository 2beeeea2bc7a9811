#include "app/paging_guess.hpp"

#include "tests/app/page_samples.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

namespace pawl::app {

using test::has;
using test_samples::sample_of;

namespace {

PagingGuess paging(const std::string& body, const std::string& query = "", const collector::Headers& headers = {}) {
    const auto sample = sample_of(body, headers, "https://api.example.org/v1/items" + query);
    return guess_paging(sample, guess_records(sample));
}

constexpr const char* two = R"("data":[{"id":"a"},{"id":"b"}])";

std::string with(const std::string& members) { return "{" + std::string(two) + "," + members + "}"; }

}  // namespace

TEST_CASE("a Link header goes before all else", "[paging_guess]") {
    CHECK(paging(with(R"("next_cursor":"x")"), "?page=1", {{"link", R"(<https://h/2>; rel="next")"}}).yaml == "link");
    CHECK(has(paging("[]", "", {{"link", R"(<https://h/1>; rel="prev")"}}).why, "this one is the last"));
    CHECK(paging("[]", "", {{"link", R"(<https://h/>; rel="help")"}}).yaml == "none");
}

TEST_CASE("a URL in the answer is the next page's", "[paging_guess]") {
    CHECK(paging(with(R"("next":"https://h/2")")).yaml == "{next_url: $.next}");
    CHECK(paging(with(R"("links":{"next":"/2"})")).yaml == "{next_url: $.links.next}");
    CHECK(paging(with(R"("links":{"next":{"href":"/2"}})")).yaml == "{next_url: $.links.next.href}");
    CHECK(paging(with(R"("@odata.nextLink":"https://h/2")")).yaml == R"({next_url: "$['@odata.nextLink']"})");
    const auto last = paging(with(R"("next":null,"previous":"https://h/1")"));
    CHECK(last.yaml == "{next_url: $.next}");
    CHECK(has(last.why, "is null"));
}

TEST_CASE("a token in the answer is the next page's cursor", "[paging_guess]") {
    const auto told = paging(with(R"("meta":{"next_cursor":"x"},"has_more":true)"), "?cursor=w");
    CHECK(told.yaml == "{cursor: {next: $.meta.next_cursor, into: query.cursor, more: $.has_more}}");
    CHECK(told.parameters == std::vector<std::string>{"cursor"});
    CHECK_FALSE(has(told.why, "mostly"));
    const auto guessed = paging(with(R"("nextPageToken":"x")"));
    CHECK(guessed.yaml == "{cursor: {next: $.nextPageToken, into: query.pageToken}}");
    CHECK(has(guessed.why, "is what such APIs do mostly"));
    CHECK(paging(with(R"("pageInfo":{"endCursor":"x","hasNextPage":true})")).yaml ==
          "{cursor: {next: $.pageInfo.endCursor, into: query.after, more: $.pageInfo.hasNextPage}}");
    CHECK(has(paging(with(R"("next_cursor":null)")).why, "is empty"));
}

TEST_CASE("numbered pages are told by the answer or by the URL", "[paging_guess]") {
    const auto told = paging(with(R"("page":1,"total_pages":7)"), "?page=1&per_page=50");
    CHECK(told.yaml == "{page: {param: page, start: 1, size_param: per_page, size: 50, last: $.total_pages}}");
    CHECK(told.parameters == std::vector<std::string>{"page", "per_page"});
    CHECK(paging(with(R"("page":0,"totalPages":7)")).yaml == R"x({page: {param: page, start: 0, last: "add($.totalPages, -1)"}})x");
    CHECK(paging(with(R"("x":1)"), "?page=3").yaml == "{page: {param: page, start: 1}}");
    CHECK(paging(with(R"("page":1,"has_more":true)")).yaml == R"({page: {param: page, start: 1}, stop_when: "not $.has_more"})");
}

TEST_CASE("an offset is told by the answer or by the URL", "[paging_guess]") {
    CHECK(paging(with(R"("offset":0,"limit":2,"total":9)")).yaml ==
          "{offset: {param: offset, limit_param: limit, limit: 2, total: $.total}}");
    CHECK(paging(with(R"("x":1)"), "?skip=0&top=5").yaml == "{offset: {param: skip, limit_param: top, limit: 5}}");
}

TEST_CASE("a list that only says there is more goes on behind its last record", "[paging_guess]") {
    CHECK(paging(with(R"("has_more":true)")).yaml ==
          R"({last_id: {from: "$.data[-1].id", into: query.starting_after}, stop_when: "not $.has_more"})");
}

TEST_CASE("where nothing tells of pages that is said, with what is missing", "[paging_guess]") {
    const auto none = paging(with(R"("total":40)"));
    CHECK(none.yaml == "none");
    CHECK(has(none.why, "$.total is 40, and there are 2 records"));
    CHECK(paging(R"({"id":1,"page":3})").why == "the answer is one record");
}

}  // namespace pawl::app
