#include "collector/request.hpp"

#include "core/errors.hpp"
#include "core/identity.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using test::slice_of;
using test::source_of;
using test::source_paged;

namespace {

std::string url_of(const core::SourceFile& source, const std::optional<std::string>& cursor) {
    return page_request(source, source.streams[0], slice_of(source.streams[0]), cursor).url;
}

const std::string with_keys =
    "credentials: {from: {env: KEYS}, inject: {header: Authorization, value: \"Bearer {key}\"}}\n";

}  // namespace

TEST_CASE("the first request fills path and query", "[collector][request]") {
    const auto source = source_paged("none");
    CHECK(url_of(*source, std::nullopt) == "https://api.example.com/things/1?per_page=2");
    auto slice = slice_of(source->streams[0], R"({"id": "a b/c"})");
    CHECK(page_request(*source, source->streams[0], slice, std::nullopt).url ==
          "https://api.example.com/things/a%20b%2Fc?per_page=2");
}

TEST_CASE("placeholders are expressions over what is known of the partition", "[collector][request]") {
    const auto source = source_of(R"(
source: t
base_url: https://api.example.com
streams:
  things:
    foreach: {list: [7], as: id}
    path: "/things/{add(id, 1)}/{id ?? 'none'}"
    query: {since: "{format_time('2026-08-22', '%d/%m/%Y')}"}
    headers: {x-id: "{sha256(id)}"}
    key: id
)");
    const auto request = page_request(*source, source->streams[0], slice_of(source->streams[0], R"({"id": 7})"), std::nullopt);
    CHECK(request.url == "https://api.example.com/things/8/7?since=22%2F08%2F2026");
    CHECK(request.headers.at(0).second == core::sha256_hex("7"));
}

TEST_CASE("a placeholder without a value fails the slice", "[collector][request]") {
    const auto source = source_paged("none");
    const auto slice = slice_of(source->streams[0], R"({"id": null})");
    CHECK_THROWS_AS(page_request(*source, source->streams[0], slice, std::nullopt),
                    core::PermanentError);
}

TEST_CASE("a cursor asks for the next page as its paginator means it", "[collector][request]") {
    CHECK(url_of(*source_paged("{type: link}"), "https://api.example.com/things/1?page=2") ==
          "https://api.example.com/things/1?page=2");
    const auto pages = source_paged("{page: {param: page, start: 1}}");
    CHECK(url_of(*pages, std::nullopt) == "https://api.example.com/things/1?per_page=2&page=1");
    CHECK(url_of(*pages, "7") == "https://api.example.com/things/1?per_page=2&page=7");
    const auto offsets = source_paged("{offset: {param: skip, limit_param: take, limit: 50}}");
    CHECK(url_of(*offsets, std::nullopt) ==
          "https://api.example.com/things/1?per_page=2&skip=0&take=50");
    CHECK(url_of(*offsets, "50") == "https://api.example.com/things/1?per_page=2&skip=50&take=50");
    const auto cursors = source_paged("{cursor: {next: $.next, into: query.after}}");
    CHECK(url_of(*cursors, std::nullopt) == "https://api.example.com/things/1?per_page=2");
    CHECK(url_of(*cursors, "a=&b") == "https://api.example.com/things/1?per_page=2&after=a%3D%26b");
}

TEST_CASE("a next link to another origin is never asked for", "[collector][request]") {
    const auto source = source_paged("{type: link}");
    for (const char* link :
         {"https://evil.example.com/things", "http://api.example.com/things",
          "https://api.example.com:8443/things", "https://api.example.com@evil.com/x",
          "file:///etc/passwd", "http://169.254.169.254/latest/meta-data", "nonsense", ""})
        CHECK_THROWS_AS(url_of(*source, link), core::PermanentError);
}

TEST_CASE("credentials go to the source's own origin only", "[collector][request]") {
    const auto own = source_paged("none", with_keys);
    CHECK(page_request(*own, own->streams[0], slice_of(own->streams[0]), std::nullopt)
              .with_credentials);
    const auto text = [](const std::string& url, const std::string& more) {
        return source_of("source: test\nbase_url: https://api.example.com\n" + with_keys +
                         "streams:\n  item:\n    url: \"" + url + "\"\n    key: id\n" + more);
    };
    const auto check = [](const auto& source) {
        return page_request(*source, source->streams[0], slice_of(source->streams[0], "{}"),
                            std::nullopt);
    };
    const auto other = check(text("https://raw.example.org/list", ""));
    CHECK_FALSE(other.with_credentials);
    CHECK_FALSE(other.own_origin);
    CHECK(check(text("https://api.example.com/list", "")).with_credentials);
    const auto none = check(text("https://api.example.com/list", "    credentials: none\n"));
    CHECK_FALSE(none.with_credentials);
    CHECK(none.own_origin);
}

TEST_CASE("a body is sent as JSON, as a form or as a GraphQL query", "[collector][request]") {
    const auto asked = [](const std::string& body, std::optional<std::string> cursor = std::nullopt,
                          const std::string& paginate = "none") {
        const auto source = source_of(
            "source: test\nbase_url: https://api.example.com\nstreams:\n  item:\n    foreach: {list: [{id: 7, name: "
            "\"a b\"}]}\n    path: /search\n    key: id\n    paginate: " + paginate + "\n    body: " + body + "\n");
        return page_request(*source, source->streams[0], slice_of(source->streams[0], R"({"id": 7, "name": "a b"})"), cursor);
    };
    const auto json = asked(R"({json: {q: "x {name}", id: "{id}", name: "{name}", n: 12345678901234567890, t: true, z: ~, s: "5", l: [1, "{id}"]}})");
    CHECK(json.method == "POST");
    CHECK(json.body ==
          R"({"q":"x a b","id":7,"name":"a b","n":12345678901234567890,"t":true,"z":null,"s":"5","l":[1,7]})");
    CHECK(json.headers == Headers{{"Content-Type", "application/json"}});
    const auto form = asked(R"({form: {q: "{name}&", id: "{id}", none: ~}})");
    CHECK(form.body == "q=a%20b%26&id=7");
    CHECK(form.headers == Headers{{"Content-Type", "application/x-www-form-urlencoded"}});
    CHECK(asked(R"({graphql: "{ me { id } }"})").body == R"({"query":"{ me { id } }"})");
    const std::string graphql = R"({graphql: {query: "query($a: String) { x(a: $a) { id } }", variables: {a: ~, n: "{id}"}}})";
    const std::string by_cursor = "{cursor: {next: $.c, into: body.variables.a}}";
    CHECK(asked(graphql, std::nullopt, by_cursor).body ==
          R"({"query":"query($a: String) { x(a: $a) { id } }","variables":{"a":null,"n":7}})");
    CHECK(asked(graphql, "Y3\"", by_cursor).body ==
          R"({"query":"query($a: String) { x(a: $a) { id } }","variables":{"a":"Y3\"","n":7}})");
    // A number in the file says that the API wants numbers.
    CHECK(asked("{json: {after: 0}}", "15", "{last_id: {from: \"$[-1].id\", into: body.after}}").body == R"({"after":15})");
    CHECK(asked("{json: {}}", "15", "{last_id: {from: \"$[-1].id\", into: body.after}}").body == R"({"after":"15"})");
    CHECK(asked("{json: {p: 1, n: 2}}", std::nullopt, "{page: {param: body.p, size_param: body.n, size: 50}}").body ==
          R"({"p":1,"n":50})");
}

TEST_CASE("requests that differ in their bodies only are different requests", "[collector][request]") {
    const auto asked = [](const std::string& cursor) {
        const auto source = source_paged("{cursor: {next: $.c, into: body.after}}\n    body: {json: {}}");
        return page_request(*source, source->streams[0], slice_of(source->streams[0]), cursor);
    };
    CHECK(asked("a").url == asked("b").url);
    CHECK(asked("a").identity() != asked("b").identity());
    CHECK(asked("a").validator_key != asked("b").validator_key);
    CHECK(redirected(asked("a"), 308, "https://api.example.com/new").body == asked("a").body);
    CHECK_THROWS_AS(redirected(asked("a"), 302, "https://api.example.com/new"), core::PermanentError);
}

TEST_CASE("a window and a mark go where the source file says", "[collector][request]") {
    const auto asked = [](const std::string& more, core::Window window, std::optional<std::string> cursor = std::nullopt) {
        const auto source = source_paged("none\n    " + more);
        auto slice = slice_of(source->streams[0]);
        slice.window = window;
        slice.begun = 86'400'000'000;
        return page_request(*source, source->streams[0], slice, cursor);
    };
    CHECK(asked("incremental: {since: {field: $.t, into: query.since}}", {}).url == "https://api.example.com/things/1?per_page=2");
    CHECK(asked("incremental: {since: {field: $.t, into: query.since}}", {0, {}}).url ==
          "https://api.example.com/things/1?per_page=2&since=1970-01-01T00%3A00%3A00Z");
    const std::string window = "incremental: {window: {from_into: body.from, to_into: body.to, format: epoch, start: 1970-01-01, step: 1d}}";
    CHECK(asked(window + "\n    body: {json: {}}", {0, 86'400'000'000}).body == R"({"from":0,"to":86400})");
    const auto url = asked("incremental: {window: {start: 1970-01-01, step: 1d}}\n    headers: {X-Day: "
                           "\"{format_time(window.start, '%d.%m.%Y')}\", X-Now: \"{today()}\"}",
                           {0, 86'400'000'000});
    CHECK(url.headers == Headers{{"X-Day", "01.01.1970"}, {"X-Now", "1970-01-02"}});
}

TEST_CASE("redirects are followed at the same origin only", "[collector][request]") {
    const auto source = source_paged("none");
    const auto request =
        page_request(*source, source->streams[0], slice_of(source->streams[0]), std::nullopt);
    CHECK(redirected(request, 302, "https://api.example.com/repositories/5").url ==
          "https://api.example.com/repositories/5");
    CHECK_THROWS_AS(redirected(request, 302, "https://other.example.com/x"), core::PermanentError);
    CHECK_THROWS_AS(redirected(request, 302, "http://api.example.com/x"), core::PermanentError);
    CHECK_THROWS_AS(redirected(request, 302, ""), core::PermanentError);
}

TEST_CASE("a validator belongs to a URL and what is accepted", "[collector][request]") {
    const auto source = source_paged("none", "headers: {Accept: application/json}\n");
    const auto request =
        page_request(*source, source->streams[0], slice_of(source->streams[0]), std::nullopt);
    CHECK(request.validator_key == core::sha256_hex(request.url + "\napplication/json"));
}
