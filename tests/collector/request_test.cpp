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

TEST_CASE("redirects are followed at the same origin only", "[collector][request]") {
    const auto source = source_paged("none");
    const auto request =
        page_request(*source, source->streams[0], slice_of(source->streams[0]), std::nullopt);
    CHECK(redirected(request, "https://api.example.com/repositories/5").url ==
          "https://api.example.com/repositories/5");
    CHECK_THROWS_AS(redirected(request, "https://other.example.com/x"), core::PermanentError);
    CHECK_THROWS_AS(redirected(request, "http://api.example.com/x"), core::PermanentError);
    CHECK_THROWS_AS(redirected(request, ""), core::PermanentError);
}

TEST_CASE("a validator belongs to a URL and what is accepted", "[collector][request]") {
    const auto source = source_paged("none", "headers: {Accept: application/json}\n");
    const auto request =
        page_request(*source, source->streams[0], slice_of(source->streams[0]), std::nullopt);
    CHECK(request.validator_key == core::sha256_hex(request.url + "\napplication/json"));
}
