#include "collector/credentials.hpp"

#include <filesystem>
#include <fstream>

#include "core/errors.hpp"
#include "core/identity.hpp"
#include "core/redact.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temporary_directory.hpp"

using namespace pawl;
using namespace pawl::collector;

namespace {

std::shared_ptr<const core::SourceFile> source_from(const std::string& from) {
    return test::source_paged("none",
                              "credentials: {from: {" + from +
                                  "}, inject: {header: Authorization, value: \"Bearer {key}\"}}\n");
}

std::vector<std::string> secrets(const Account& account) {
    std::vector<std::string> all;
    for (const auto& key : account.keys) all.push_back(key.secret);
    return all;
}

void write(const std::filesystem::path& file, const std::string& text) {
    std::ofstream(file) << text;
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

}  // namespace

TEST_CASE("an owner is what stands before the only colon and looks like a name",
          "[collector][credentials]") {
    CHECK(split_key("alice:abcd").owner == "alice");
    CHECK(split_key("alice:abcd").key == "abcd");
    CHECK(split_key("al-ice.2_x:abcd").owner == "al-ice.2_x");
    const auto scoped = split_key(" alice:abcd  repo read:org # both");
    CHECK(scoped.owner == "alice");
    CHECK(scoped.key == "abcd");
    CHECK(scoped.scopes == std::vector<std::string>{"repo", "read:org"});
    for (const char* whole : {"abcd", ":abcd", "alice:", "user:pass:word"}) {
        CHECK(split_key(whole).owner.empty());
        CHECK(split_key(whole).key == whole);
    }
}

TEST_CASE("keys of the environment belong to named or numbered owners",
          "[collector][credentials]") {
    const auto accounts = load_accounts(*source_from("env: KEYS"),
                                        {{"KEYS", "alice:one1, two2 ,alice:three3,,one1"}}, "");
    REQUIRE(accounts.size() == 3);
    CHECK(accounts[0].owner == "alice");
    CHECK(secrets(accounts[0]) == std::vector<std::string>{"one1", "three3"});
    CHECK(alias_of(accounts[0], accounts[0].keys[0]) == "alice/" + core::sha256_hex("one1").substr(0, 8));
    CHECK(accounts[0].keys[0].owner_told);
    CHECK_FALSE(accounts[1].keys[0].owner_told);
    CHECK(accounts[1].owner == "key2");
    CHECK(core::redact("x three3 y") == "x *** y");
}

TEST_CASE("keys are regrouped by the accounts that the API told, what was written down stands", "[collector][credentials]") {
    const auto accounts = load_accounts(*source_from("env: KEYS"), {{"KEYS", "one1,two2,alice:three3"}}, "");
    const auto fingerprint = [](const std::string& secret) { return core::sha256_hex(secret).substr(0, 8); };
    const auto grouped = regrouped(accounts, {{fingerprint("one1"), "bob"}, {fingerprint("two2"), "bob"},
                                              {fingerprint("three3"), "bob"}});
    REQUIRE(grouped.size() == 2);
    CHECK(grouped[0].owner == "bob");
    CHECK(secrets(grouped[0]) == std::vector<std::string>{"one1", "two2"});
    CHECK(grouped[1].owner == "alice");
}

TEST_CASE("a scope that no key has is a configuration error", "[collector][credentials]") {
    const auto source = test::source_of(
        "source: test\nbase_url: https://api.example.com\ncredentials: {from: {env: KEYS}}\n"
        "streams: {item: {path: /x, scopes: [repo], key: id}}\n");
    CHECK_THROWS_WITH(load_accounts(*source, {{"KEYS", "ann:one1"}}, ""), Catch::Matchers::Contains("scope repo"));
    CHECK(load_accounts(*source, {{"KEYS", "ann:one1,bob:two2 repo gist"}}, "").size() == 2);
}

TEST_CASE("a password has no fingerprint that guesses could be tried on", "[collector][credentials]") {
    const auto source = test::source_paged("none", "auth: {basic: {user: ann, password: secret}}\n");
    const auto accounts = load_accounts(*source, {}, "");
    CHECK(alias_of(accounts.at(0), accounts.at(0).keys.at(0)) == "default");
}

TEST_CASE("a missing or empty variable is a configuration error that names it",
          "[collector][credentials]") {
    CHECK_THROWS_AS(load_accounts(*source_from("env: KEYS"), {}, ""), core::ConfigError);
    CHECK_THROWS_WITH(load_accounts(*source_from("env: KEYS"), {{"KEYS", " , "}}, ""),
                      Catch::Matchers::Contains("KEYS"));
}

TEST_CASE("a directory holds a key a file, named after its owner", "[collector][credentials]") {
    test::TemporaryDirectory directory;
    const std::filesystem::path root = directory.path();
    std::filesystem::create_directory(root / "github");
    write(root / "github" / "bob-7", "secret-b\n");
    write(root / "github" / "alice", "secret-a\n");
    write(root / "github" / ".hidden", "secret-h\n");
    const auto accounts = load_accounts(*source_from("dir: github"), {}, root.string());
    REQUIRE(accounts.size() == 2);
    CHECK(accounts[0].owner == "alice");
    CHECK(accounts[1].owner == "bob-7");
    CHECK(secrets(accounts[1]) == std::vector<std::string>{"secret-b"});
    CHECK_THROWS_AS(load_accounts(*source_from("dir: nowhere"), {}, root.string()),
                    core::ConfigError);
}

TEST_CASE("a file holds a key a line", "[collector][credentials]") {
    test::TemporaryDirectory directory;
    const std::filesystem::path root = directory.path();
    write(root / "keys", "# ours\nalice:secret-1\n\nsecret-2\n");
    const auto accounts = load_accounts(*source_from("file: keys"), {}, root.string());
    REQUIRE(accounts.size() == 2);
    CHECK(accounts[1].owner == "key2");
}

TEST_CASE("keys go where the source wants them", "[collector][credentials]") {
    HttpRequest request;
    request.url = "https://api.example.com/x?a=1";
    inject_credentials(*source_from("env: KEYS"), "tok en", request);
    REQUIRE(request.headers.size() == 1);
    CHECK(request.headers[0].second == "Bearer tok en");

    const auto basic =
        test::source_paged("none", "auth: {basic: {user: Aladdin, password: open sesame}}\n");
    const auto accounts = load_accounts(*basic, {}, "");
    REQUIRE(accounts.size() == 1);
    HttpRequest other;
    inject_credentials(*basic, accounts[0].keys[0].secret, other);
    CHECK(other.headers[0].second == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");  // RFC 7617
    CHECK(core::redact("sent Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") == "sent Basic ***");
    CHECK(core::redact("with open sesame") == "with ***");

    const auto by_query =
        test::source_paged("none", "auth: {api_key: {query: key, value: hush-hush}}\n");
    HttpRequest third;
    third.url = "https://api.example.com/x?a=1";
    inject_credentials(*by_query, "hush-hush", third);
    CHECK(third.url == "https://api.example.com/x?a=1&key=hush-hush");
    CHECK(secret_query_of(*by_query) == "key");
}
