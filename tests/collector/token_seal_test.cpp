#include "collector/token_seal.hpp"

#include "collector/kept_token.hpp"
#include "core/base64.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;

namespace {

core::TokenGrant client(const std::string& secret) {
    core::TokenGrant grant;
    grant.url = "https://id.test/token";
    grant.client_id = "me";
    grant.client_secret = secret;
    return grant;
}

}  // namespace

TEST_CASE("what is sealed opens again, and shows nothing", "[token_seal]") {
    core::SeededRandom random{1};
    const TokenSeal seal(client("secret"), "api", "default");
    for (const std::string& text : {std::string(), std::string("ghs_token"),
                                    std::string(10'000, 'x'), std::string("\0\xff", 2)}) {
        const auto sealed = seal.seal(text, random);
        CHECK(seal.open(sealed) == text);
        if (!text.empty()) CHECK(core::from_base64(sealed)->find(text) == std::string::npos);
        CHECK(seal.seal(text, random) != sealed);
    }
}

TEST_CASE("a sealed text that was changed does not open", "[token_seal]") {
    core::SeededRandom random{2};
    const TokenSeal seal(client("secret"), "api", "default");
    const auto bytes = *core::from_base64(seal.seal("token", random));
    REQUIRE(bytes.size() == 1 + 12 + 5 + 16);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        auto changed = bytes;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        INFO(i);
        CHECK(seal.open(core::base64(changed)) == std::nullopt);
    }
    CHECK(seal.open(core::base64(bytes.substr(0, bytes.size() - 1))) == std::nullopt);
    CHECK(seal.open("") == std::nullopt);
    CHECK(seal.open("no base64") == std::nullopt);
}

TEST_CASE("a sealed text opens for its own source, account and secrets only", "[token_seal]") {
    core::SeededRandom random{3};
    const TokenSeal seal(client("secret"), "api", "default");
    const auto sealed = seal.seal("token", random);
    CHECK(TokenSeal(client("secret"), "api", "default").open(sealed) == "token");
    CHECK(TokenSeal(client("secret"), "other", "default").open(sealed) == std::nullopt);
    CHECK(TokenSeal(client("secret"), "api", "other").open(sealed) == std::nullopt);
    CHECK(TokenSeal(client("secret2"), "api", "default").open(sealed) == std::nullopt);
    auto refreshing = client("secret");
    refreshing.refresh_token = "another one in the file";
    CHECK(TokenSeal(refreshing, "api", "default").open(sealed) == std::nullopt);
    auto moved = client("secret");
    moved.client_id = "m";
    moved.client_secret = "e" + moved.client_secret;
    CHECK(TokenSeal(moved, "api", "default").open(sealed) == std::nullopt);
}

TEST_CASE("key ids tell secrets apart, and do not hold them", "[token_seal]") {
    const TokenSeal one(client("secret"), "api", "default"), two(client("other"), "api", "default");
    CHECK(one.key_id().size() == 16);
    CHECK(one.key_id() != two.key_id());
    CHECK(one.key_id() == TokenSeal(client("secret"), "api", "default").key_id());
}

TEST_CASE("what is kept of a token reads back, and nothing else does", "[token_seal]") {
    const TokenSecrets secrets{"token", "refresh", "asked"};
    CHECK(decode_token_secrets(encode(secrets)) == secrets);
    for (const std::string bad : {"", "[]", "{}", R"({"token":1,"refresh_token":"","asked":""})"})
        CHECK(decode_token_secrets(bad) == std::nullopt);
    auto grant = client("secret");
    const auto asked = asked_for(grant);
    grant.scope = "read";
    CHECK(asked_for(grant) != asked);
}
