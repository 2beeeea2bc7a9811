#include "collector/paging.hpp"

#include "collector/page_position.hpp"
#include "core/errors.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using test::source_paged;

namespace {

Following after(const std::string& paginate, const std::string& body,
                std::optional<std::string> cursor = std::nullopt, const Headers& headers = {},
                const std::string& secret = "") {
    const auto source = source_paged(paginate);
    const auto document = core::JsonDocument::parse(body, {}, source->streams[0].paging_wanted.get());
    PageRead page;
    page.url = "https://api.example.com/things/1?per_page=2";
    page.cursor = std::move(cursor);
    page.headers = &headers;
    page.document = &document;
    page.secret_query = secret;
    return what_follows(source->streams[0], page);
}

/// Of the page that follows, in a numbered list.
std::int64_t number_after(const std::string& paginate, const std::string& body, std::optional<std::string> cursor = std::nullopt) {
    const auto following = after(paginate, body, std::move(cursor));
    REQUIRE(following.cursor);
    return PagePosition::parse(*following.cursor).number;
}

}  // namespace

TEST_CASE("a page without a next link ends the slice", "[collector][paging]") {
    const Headers next{{"link", R"(</things/1?page=2>; rel="next")"}};
    CHECK(after("{type: link}", "[]", {}, next).cursor ==
          "https://api.example.com/things/1?page=2");
    CHECK_FALSE(after("{type: link}", "[1]").cursor);
    CHECK_FALSE(after("none", "[1]", {}, next).cursor);
}

TEST_CASE("a key that the API repeats in its next link is cut from the cursor",
          "[collector][paging]") {
    const Headers next{{"link", R"(</things/1?api_key=hush&page=2>; rel="next")"}};
    CHECK(after("{type: link}", "[]", {}, next, "api_key").cursor ==
          "https://api.example.com/things/1?page=2");
}

TEST_CASE("a next link that is no URL stays as it is, to be refused by the next request",
          "[collector][paging]") {
    const Headers next{{"link", R"(<http://[broken>; rel="next")"}};
    CHECK(after("{type: link}", "[]", {}, next).cursor == "http://[broken");
}

TEST_CASE("pages by the last record's id end with an empty page or with the same record again", "[collector][paging]") {
    const std::string kind = "{last_id: {from: \"$[-1].id\", into: query.since}}";
    CHECK(after(kind, R"([{"id": 3}, {"id": 9}])").cursor == "9");
    CHECK_FALSE(after(kind, R"([{"id": 9}])", "9").cursor);
    CHECK_FALSE(after(kind, "[]", "9").cursor);
}

TEST_CASE("stop_when ends a walk that would go on", "[collector][paging]") {
    const std::string kind = "{cursor: {next: $.next, into: query.after}, stop_when: $.done}";
    CHECK(after(kind, R"({"next": "b", "done": false})").cursor == "b");
    CHECK(after(kind, R"({"next": "b"})").cursor == "b");
    const auto stopped = after(kind, R"({"next": "b", "done": true})");
    CHECK_FALSE(stopped.cursor);
    CHECK(stopped.why == "stop_when: $.done");
}

TEST_CASE("a walk of the newest first ends where it meets what is known", "[collector][paging]") {
    const auto source = source_paged("{cursor: {next: $.next, into: query.after}}\n    records: $.items\n    incremental: "
                                     "{newest_first: {field: $.id, format: number, lookback: 2}}");
    const auto& stream = source->streams[0];
    const auto goes_on = [&](const std::string& items, std::optional<std::int64_t> known) {
        const auto document =
            core::JsonDocument::parse(R"({"next": "b", "items": )" + items + "}", {}, stream.paging_wanted.get());
        const Headers headers;
        PageRead page;
        page.headers = &headers;
        page.document = &document;
        page.window.lo = known;
        return what_follows(stream, page).cursor.has_value();
    };
    CHECK(goes_on(R"([{"id": 9}, {"id": 8}])", std::nullopt));
    CHECK(goes_on(R"([{"id": 9}, {"id": 8}])", 8));
    CHECK(goes_on(R"([{"id": 1}, {"id": 8}])", 7));  // an old record is pinned at the top
    CHECK_FALSE(goes_on(R"([{"id": 9}, {"id": 5}])", 7));
    CHECK(goes_on(R"([{"id": 9}, {"id": 6}])", 7));
    CHECK(goes_on(R"([{"id": 9}, {"id": "x"}])", 7));
    CHECK(goes_on("[]", 7));
}

TEST_CASE("next_url ends with null, false, nothing or an empty text", "[collector][paging]") {
    const std::string kind = "{next_url: $.next}";
    CHECK(after(kind, R"({"next": "/things/1?p=2"})").cursor ==
          "https://api.example.com/things/1?p=2");
    for (const char* body : {R"({"next": null})", R"({"next": ""})", R"({"next": false})", "{}"})
        CHECK_FALSE(after(kind, body).cursor);
}

TEST_CASE("a cursor ends where there is none, or where more is denied", "[collector][paging]") {
    const std::string kind = "{cursor: {next: $.c, into: query.after, more: $.more}}";
    CHECK(after(kind, R"({"c": "x", "more": true})").cursor == "x");
    CHECK(after(kind, R"({"c": 123456789012345678901234567890})").cursor ==
          "123456789012345678901234567890");
    CHECK_FALSE(after(kind, R"({"c": "x", "more": false})").cursor);
    CHECK_FALSE(after(kind, R"({"c": "x", "more": 0})").cursor);
    CHECK_FALSE(after(kind, R"({"c": null, "more": true})").cursor);
    CHECK_FALSE(after(kind, R"({"c": ""})").cursor);
    CHECK(after(kind, R"({"c": "a\u0000b"})").cursor ==
          "");  // Postgres keeps no NUL: refused by the next request
}

TEST_CASE("a short page is not the last page", "[collector][paging]") {
    const std::string kind = "{page: {param: page}}";
    CHECK(number_after(kind, "[1]") == 2);
    CHECK(number_after(kind, "[1]", "8") == 9);
    CHECK_FALSE(after(kind, "[]", "9").cursor);
}

TEST_CASE("a told last page ends the slice, whatever the pages hold", "[collector][paging]") {
    const std::string kind = "{page: {param: page, last: $.pages}}";
    CHECK(number_after(kind, R"({"pages": 3})", "2") == 3);
    CHECK_FALSE(after(kind, R"({"pages": 3})", "3").cursor);
    CHECK_FALSE(after(kind, R"({"pages": 0})").cursor);
}

TEST_CASE("an offset moves by the records that came, but for the one asked for again", "[collector][paging]") {
    const std::string untold = "{offset: {param: offset, limit_param: limit, limit: 100}}";
    const std::string told = "{offset: {param: offset, limit_param: limit, limit: 100, total: $.total}}";
    CHECK(number_after(untold, "[1, 2, 3]") == 2);
    CHECK(number_after(untold, "[1, 2]", "98") == 99);
    CHECK(number_after("{offset: {overlap: 0}}", "[1, 2]", "98") == 100);
    CHECK_FALSE(after(untold, "[]", "98").cursor);
    CHECK_FALSE(after(told, R"({"total": 1})").cursor);
    CHECK(number_after(told, R"({"total": 2})") == 1);
}

TEST_CASE("records named as an array are counted, not taken for one", "[collector][paging]") {
    const std::string kind =
        "{offset: {param: offset, limit_param: limit, limit: 100}}\n    records: $.items";
    CHECK(number_after(kind, R"({"items": [1, 2, 3]})", "6") == 8);
    CHECK_FALSE(after(kind, R"({"items": []})", "6").cursor);
    CHECK_FALSE(after("{page: {param: page}}\n    records: $.items", R"({"items": []})").cursor);
}

TEST_CASE("max_pages ends a walk as the file says", "[collector][paging]") {
    const auto truncated = source_paged("{type: link, max_pages: 3, on_max: truncated}");
    CHECK_FALSE(reached_bound(truncated->streams[0], 2));
    REQUIRE(reached_bound(truncated->streams[0], 3));
    CHECK(reached_bound(truncated->streams[0], 3)->outcome == core::Outcome::truncated);
    const auto endless = source_paged("{type: link, max_pages: 3}");
    CHECK(reached_bound(endless->streams[0], 3)->outcome == core::Outcome::stuck);
}

TEST_CASE("several Link headers count as one", "[collector][paging]") {
    const Headers headers{{"link", "<a>; rel=next"}, {"date", "x"}, {"link", "<b>; rel=last"}};
    CHECK(link_header_of(headers) == "<a>; rel=next, <b>; rel=last");
}
