// auth: oauth2, jwt and session, right ones and wrong ones.
#include "core/redact.hpp"
#include "core/source_parser.hpp"
#include "tests/core/problem_list.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

using Grant = TokenGrant::Kind;
using Told = std::vector<std::string>;

const std::string streams = "\nstreams: {a: {url: \"https://h/\", key: id}}\n";
const std::string pem = "-----BEGIN RSA PRIVATE KEY-----\\nAA\\n-----END RSA PRIVATE KEY-----\\n";

TokenGrant grant_of(const std::string& auth) {
    const auto source = parse_source_text(
        "source: s\nauth: " + auth + streams, "x.yaml",
        {{"SECRET", "very-secret-of-client"}, {"PEM", pem}, {"RT", "first-refresh"}});
    REQUIRE(source.auth);
    REQUIRE(source.auth->grant);
    return *source.auth->grant;
}

/// `auth` stands in line 2, from column 7.
Told wrong(const std::string& auth) {
    return problems_of([&] {
        (void)parse_source_text("source: s\nauth: " + auth + streams, "x.yaml", {{"PEM", pem}});
    });
}

}  // namespace

TEST_CASE("oauth2 with client credentials", "[grants]") {
    const auto grant = grant_of(
        "{oauth2: {token_url: \"https://id.test/token\", client_id: me, client_secret: "
        "\"${SECRET}\", scope: read, audience: \"https://api.test\"}}");
    CHECK(grant.kind == Grant::client_credentials);
    CHECK(grant.url == "https://id.test/token");
    CHECK(grant.client_id == "me");
    CHECK(grant.client_secret == "very-secret-of-client");
    CHECK(grant.scope == "read");
    CHECK(grant.audience == "https://api.test");
    CHECK_FALSE(grant.secret_in_body);
    CHECK_FALSE(grant.rotates());
    CHECK_FALSE(grant.signs());
    CHECK(redact("it is very-secret-of-client") == "it is ***");
}

TEST_CASE("oauth2 with a refresh token, of a public client too", "[grants]") {
    const auto grant = grant_of(
        "{oauth2: {token_url: \"http://127.0.0.1:8080/token\", grant: refresh_token, client_id: "
        "me, "
        "refresh_token: \"${RT}\", send: body}}");
    CHECK(grant.kind == Grant::refresh_token);
    CHECK(grant.refresh_token == "first-refresh");
    CHECK(grant.client_secret.empty());
    CHECK(grant.secret_in_body);
    CHECK(grant.rotates());
    CHECK(redact("first-refresh") == "***");
}

TEST_CASE("jwt of a GitHub App", "[grants]") {
    const auto grant = grant_of(
        "{jwt: {issuer: 12345, private_key_file: app.pem, exchange: {url: "
        "\"https://api.github.com/app/installations/7/access_tokens\"}}}");
    CHECK(grant.kind == Grant::jwt_bearer);
    CHECK(grant.issuer == "12345");
    CHECK(grant.private_key_file == "app.pem");
    CHECK(grant.lifetime == Micros(std::chrono::minutes(10)));
    CHECK(grant.url == "https://api.github.com/app/installations/7/access_tokens");
    CHECK(grant.signs());
}

TEST_CASE("jwt of a service account, its key with line breaks as a JSON file has them",
          "[grants]") {
    const auto grant = grant_of(
        "{jwt: {issuer: a@b.iam.test, key_id: k1, private_key: \"${PEM}\", audience: "
        "\"https://id.test/token\", claims: {scope: read, sub: someone}, lifetime: 1h, exchange: "
        "{url: \"https://id.test/token\", send: assertion}}}");
    CHECK(grant.kind == Grant::jwt_assertion);
    CHECK(grant.key_id == "k1");
    CHECK(grant.private_key ==
          "-----BEGIN RSA PRIVATE KEY-----\nAA\n-----END RSA PRIVATE KEY-----\n");
    CHECK(grant.lifetime == Micros(std::chrono::hours(1)));
    CHECK(grant.claims ==
          std::vector<std::pair<std::string, std::string>>{{"scope", "read"}, {"sub", "someone"}});
}

TEST_CASE("wrong: oauth2", "[grants][wrong_files]") {
    CHECK(wrong("{oauth2: {}}") == Told{"2:16: \"token_url\" is missing: who gives tokens?",
                                        "2:16: \"client_id\" is missing",
                                        "2:16: \"client_secret\" is missing"});
    CHECK(wrong("{oauth2: {token_url: \"https://h/\", client_id: a, client_secret: b, grant: "
                "password}}") ==
          Told{"2:81: \"grant\" must be \"client_credentials\" or \"refresh_token\", not "
               "\"password\""});
    CHECK(wrong("{oauth2: {token_url: \"https://h/\", client_id: a, grant: refresh_token}}") ==
          Told{"2:16: \"refresh_token\" is missing"});
    CHECK(wrong("{oauth2: {token_url: \"https://h/\", client_id: a, client_secret: b, "
                "refresh_token: c}}") ==
          Told{"2:89: \"refresh_token\" is for grant: refresh_token only"});
    CHECK(wrong("{oauth2: {token_url: \"http://id.test/\", client_id: a, client_secret: b}}") ==
          Told{"2:28: \"token_url\" must begin with https://: secrets are sent there"});
    CHECK(wrong("{oauth2: {token_url: \"http://127.0.0.1.evil.test/\", client_id: a, "
                "client_secret: b}}") ==
          Told{"2:28: \"token_url\" must begin with https://: secrets are sent there"});
    CHECK(wrong("{oauth2: {token_url: id.test, client_id: a, client_secret: b}}") ==
          Told{"2:28: \"token_url\" must begin with http:// or https://"});
    CHECK(wrong("{oauth2: {token_url: \"https://h/\", client_id: a, client_secret: b, send: "
                "query}}") == Told{"2:80: \"send\" must be \"header\" or \"body\", not \"query\""});
    CHECK(wrong("{oauth2: {token_url: \"https://h/\", client_id: a, client_secret: b, scop: x}}") ==
          Told{"2:74: unknown key \"scop\" (did you mean \"scope\"?)"});
    CHECK(wrong("{bearer: abcd, oauth2: {token_url: \"https://h/\", client_id: a, client_secret: "
                "b}}") == Told{"2:7: \"bearer\" and \"oauth2\" exclude each other"});
    CHECK(wrong("{}") == Told{"2:7: \"bearer\", \"basic\", \"api_key\", \"oauth2\", \"jwt\" or \"session\" is "
                              "missing"});
}

TEST_CASE("wrong: jwt", "[grants][wrong_files]") {
    const std::string exchange = "exchange: {url: \"https://h/\"}";
    CHECK(wrong("{jwt: {}}") ==
          Told{"2:13: \"issuer\" is missing: who signs?",
               "2:13: \"private_key\" or \"private_key_file\" is missing: what is signed with?",
               "2:13: \"exchange\" is missing: where is the JWT exchanged for a token?"});
    CHECK(wrong("{jwt: {issuer: a, private_key: no-key-at-all, " + exchange + "}}") ==
          Told{"2:38: \"private_key\" must be a private key in PEM, -----BEGIN PRIVATE KEY----- "
               "…"});
    CHECK(wrong("{jwt: {issuer: a, private_key: \"${PEM}\", private_key_file: f, " + exchange +
                "}}") == Told{"2:13: \"private_key\" and \"private_key_file\" exclude each other"});
    CHECK(wrong("{jwt: {issuer: a, private_key_file: f, lifetime: 2h, " + exchange + "}}") ==
          Told{"2:56: \"lifetime\" must be from 2m to 1h"});
    CHECK(wrong("{jwt: {issuer: a, private_key_file: f, claims: {exp: 1}, " + exchange + "}}") ==
          Told{"2:55: claim \"exp\" is set by \"issuer\", \"audience\" and \"lifetime\""});
    CHECK(wrong("{jwt: {issuer: a, private_key_file: f, exchange: {send: bearer}}}") ==
          Told{"2:56: \"url\" is missing: who gives tokens?"});
    CHECK(wrong("{jwt: {issuer: a, private_key_file: f, exchange: {url: \"https://h/\", send: "
                "form}}}") ==
          Told{"2:82: \"send\" must be \"bearer\" or \"assertion\", not \"form\""});
}

TEST_CASE("a session begins with a body that is the same for every login", "[grants]") {
    const auto source = parse_source_text("source: s\nauth: {session: {url: \"https://h/login\", json: {user: {name: ann, pin: 7}, "
                                          "password: \"${SECRET}\"}, token: $.session.token, lifetime: 12h}}" + streams,
                                          "x.yaml", {{"SECRET", "pass-of-session"}});
    const auto& grant = *source.auth->grant;
    CHECK(grant.kind == Grant::session);
    CHECK(grant.login == R"({"user":{"name":"ann","pin":7},"password":"pass-of-session"})");
    CHECK(grant.login_type == "application/json");
    CHECK(grant.token_at->text() == "$.session.token");
    CHECK(grant.lifetime == std::chrono::hours(12));
    CHECK(source.auth->header == "authorization");
    CHECK(source.auth->inject_value.fill("key", "t") == "Bearer t");
    CHECK(redact("it is pass-of-session") == "it is ***");
    CHECK_FALSE(grant.rotates());
    CHECK_FALSE(grant.signs());

    const auto by_cookie = parse_source_text("source: s\nauth: {session: {url: \"https://h/login\", form: {user: a b, password: x}, cookie: sid}}" + streams,
                                             "x.yaml", {});
    CHECK(by_cookie.auth->grant->login == "user=a%20b&password=x");
    CHECK(by_cookie.auth->grant->cookie == "sid");
    CHECK(by_cookie.auth->grant->lifetime == std::chrono::hours(1));
    CHECK(by_cookie.auth->header == "cookie");
    CHECK(by_cookie.auth->inject_value.fill("key", "sid=1") == "sid=1");

    const auto elsewhere = parse_source_text("source: s\nauth: {session: {url: \"https://h/login\", json: {}, token: $.t, inject: {query: sid}}}" + streams,
                                             "x.yaml", {});
    CHECK(elsewhere.auth->header.empty());
    CHECK(elsewhere.auth->query == "sid");
}

TEST_CASE("a session that is not whole is told", "[grants]") {
    CHECK(wrong("{session: {url: \"http://h/login\", cookie: sid}}") ==
          Told{"2:17: \"json\" or \"form\" is missing: what is sent?",
               "2:23: \"url\" must begin with https://: secrets are sent there"});
    CHECK(wrong("{session: {url: \"https://h/login\", json: {a: 1}}}") ==
          Told{"2:17: \"token\" or \"cookie\" is missing: what does the login give?"});
    CHECK(wrong("{session: {url: \"https://h/login\", json: {a: \"{b}\"}, token: $.t, lifetime: 5s}}") ==
          Told{"2:82: \"lifetime\" must be at least 1m"});
    CHECK(wrong("{session: {url: \"https://h/login\", json: {}, form: {}, token: $.t}}").size() == 1);
    for (const char* token : {"parent.x", "now()", "\"'text'\""})
        CHECK(wrong(std::string("{session: {url: \"https://h/login\", json: {}, token: ") + token + "}}") ==
              Told{"2:59: \"token\" must be one value of the answer: $.token, or header.x_session"});
    CHECK(wrong("{session: {url: \"https://h/login\", form: {a: {b: 1}}, cookie: \"a=b\"}}") ==
          Told{"2:49: \"a\" must be a value: a form is flat", "2:69: \"cookie\" is the name of a cookie, without its value"});
}

TEST_CASE("what a login sends is taken as it is, and is secret in each form in which it may be told", "[grants]") {
    const auto source = parse_source_text("source: s\nauth: {session: {url: \"https://h/login\", form: {user: \"a{b\", pin: \"${PIN}\", word: \"${WORD}\"}, cookie: sid}}" + streams,
                                          "x.yaml", {{"PIN", "0071"}, {"WORD", "p@ss {w\"rd"}});
    CHECK(source.auth->grant->login == "user=a%7Bb&pin=0071&word=p%40ss%20%7Bw%22rd");
    CHECK(redact("it sent p@ss {w\"rd") == "it sent ***");
    CHECK(redact("it sent p%40ss%20%7Bw%22rd") == "it sent ***");
    CHECK(redact("it sent p@ss {w\\\"rd") == "it sent ***");
}

TEST_CASE("a message does not show what a variable holds", "[grants]") {
    CHECK(problems_of([] {
              (void)parse_source_text("source: s\nauth: \"${SECRET}\"" + streams, "x.yaml", {{"SECRET", "hunter2hunter2"}});
          }) == Told{"2:7: \"auth\" must be a map, not what its variable holds"});
}
