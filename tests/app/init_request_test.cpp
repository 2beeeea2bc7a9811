#include "app/init_request.hpp"

#include "app/failure.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

namespace pawl::app {

namespace {

using test::has;
using Variables = std::vector<std::string>;

const std::map<std::string, std::string> environment{{"SHOP_TOKEN", "sesame-1"}, {"API", "https://h"}, {"STATE", "open"}};

InitRequest request_of(const std::string& url, const std::vector<std::string>& headers = {}) {
    return init_request(url, headers, "shop", environment);
}

}  // namespace

TEST_CASE("a header that may be secret is sent, and never written", "[init_request]") {
    const auto request = request_of("https://h/a", {"Authorization: Bearer sesame-2"});
    CHECK(request.headers == collector::Headers{{"Authorization", "Bearer sesame-2"}});
    CHECK(request.written_headers.empty());
    REQUIRE(request.key);
    CHECK(request.key->variable == "SHOP_KEYS");
    CHECK(request.key->name == "Authorization");
    CHECK(request.key->value == "Bearer {key}");
    CHECK_FALSE(request.key->in_query);
    CHECK_FALSE(has(core::redact("the key is sesame-2."), "sesame-2"));
    CHECK(request_of("https://h/a", {"X-Api-Key: open sesame"}).key->value == "{key}");
}

TEST_CASE("a variable in a header is filled in where it is sent, and stands for the key in the file", "[init_request]") {
    const auto request = request_of("https://h/a", {"Authorization: token ${SHOP_TOKEN}"});
    CHECK(request.headers[0].second == "token sesame-1");
    CHECK(request.key->variable == "SHOP_TOKEN");
    CHECK(request.key->value == "token {key}");
    CHECK(request.variables.empty());
    CHECK_THROWS_AS(request_of("https://h/a", {"Authorization: ${NOT_SET}"}), core::ConfigError);
}

TEST_CASE("headers that cannot be secret are written as they are", "[init_request]") {
    const auto request =
        request_of("https://h/a", {"Accept: application/json", "X-GitHub-Api-Version: 2022-11-28", "User-Agent: {me}"});
    CHECK(request.written_headers ==
          NamedTexts{{"Accept", "application/json"}, {"X-GitHub-Api-Version", "2022-11-28"}, {"User-Agent", "{{me}}"}});
    CHECK_FALSE(request.key);
}

TEST_CASE("a second secret becomes a variable", "[init_request]") {
    const auto request = request_of("https://h/a?api_key=sesame-3", {"Authorization: Bearer sesame-2", "X-Account: sesame-4"});
    CHECK(request.written_headers == NamedTexts{{"X-Account", "${SHOP_X_ACCOUNT}"}});
    CHECK(request.parts.query == NamedTexts{{"api_key", "${SHOP_API_KEY}"}});
    CHECK(request.variables == Variables{"SHOP_X_ACCOUNT", "SHOP_API_KEY"});
    CHECK(request.url == "https://h/a?api_key=sesame-3");
}

TEST_CASE("a parameter that is called like a secret is the key", "[init_request]") {
    const auto request = request_of("https://h/a?apiKey=sesame-3&state=all");
    REQUIRE(request.key);
    CHECK(request.key->in_query);
    CHECK(request.key->name == "apiKey");
    CHECK(request.parts.query == NamedTexts{{"state", "all"}});
}

TEST_CASE("variables and braces in the URL are written as templates", "[init_request]") {
    const auto request = request_of("${API}/a?state=${STATE}&q={x}");
    CHECK(request.url == "https://h/a?state=open&q={x}");
    CHECK(request.parts.origin == "${API}");
    CHECK(request.parts.path == "/a");
    CHECK(request.parts.query == NamedTexts{{"state", "${STATE}"}, {"q", "{{x}}"}});
    CHECK(request.variables == Variables{"API", "STATE"});
}

TEST_CASE("parameters of one name stay in the path", "[init_request]") {
    const auto request = request_of("https://h/a?id%5B%5D=1&id[]=2%26&q=x");
    CHECK(request.parts.path == "/a?id%5B%5D=1&id%5B%5D=2%26");
    CHECK(request.parts.query == NamedTexts{{"q", "x"}});
}

TEST_CASE("what is no URL or header is refused, without showing what it is", "[init_request]") {
    for (const std::string url : {"", "h/a", "ftp://h/a", "https://", "https:///a", "https://me:sesame-5@h/a"}) {
        INFO(url);
        CHECK_THROWS_AS(request_of(url), UsageError);
    }
    for (const std::string header : {"sesame-6", "bad name: x", ": x", "Host: h", "content-length: 5", "X-A: a\r\nX-B: b"}) {
        INFO(header);
        CHECK_THROWS_AS(request_of("https://h/a", {header}), UsageError);
    }
    CHECK_THROWS_WITH(request_of("https://h/a", {"sesame-6"}), "--header takes 'Name: value'");
}

}  // namespace pawl::app
