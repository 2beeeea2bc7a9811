#include <fstream>

#include "tests/collector/rsa_key.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/has.hpp"
#include "tests/support/private_postgres.hpp"
#include "tests/support/private_redis.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/temporary_directory.hpp"

// Commands on sources whose token renews itself. Tests run in the root of the repository.
namespace pawl::app {

namespace {

using test::has;

/// An API with a token server, and a source file that asks it.
struct TokenApi {
    test::ScriptedServer server;
    test::TemporaryDirectory folder;

    TokenApi() { server.on("/item/1", R"({"id": 1, "title": "one"})"); }
    void write_source(const std::string& auth) const {
        std::ofstream(folder.path() / "api.yaml")
            << "source: api\nbase_url: " << server.url() << "\nauth:\n"
            << auth
            << "streams:\n  item: {foreach: {list: [1], as: id}, path: \"/item/{id}\", key: id}\n";
    }
    [[nodiscard]] test::Ran preview(std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"preview", "item"});
        return run(std::move(more));
    }
    [[nodiscard]] test::Ran run(std::vector<std::string> words) const {
        test::ChildProcess::Options options;
        options.argv = {"build/pawl"};
        if (const char* binary = std::getenv("PAWL_BINARY")) options.argv[0] = binary;
        options.argv.insert(options.argv.end(), words.begin(), words.end());
        for (const std::string word : {"--sources", "api.yaml", "--state-dir", "state"})
            options.argv.push_back(word.starts_with("--") ? word : (folder.path() / word).string());
        options.unset = {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE"};
        return test::run_program(options);
    }
    /// Requests of `target`, in order.
    [[nodiscard]] std::vector<std::string> asked(const std::string& target) const {
        std::vector<std::string> found;
        for (auto& request : server.requests())
            if (has(request, " " + target + " ")) found.push_back(request);
        return found;
    }
};

}  // namespace

TEST_CASE("preview gets a token with client credentials, and needs no server", "[token_commands]") {
    TokenApi api;
    api.server.on("/token", R"({"access_token":"preview-token-1","expires_in":3600})");
    api.write_source("  oauth2: {token_url: \"" + api.server.url("/token") +
                     "\", client_id: me, client_secret: preview-secret}\n");
    const auto ran = api.preview();
    INFO(ran.errors);
    CHECK(ran.status == 0);
    CHECK(has(ran.output, "one"));
    REQUIRE(api.asked("/item/1").size() == 1);
    CHECK(has(api.asked("/item/1")[0], "Authorization: Bearer preview-token-1\r\n"));
    for (const std::string secret : {"preview-token-1", "preview-secret"})
        CHECK_FALSE(has(ran.output + ran.errors, secret));
}

TEST_CASE("preview exchanges the JWT of a GitHub App", "[token_commands]") {
    TokenApi api;
    std::ofstream(api.folder.path() / "app.pem") << test::rsa_key().pkcs1();
    api.server.on("/app/installations/7/access_tokens",
                  {{.text = "HTTP/1.1 201 Created\r\nContent-Length: 61\r\n\r\n"
                            R"({"token":"ghs_preview_1","expires_at":"2199-01-01T00:00:00Z"})"}});
    api.write_source("  jwt: {issuer: 12345, private_key_file: \"" +
                     (api.folder.path() / "app.pem").string() + "\", exchange: {url: \"" +
                     api.server.url("/app/installations/7/access_tokens") + "\"}}\n");
    const auto ran = api.preview();
    INFO(ran.errors);
    CHECK(ran.status == 0);
    REQUIRE(api.asked("/app/installations/7/access_tokens").size() == 1);
    CHECK(has(api.asked("/app/installations/7/access_tokens")[0], "Authorization: Bearer eyJ"));
    REQUIRE(api.asked("/item/1").size() == 1);
    CHECK(has(api.asked("/item/1")[0], "Authorization: Bearer ghs_preview_1\r\n"));
    CHECK_FALSE(has(ran.output + ran.errors, "ghs_preview_1"));
}

TEST_CASE("preview uses a refresh token only where the next one can be kept",
          "[token_commands][servers]") {
    TokenApi api;
    api.server.on(
        "/token",
        R"({"access_token":"preview-t1","expires_in":3600,"refresh_token":"preview-r1"})");
    api.write_source("  oauth2: {token_url: \"" + api.server.url("/token") +
                     "\", grant: refresh_token, client_id: me, refresh_token: preview-r0}\n");
    const auto nowhere = api.preview(
        {"--postgres", "postgresql://u@127.0.0.1:" + std::to_string(test::free_port()) + "/x"});
    CHECK(nowhere.status == 5);
    CHECK(api.asked("/token").empty());

    const auto url = test::PrivatePostgres::shared().new_database();
    for (int i = 0; i < 2; ++i) {
        const auto ran = api.preview({"--postgres", url});
        INFO(ran.errors);
        CHECK(ran.status == 0);
    }
    CHECK(api.asked("/token").size() == 1);  // the second took what the first had kept
    CHECK(api.asked("/item/1").size() == 2);
    CHECK(test::psql(url, "select version, sealed like '%preview%' from pawl.token") == "1|f");
}

TEST_CASE("preview says what to do about credentials that the token server refuses",
          "[token_commands]") {
    TokenApi api;
    const std::string body = R"({"error":"invalid_client"})";
    api.server.on("/token", {{.text = "HTTP/1.1 401 Unauthorized\r\nContent-Length: " +
                                      std::to_string(body.size()) + "\r\n\r\n" + body}});
    api.write_source("  oauth2: {token_url: \"" + api.server.url("/token") +
                     "\", client_id: me, client_secret: preview-secret}\n");
    const auto ran = api.preview();
    CHECK(ran.status == 6);
    CHECK(has(ran.errors, "Are client_id and client_secret right?"));
    CHECK(api.asked("/item/1").empty());
}

TEST_CASE("sync collects with a token, and the next process goes on with it",
          "[token_commands][servers]") {
    TokenApi api;
    const test::PrivateRedis redis;
    const auto url = test::PrivatePostgres::shared().new_database();
    api.server.on("/token",
                  R"({"access_token":"sync-token-1","expires_in":3600,"refresh_token":"sync-r1"})");
    api.write_source("  oauth2: {token_url: \"" + api.server.url("/token") +
                     "\", grant: refresh_token, client_id: me, refresh_token: sync-r0}\n");
    for (int i = 0; i < 2; ++i) {
        const auto ran =
            api.run({"sync", "--redis", redis.url(), "--postgres", url, "--log-level", "debug"});
        INFO(ran.errors);
        CHECK(ran.status == 0);
        for (const std::string secret : {"sync-token-1", "sync-r0", "sync-r1"})
            CHECK_FALSE(has(ran.output + ran.errors, secret));
    }
    CHECK(test::psql(url, "select count(*) from api.item") == "1");
    CHECK(api.asked("/token").size() == 1);
    REQUIRE(api.asked("/item/1").size() == 2);
    for (const auto& request : api.asked("/item/1"))
        CHECK(has(request, "Authorization: Bearer sync-token-1\r\n"));
}

}  // namespace pawl::app
