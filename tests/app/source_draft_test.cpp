#include "app/source_draft.hpp"

#include "app/source_template.hpp"
#include "core/source_parser.hpp"
#include "tests/app/page_samples.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

namespace pawl::app {

namespace {

using test::has;
using test_samples::sample_of;

struct AskedPage {
    std::string body;
    std::string url = "https://api.example.org/v1/items";
    collector::Headers headers = {};
    std::vector<std::string> request_headers = {};
};

std::string draft_of(const AskedPage& asked) {
    auto request = init_request(asked.url, asked.request_headers, "shop", {});
    const auto sample = sample_of(asked.body, asked.headers, request.url);
    return source_draft(propose("shop", "items", std::move(request), sample));
}

/// As `pawl check` reads it.
core::SourceFile checked(const std::string& text) {
    INFO(text);
    return core::parse_source_text(text, "draft.yaml", {{"SHOP_X_ACCOUNT", "x"}, {"SHOP_API_KEY", "x"}});
}

constexpr const char* issues =
    R"([{"id":7,"title":"a","updated_at":"2024-01-02T00:00:00Z"},{"id":8,"title":"b","updated_at":"2024-01-03T00:00:00Z"}])";

}  // namespace

TEST_CASE("the template passes check, with its examples and without", "[source_draft]") {
    const auto text = source_template("shop");
    const auto source = checked(text);
    CHECK(source.name == "shop");
    CHECK(source.streams.size() == 1);
    std::string with_examples = text;
    for (std::size_t at; (at = with_examples.find("#|")) != std::string::npos;) with_examples.erase(at, 2);
    const auto full = checked(with_examples);
    CHECK(full.streams.size() == 2);
    REQUIRE(full.credentials);
    CHECK(full.credentials->name == "SHOP_KEYS");
    CHECK(full.schedule.every);
}

TEST_CASE("a list with a Link header and a budget in headers is proposed as such", "[source_draft]") {
    const auto text = draft_of({.body = issues,
                                .url = "https://api.example.org/v1/items?state=all&per_page=50",
                                .headers = {{"link", R"(<https://api.example.org/v1/items?page=2>; rel="next")"},
                                            {"etag", "\"x\""},
                                            {"x-ratelimit-limit", "60"},
                                            {"x-ratelimit-remaining", "59"},
                                            {"x-ratelimit-reset", "1700003000"}}});
    const auto source = checked(text);
    CHECK(source.limits.size() == 1);
    CHECK(source.feedback.remaining == "x-ratelimit-remaining");
    const auto& stream = source.streams.front();
    CHECK(stream.emits.front().key == std::vector<std::string>{"id"});
    CHECK(stream.url.text() == "https://api.example.org/v1/items");
    CHECK(stream.query.size() == 2);
    for (const std::string part :
         {"# Next page: the Link header names the next page.\n    paginate: link\n",
          "# Records: the answer is an array of 2 records.\n", "    key: id\n",
          "#   incremental: {since: {field: $.updated_at, into: query.since}}\n", "#   conditional: etag\n"}) {
        INFO(text);
        INFO(part);
        CHECK(has(text, part));
    }
}

TEST_CASE("a parameter that asks since when becomes an increment", "[source_draft]") {
    const auto text = draft_of({.body = issues, .url = "https://api.example.org/v1/items?since=2024-01-01"});
    const auto source = checked(text);
    CHECK(source.streams.front().incremental.has_value());
    CHECK(source.streams.front().query.empty());
    CHECK(has(text, "into: query.since, start: \"2024-01-01\"}}"));
}

TEST_CASE("a paginator's parameters are not in the query as well", "[source_draft]") {
    const auto text = draft_of({.body = R"({"page":1,"total_pages":3,"items":[{"id":1}]})",
                                .url = "https://api.example.org/v1/items?page=1&per_page=1&q=x"});
    CHECK(checked(text).streams.front().query.size() == 1);
    CHECK(has(text, "query: {q: x}"));
}

TEST_CASE("what was not found is said, with what to do", "[source_draft]") {
    const auto text = draft_of({.body = R"([{"n":1},{"n":1}])"});
    (void)checked(text);
    for (const std::string part :
         {"# No key: no id, uuid or *_id", "#   key: [one, other]", "emit: {table: items}", "paginate: none",
          "If there are more pages: pawl config explain paginate", "no time of a change was found", "tells nothing of limits",
          "Nobody's key was sent", "pawl config explain feedback"}) {
        INFO(text);
        INFO(part);
        CHECK(has(text, part));
    }
}

TEST_CASE("a key whose name cannot be a column's gets one", "[source_draft]") {
    const auto text = draft_of({.body = R"([{"nodeId":"a","Full Name":"x"},{"nodeId":"b","Full Name":"y"}])"});
    CHECK(checked(text).streams.front().emits.front().key == std::vector<std::string>{"node_id"});
    CHECK(has(text, "emit: {table: items, key: node_id, set: {node_id: $.nodeId, full_name: "));
}

TEST_CASE("whatever the answer is, the proposal passes check", "[source_draft]") {
    for (const std::string body :
         {"[]", "{}", "[1,2,3]", "[1,1]", "[[1],[2]]", R"([null,{"id":1}])", R"({"items":[]})", R"({"id":1})",
          R"({"error":"x"})", R"({"edges":[{"node":{"id":"a"}}],"pageInfo":{"endCursor":"x","hasNextPage":true}})",
          R"({"items":[{"id":"a"}],"has_more":true})", R"({"offset":0,"limit":1,"total":9,"items":[{"id":1}]})",
          R"({"page":0,"totalPages":9,"items":[{"id":1}]})", R"({"next":"https://h/2","items":[{"id":1}]})",
          R"({"odd \" name":{"it's":[{"a\nb":1,"{x}":2,"${Y}":3,"id":1}]},"next_cursor":"x","ne\nxt":1})",
          R"([{"ID":1,"":2,"id_":3,"_id":4,"таблица":5}])", R"([{"id":1,"timestamp":1700000000}])"}) {
        INFO(body);
        CHECK_NOTHROW(checked(draft_of({.body = body})));
    }
}

TEST_CASE("whatever stands in the URL and the headers, the proposal passes check", "[source_draft]") {
    for (const std::string url :
         {"https://h", "https://h/", "https://h/a b", "https://h/{x}/$y?q={z}&a=%7B%24", "https://h/a?b=c:d&e=#f",
          "https://h/a?since=yesterday", "https://h/a?x=1&x=2&since=2024-01-01&since=2024-01-02",
          "https://h/a?key=sesame-1&key=sesame-2", "https://h/a?page=0", "https://h/a?cursor=", "https://h:8080/a?limit=5&offset=10"}) {
        INFO(url);
        CHECK_NOTHROW(checked(draft_of({.body = issues, .url = url})));
    }
    for (const std::string value : {"", "\"", "60, 60;window=60", "1e9", "x\ny: z", "'", "-5"}) {
        INFO(value);
        CHECK_NOTHROW(checked(draft_of(
            {.body = issues, .headers = {{"x-ratelimit-limit", value}, {"x-ratelimit-resource", value}, {"link", value}}})));
        CHECK_NOTHROW(checked(draft_of({.body = issues, .headers = {{"ratelimit-policy", value}, {"retry-after", value}}})));
    }
}

TEST_CASE("no secret is in the proposal", "[source_draft]") {
    const auto text = draft_of({.body = issues,
                                .url = "https://api.example.org/v1/items?api_key=sesame-3",
                                .request_headers = {"Authorization: Bearer sesame-2", "X-Account: sesame-4"}});
    const auto source = checked(text);
    INFO(text);
    CHECK_FALSE(has(text, "sesame"));
    REQUIRE(source.credentials);
    CHECK(source.credentials->name == "SHOP_KEYS");
    CHECK(has(text, "inject: {header: Authorization, value: \"Bearer {key}\"}"));
    CHECK(has(text, "It needs these variables of the environment: SHOP_X_ACCOUNT, SHOP_API_KEY"));
}

}  // namespace pawl::app
