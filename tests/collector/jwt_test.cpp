#include "collector/jwt.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "collector/private_key_file.hpp"
#include "core/base64.hpp"
#include "core/errors.hpp"
#include "tests/collector/rsa_key.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace pawl;
using namespace pawl::collector;
using namespace std::chrono_literals;

namespace {

const core::WallTime noon{1'800'000'000s};

std::string from_base64url(std::string text) {
    std::replace(text.begin(), text.end(), '-', '+');
    std::replace(text.begin(), text.end(), '_', '/');
    text.append((4 - text.size() % 4) % 4, '=');
    const auto bytes = core::from_base64(text);
    REQUIRE(bytes);
    return *bytes;
}

struct JwtParts {
    nlohmann::json header, claims;
    std::string text, signature;
};

JwtParts parts_of(const std::string& jwt) {
    const auto first = jwt.find('.'), second = jwt.rfind('.');
    REQUIRE(first < second);
    return {nlohmann::json::parse(from_base64url(jwt.substr(0, first))),
            nlohmann::json::parse(from_base64url(jwt.substr(first + 1, second - first - 1))),
            jwt.substr(0, second), from_base64url(jwt.substr(second + 1))};
}

core::TokenGrant app(std::string pem) {
    core::TokenGrant grant;
    grant.kind = core::TokenGrant::Kind::jwt_bearer;
    grant.issuer = "12345";
    grant.private_key = std::move(pem);
    return grant;
}

}  // namespace

TEST_CASE("a JWT is signed with RS256, and its claims are those of a GitHub App", "[jwt]") {
    for (const std::string& pem : {test::rsa_key().pkcs1(), test::rsa_key().pkcs8()}) {
        const auto jwt = parts_of(signed_jwt(app(pem), noon));
        CHECK(jwt.header == nlohmann::json{{"alg", "RS256"}, {"typ", "JWT"}});
        CHECK(jwt.claims ==
              nlohmann::json{{"iss", "12345"}, {"iat", 1'799'999'940}, {"exp", 1'800'000'540}});
        CHECK(test::rsa_key().has_signed(jwt.text, jwt.signature));
        CHECK_FALSE(test::rsa_key().has_signed(jwt.text + "x", jwt.signature));
    }
}

TEST_CASE("a JWT has the claims of a service account", "[jwt]") {
    auto grant = app(test::rsa_key().pkcs8());
    grant.key_id = "k1";
    grant.audience = "https://id.test/token";
    grant.lifetime = 1h;
    grant.claims = {{"scope", "read write"}, {"sub", "\"quoted\""}};
    const auto jwt = parts_of(signed_jwt(grant, noon));
    CHECK(jwt.header.at("kid") == "k1");
    CHECK(jwt.claims.at("aud") == "https://id.test/token");
    CHECK(jwt.claims.at("scope") == "read write");
    CHECK(jwt.claims.at("sub") == "\"quoted\"");
    CHECK(jwt.claims.at("exp").get<int>() - jwt.claims.at("iat").get<int>() == 3600);
}

TEST_CASE("a private key that cannot be used is told, and nothing of it shown", "[jwt]") {
    const auto whole = test::rsa_key().pkcs8();
    for (const std::string& bad :
         {std::string("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"),
          whole.substr(0, whole.size() / 2), std::string()}) {
        CHECK_THROWS_AS(check_private_key(bad), core::ConfigError);
        CHECK_THROWS_WITH(check_private_key(bad), !pawl_tests::contains("c2VjcmV0"));
    }
    CHECK_NOTHROW(check_private_key(whole));
}

TEST_CASE("a private key is read from its file, below the folder of secrets", "[jwt]") {
    const test::TemporaryDirectory folder;
    auto grant = app("");
    grant.private_key_file = "app.pem";
    CHECK_THROWS_AS(with_private_key(grant, folder.path().string()), core::ConfigError);
    std::ofstream(folder.path() / "app.pem") << test::rsa_key().pkcs1();
    CHECK(with_private_key(grant, folder.path().string()).private_key == test::rsa_key().pkcs1());
    std::ofstream(folder.path() / "app.pem") << "no key";
    CHECK_THROWS_AS(with_private_key(grant, folder.path().string()), core::ConfigError);
}
