#include <fstream>

#include "tests/collector/rsa_key.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/has.hpp"
#include "tests/support/private_postgres.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/temporary_directory.hpp"

// `pawl preview` of sources whose token renews itself. Tests run in the root of the repository.
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
        test::ChildProcess::Options options;
        options.argv = {"build/pawl",
                        "preview",
                        "item",
                        "--sources",
                        folder.path() / "api.yaml",
                        "--state-dir",
                        folder.path() / "state"};
        if (const char* binary = std::getenv("PAWL_BINARY")) options.argv[0] = binary;
        options.argv.insert(options.argv.end(), more.begin(), more.end());
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

TEST_CASE("preview gets a token with client credentials, and needs no server", "[preview_token]") {
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

TEST_CASE("preview exchanges the JWT of a GitHub App", "[preview_token]") {
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
          "[preview_token][servers]") {
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
          "[preview_token]") {
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

}  // namespace pawl::app
