#include "collector/token_request.hpp"

#include "core/base64.hpp"
#include "core/redact.hpp"
#include "tests/collector/fakes.hpp"
#include "tests/collector/rsa_key.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

using namespace pawl;
using namespace pawl::collector;
using namespace std::chrono_literals;
using test::respond;

namespace {

using GrantKind = core::TokenGrant::Kind;

const core::WallTime asked_at{1'800'000'000s};

core::TokenGrant oauth2(GrantKind kind = GrantKind::client_credentials) {
    core::TokenGrant grant;
    grant.kind = kind;
    grant.url = "https://id.test/token";
    grant.client_id = "me@work";
    grant.client_secret = "s:cret/1";
    core::remember_secret(grant.client_secret);
    return grant;
}

GivenToken given(const std::string& body, Headers headers = {}, int status = 200,
                 GrantKind kind = GrantKind::client_credentials) {
    const auto answer =
        read_token_answer(oauth2(kind), respond(status, body, std::move(headers)), asked_at);
    if (const auto* refusal = std::get_if<TokenRefusal>(&answer)) FAIL(refusal->reason);
    return std::get<GivenToken>(answer);
}

TokenRefusal refusal_of(int status, const std::string& body, Headers headers = {},
                        GrantKind kind = GrantKind::client_credentials) {
    const auto answer =
        read_token_answer(oauth2(kind), respond(status, body, std::move(headers)), asked_at);
    REQUIRE(std::holds_alternative<TokenRefusal>(answer));
    return std::get<TokenRefusal>(answer);
}

}  // namespace

TEST_CASE("client credentials go as HTTP Basic, encoded as a form", "[token_request]") {
    auto grant = oauth2();
    grant.scope = "read write";
    grant.audience = "https://api.test";
    const auto http = token_request(grant, "", asked_at).http;
    CHECK(http.method == "POST");
    CHECK(http.url == "https://id.test/token");
    CHECK(test::header_sent(http, "content-type") == "application/x-www-form-urlencoded");
    CHECK(test::header_sent(http, "accept") == "application/json");
    CHECK(test::header_sent(http, "authorization") ==
          "Basic " + core::base64("me%40work:s%3Acret%2F1"));
    CHECK(http.body ==
          "grant_type=client_credentials&scope=read%20write&audience=https%3A%2F%2Fapi.test");
    CHECK(core::redact(test::header_sent(http, "authorization")) == "Basic ***");
}

TEST_CASE("client credentials go into the form where the server wants that", "[token_request]") {
    auto grant = oauth2();
    grant.secret_in_body = true;
    const auto http = token_request(grant, "", asked_at).http;
    CHECK(test::header_sent(http, "authorization").empty());
    CHECK(http.body ==
          "grant_type=client_credentials&client_id=me%40work&client_secret=s%3Acret%2F1");
}

TEST_CASE("a refresh token goes with its client, public or not", "[token_request]") {
    auto grant = oauth2(GrantKind::refresh_token);
    auto http = token_request(grant, "rt/2", asked_at).http;
    CHECK(http.body == "grant_type=refresh_token&refresh_token=rt%2F2");
    CHECK_FALSE(test::header_sent(http, "authorization").empty());
    grant.client_secret.clear();
    http = token_request(grant, "rt/2", asked_at).http;
    CHECK(http.body == "grant_type=refresh_token&refresh_token=rt%2F2&client_id=me%40work");
    CHECK(test::header_sent(http, "authorization").empty());
}

TEST_CASE("a JWT goes as Bearer to GitHub, as an assertion to others", "[token_request]") {
    core::TokenGrant grant;
    grant.kind = GrantKind::jwt_bearer;
    grant.url = "https://api.test/app/installations/7/access_tokens";
    grant.issuer = "12345";
    grant.private_key = test::rsa_key().pkcs8();
    auto request = token_request(grant, "", asked_at);
    CHECK(request.http.method == "POST");
    CHECK(request.http.url == grant.url);
    CHECK_FALSE(request.assertion.empty());
    CHECK(test::header_sent(request.http, "authorization") == "Bearer " + request.assertion);
    CHECK(request.http.body == "{}");
    grant.kind = GrantKind::jwt_assertion;
    request = token_request(grant, "", asked_at);
    CHECK(test::header_sent(request.http, "authorization").empty());
    CHECK(request.http.body ==
          "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" +
              request.assertion);
}

TEST_CASE("a token is read with its life, however that is told", "[token_request]") {
    auto token = given(R"({"access_token":"tok-1","token_type":"bearer","expires_in":3599})");
    CHECK(token.token == "tok-1");
    CHECK(token.life == core::Micros(3599s));
    CHECK(token.refresh_token.empty());
    CHECK(given(R"({"access_token":"tok-1","expires_in":"600"})").life == core::Micros(10min));
    CHECK(given(R"({"access_token":"tok-1"})").life == core::Micros(1h));
    CHECK(given(R"({"access_token":"tok-1","expires_in":1e300})").life ==
          core::Micros(std::chrono::hours(24 * 3650)));
    // GitHub: 201, "token", and a time; by our clock, or by the answer's own.
    const std::string github = R"({"token":"ghs_1","expires_at":"2027-01-15T09:00:00Z"})";
    CHECK(given(github, {}, 201).token == "ghs_1");
    CHECK(given(github, {}, 201).life == core::Micros(1h));
    CHECK(given(github, {{"date", "Fri, 15 Jan 2027 08:30:00 GMT"}}, 201).life ==
          core::Micros(30min));
    CHECK(core::redact("tok-1 ghs_1") == "*** ***");
}

TEST_CASE("a new refresh token is read where the grant has one", "[token_request]") {
    const std::string body = R"({"access_token":"tok-2","expires_in":60,"refresh_token":"rt-2"})";
    CHECK(given(body, {}, 200, GrantKind::refresh_token).refresh_token == "rt-2");
    CHECK(given(body).refresh_token.empty());
    CHECK(core::redact("rt-2") == "***");
}

TEST_CASE("a refusal for good says what to do", "[token_request]") {
    const auto refusal = refusal_of(
        401, R"({"error":"invalid_client","error_description":"Secret s:cret/1\nis wrong"})");
    CHECK(refusal.for_good);
    CHECK(refusal.reason ==
          "the token server answers HTTP 401, invalid_client (Secret *** is wrong). Are client_id "
          "and client_secret right? Some servers want send: body");
    CHECK(test::has(
        refusal_of(400, R"({"error":"invalid_grant"})", {}, GrantKind::refresh_token).reason,
        "get a new one"));
    CHECK(test::has(refusal_of(401, R"({"message":"Bad JWT"})", {}, GrantKind::jwt_bearer).reason,
                    "the clock of this host"));
    CHECK(test::has(refusal_of(404, "").reason, "Is the URL right"));
    CHECK(test::has(refusal_of(302, "").reason, "a redirect"));
    for (const int status : {302, 400, 401, 403, 404}) CHECK(refusal_of(status, "x").for_good);
    const auto with_200 = refusal_of(200, R"({"error":"invalid_client"})");
    CHECK(with_200.for_good);
    CHECK(test::has(with_200.reason, "invalid_client"));
}

TEST_CASE("a refusal for now comes with the server's own time", "[token_request]") {
    for (const int status : {408, 429, 500, 502, 503}) CHECK_FALSE(refusal_of(status, "").for_good);
    CHECK(refusal_of(429, "", {{"retry-after", "30"}}).wait == core::Micros(30s));
    const auto secondary = refusal_of(403, "", {{"retry-after", "60"}});
    CHECK_FALSE(secondary.for_good);
    CHECK(secondary.wait == core::Micros(60s));
    CHECK_FALSE(refusal_of(400, R"({"error":"temporarily_unavailable"})").for_good);
    const auto failed = read_token_answer(
        oauth2(), HttpFailure{.kind = HttpFailure::Kind::timeout, .reason = "timed out"}, asked_at);
    CHECK_FALSE(std::get<TokenRefusal>(failed).for_good);
    CHECK(test::has(std::get<TokenRefusal>(failed).reason, "timed out"));
}

TEST_CASE("an answer that is no token is none", "[token_request]") {
    CHECK_FALSE(refusal_of(200, "<html>").for_good);  // a gateway's page, not the server's word
    CHECK_FALSE(refusal_of(200, "[]").for_good);
    CHECK(refusal_of(200, "{}").for_good);
    CHECK(refusal_of(200, R"({"access_token":5})").for_good);
    CHECK(refusal_of(200, R"({"access_token":"a\r\nX: y"})").for_good);
    CHECK(refusal_of(200, R"({"access_token":"a b"})").for_good);
    CHECK(refusal_of(200, "{\"access_token\":\"" + std::string(9'000, 'a') + "\"}").for_good);
    CHECK(
        test::has(refusal_of(200, R"({"access_token":"a1b2","token_type":"mac"})").reason, "mac"));
    CHECK(refusal_of(200, R"({"access_token":"a1b2","expires_in":"soon"})").for_good);
    CHECK(refusal_of(200, R"({"access_token":"a1b2","expires_at":"soon"})").for_good);
    CHECK_FALSE(refusal_of(200, R"({"access_token":"a1b2","expires_in":0})").for_good);
    CHECK_FALSE(refusal_of(200, R"({"access_token":"a1b2","expires_in":-5})").for_good);
    CHECK_FALSE(
        refusal_of(200, R"({"token":"a1b2","expires_at":"2020-01-01T00:00:00Z"})").for_good);
}

TEST_CASE("a server's own words are cut, and one line", "[token_request]") {
    const auto refusal = refusal_of(400, "{\"error\":\"x\",\"error_description\":\"" +
                                             std::string(5'000, 'y') + "\\n\\u001b\"}");
    CHECK(refusal.reason.size() < 500);
    CHECK(refusal.reason.find('\x1b') == std::string::npos);
    CHECK(refusal.reason.find('\n') == std::string::npos);
}

namespace {

core::TokenGrant login(std::optional<std::string> token_at) {
    core::TokenGrant grant;
    grant.kind = GrantKind::session;
    grant.url = "https://id.test/login";
    grant.login = R"({"user":"me","password":"pass-word-1"})";
    grant.login_type = "application/json";
    grant.lifetime = 12h;
    if (token_at) grant.token_at = core::Expression::compile(*token_at);
    else grant.cookie = "sid";
    return grant;
}

}  // namespace

TEST_CASE("a login sends its body, and its token is where the source file says", "[token_request]") {
    const auto request = token_request(login("$.session.token"), "", asked_at).http;
    CHECK(request.method == "POST");
    CHECK(request.url == "https://id.test/login");
    CHECK(request.body == R"({"user":"me","password":"pass-word-1"})");
    CHECK(test::header_sent(request, "content-type") == "application/json");

    const auto token = [](const core::TokenGrant& grant, int status, const std::string& body, Headers headers = {}) {
        const auto answer = read_token_answer(grant, respond(status, body, std::move(headers)), asked_at);
        if (const auto* refusal = std::get_if<TokenRefusal>(&answer)) return "refused: " + refusal->reason;
        const auto& given = std::get<GivenToken>(answer);
        return given.token + " for " + std::to_string(given.life / 1s) + " s";
    };
    CHECK(token(login("$.session.token"), 200, R"({"session": {"token": "t1"}})") == "t1 for 43200 s");
    CHECK(token(login("$.session.token"), 201, R"({"session": {"token": "t1"}, "expires_in": 60})") == "t1 for 60 s");
    CHECK(token(login("header.x_session"), 200, "welcome", {{"x-session", "t2"}}) == "t2 for 43200 s");
    CHECK(token(login({}), 302, "", {{"Set-Cookie", "other=1; Path=/"}, {"set-cookie", "sid=abc=; HttpOnly; Path=/"}}) == "sid=abc= for 43200 s");
    CHECK(token(login("$.session.token"), 200, R"({"error": "wrong password"})") ==
          "refused: the login's answer has no $.session.token, it says wrong password. Are user and password right, and is that all that the API wants?");
    CHECK(token(login({}), 200, "") ==
          "refused: the login's answer has no cookie sid. Are user and password right, and is that all that the API wants?");
    CHECK(token(login("$.t"), 200, "{\"t\": \"a\\nb\"}") == "refused: the login gives a token that cannot stand in a header");
    CHECK(token(login("$.t"), 401, R"({"message": "no"})").starts_with("refused: the token server answers HTTP 401, no. Are user and password right"));
    CHECK(token(login("$.t"), 302, "").starts_with("refused: the token server answers HTTP 302, a redirect"));
}
