#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/has.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/temporary_directory.hpp"

// `pawl init` as a user runs it, and `preview` of what it writes.
namespace pawl::app {

namespace {

using test::has;

/// A folder to write into, and an API.
struct Bench {
    test::ScriptedServer api;
    test::TemporaryDirectory folder;

    Bench() {
        api.on("/items", R"([{"id":1,"title":"one"},{"id":2,"title":"two"}])",
               "X-RateLimit-Limit: 60\r\nX-RateLimit-Remaining: 59\r\nX-RateLimit-Reset: 30\r\nX-RateLimit-Used: "
               "1\r\nRetry-After: 7\r\n");
    }
    [[nodiscard]] test::Ran run(std::vector<std::string> words, std::map<std::string, std::string> env = {}) const {
        test::ChildProcess::Options options;
        options.argv = {std::filesystem::absolute("build/pawl")};
        if (const char* binary = std::getenv("PAWL_BINARY")) options.argv[0] = std::filesystem::absolute(binary);
        options.argv.insert(options.argv.end(), words.begin(), words.end());
        options.directory = folder.path();
        options.env = std::move(env);
        return test::run_program(options);
    }
    [[nodiscard]] std::string text_of(const std::string& name) const {
        std::ifstream file(folder.path() / name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
};

}  // namespace

TEST_CASE("init writes a file that passes check", "[init_command]") {
    const Bench bench;
    const auto ran = bench.run({"init", "my-shop"});
    CHECK(ran.status == 0);
    CHECK(ran.output == "Wrote my-shop.yaml. Read it, then: pawl check my-shop.yaml\n");
    CHECK(has(bench.text_of("my-shop.yaml"), "\nsource: my_shop\n"));
    CHECK(bench.run({"check", "my-shop.yaml"}).status == 0);
    CHECK(has(bench.run({"init"}).output, "\nsource: example\n"));
    CHECK(has(bench.run({"init", "-"}).output, "\nsource: example\n"));
}

TEST_CASE("init writes over nothing unless told to", "[init_command]") {
    const Bench bench;
    std::ofstream(bench.folder.path() / "shop.yaml") << "mine";
    const auto refused = bench.run({"init", "shop"});
    CHECK(refused.status == 2);
    CHECK(has(refused.errors, "shop.yaml is there already; --force writes over it"));
    CHECK(bench.text_of("shop.yaml") == "mine");
    CHECK(bench.run({"init", "shop", "--from", bench.api.url("/items")}).status == 2);
    CHECK(bench.api.requests().empty());
    CHECK(bench.run({"init", "shop.yaml", "--force"}).status == 0);
    CHECK(has(bench.text_of("shop.yaml"), "source: shop\n"));
    const auto nowhere = bench.run({"init", "none/shop"});
    CHECK(nowhere.status == 78);
    CHECK(has(nowhere.errors, "cannot write none/shop.yaml"));
    CHECK(bench.run({"init", "123"}).status == 2);
}

TEST_CASE("init --from writes what preview can run, and preview tells headers that feedback does not name", "[init_command]") {
    const Bench bench;
    const auto ran = bench.run({"init", "shop", "--from", bench.api.url("/items")});
    INFO(ran.errors);
    REQUIRE(ran.status == 0);
    CHECK(bench.api.requests().size() == 1);
    CHECK(bench.run({"check", "shop.yaml"}).status == 0);
    const auto preview = bench.run({"preview", "items", "--sources", "shop.yaml"});
    INFO(bench.text_of("shop.yaml"));
    CHECK(preview.status == 0);
    CHECK(has(preview.output, "two"));
    CHECK(has(preview.output, "\nx-ratelimit-remaining: 59\n"));
    CHECK(has(preview.output, "\nx-ratelimit-used: 1 (not in the file's feedback: pawl config explain feedback)\n"));
    CHECK(has(preview.output, "\nretry-after: 7\n"));
    const auto json = nlohmann::json::parse(bench.run({"preview", "items", "--sources", "shop.yaml", "--json"}).output);
    CHECK(json["limits"]["x-ratelimit-limit"] == "60");
    CHECK(json["limits_not_in_feedback"] == nlohmann::json({{"x-ratelimit-used", "1"}}));
}

TEST_CASE("init --from without a file prints the proposal", "[init_command]") {
    const Bench bench;
    const auto ran = bench.run({"init", "--from", bench.api.url("/items")});
    CHECK(ran.status == 0);
    CHECK(has(ran.output, "\nsource: api\n"));
    const auto json = nlohmann::json::parse(bench.run({"init", "--from", bench.api.url("/items"), "--json"}).output);
    CHECK(json["source"] == "api");
    CHECK(has(json["text"].get<std::string>(), "\nsource: api\n"));
}

TEST_CASE("plain values are stored one a row", "[init_command]") {
    Bench bench;
    bench.api.on("/ids", "[11,12]");
    REQUIRE(bench.run({"init", "ids", "--from", bench.api.url("/ids")}).status == 0);
    const auto preview = bench.run({"preview", "ids", "--sources", "ids.yaml"});
    INFO(preview.output << preview.errors << bench.text_of("ids.yaml"));
    CHECK(preview.status == 0);
    CHECK(has(preview.output, "2 records\n"));
    CHECK(has(preview.output, "12"));
}

TEST_CASE("a key given to init is sent, and is in no file and no message", "[init_command]") {
    Bench bench;
    const auto file = "shop.yaml";
    const auto ran =
        bench.run({"init", "shop", "--from", bench.api.url("/items"), "--header", "Authorization: Bearer sesame-77"});
    REQUIRE(ran.status == 0);
    CHECK(has(bench.api.requests().at(0), "Authorization: Bearer sesame-77\r\n"));
    CHECK_FALSE(has(bench.text_of(file) + ran.output + ran.errors, "sesame"));
    CHECK(bench.run({"check", file}).status == 0);
    CHECK(bench.run({"preview", "items", "--sources", file}, {{"SHOP_KEYS", "sesame-78"}}).status == 0);
    CHECK(has(bench.api.requests().at(1), "authorization: Bearer sesame-78\r\n"));
    const auto by_variable = bench.run(
        {"init", "shop", "--force", "--from", bench.api.url("/items"), "--header", "Authorization: Bearer ${SHOP_TOKEN}"},
        {{"SHOP_TOKEN", "sesame-79"}});
    CHECK(by_variable.status == 0);
    CHECK(has(bench.api.requests().at(2), "Authorization: Bearer sesame-79\r\n"));
    CHECK(has(bench.text_of(file), "from: {env: SHOP_TOKEN}"));
    CHECK_FALSE(has(bench.text_of(file) + by_variable.output + by_variable.errors, "sesame"));
}

TEST_CASE("a redirect to another origin carries no key", "[init_command]") {
    Bench bench;
    test::ScriptedServer other;
    other.on("/items", R"([{"id":1}])");
    using Step = test::ScriptedServer::Step;
    bench.api.on("/old",
                 {Step{.text = "HTTP/1.1 302 Found\r\nLocation: " + other.url("/items") + "\r\nContent-Length: 0\r\n\r\n"}});
    const auto ran = bench.run({"init", "shop", "--from", bench.api.url("/old"), "--header", "X-Key: sesame-80"});
    CHECK(ran.status == 0);
    CHECK(has(bench.api.requests().at(0), "sesame-80"));
    CHECK_FALSE(has(other.requests().at(0), "sesame-80"));
}

TEST_CASE("what init cannot propose from exits with the code for it, and writes nothing", "[init_command]") {
    Bench bench;
    using Step = test::ScriptedServer::Step;
    bench.api.on("/closed", {Step{.text = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"}});
    bench.api.on("/page", "<html>", "Content-Type: text/html\r\n");
    const auto from = [&](const std::string& url) { return bench.run({"init", "shop", "--from", url}); };
    const auto closed = from(bench.api.url("/closed"));
    CHECK(closed.status == 6);
    CHECK(has(closed.errors, "--header"));
    const auto page = from(bench.api.url("/page"));
    CHECK(page.status == 1);
    CHECK(has(page.errors, "not JSON"));
    CHECK(from(bench.api.url("/nothing")).status == 1);
    CHECK(from("http://127.0.0.1:" + std::to_string(test::free_port())).status == 5);
    CHECK(from("h/items").status == 2);
    CHECK(bench.run({"init", "shop", "--header", "A: b"}).status == 2);
    CHECK_FALSE(std::filesystem::exists(bench.folder.path() / "shop.yaml"));
}

}  // namespace pawl::app
