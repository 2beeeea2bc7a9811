#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/has.hpp"
#include "tests/support/temporary_directory.hpp"

// `init --from` on an API that behaves like GitHub's, then check and preview of what it wrote.
namespace pawl::app {

namespace {

using test::has;

/// The binary under test, and the replica of the API that lies beside it.
std::filesystem::path binary(const std::string& name) {
    const char* given = std::getenv("PAWL_BINARY");
    return std::filesystem::path(given != nullptr ? given : "build/pawl").parent_path() / name;
}

/// The replica in a process of its own, on a free port.
struct StarsApi {
    test::ChildProcess process{{.argv = {binary("pawl_replica"), "--data", "tests/data/github"}}};
    std::string url;

    StarsApi() {
        const std::string greeting = "listening on ";
        const bool listens = test::eventually(std::chrono::seconds(20), [&] { return has(process.output(), "\n"); });
        INFO(process.errors());
        REQUIRE(listens);
        const auto output = process.output();
        url = "http://" + output.substr(greeting.size(), output.find('\n') - greeting.size());
    }
};

}  // namespace

TEST_CASE("what init --from proposes of a list with Link and quota headers checks, previews and finds the next page",
          "[init]") {
    const test::TemporaryDirectory folder;
    const StarsApi api;
    const auto file = (folder.path() / "stars.yaml").string();
    const auto run = [&](std::vector<std::string> words) {
        words.insert(words.begin(), binary("pawl"));
        return test::run_program({.argv = std::move(words), .env = {{"STARS_KEYS", "alice:key-alice"}}});
    };
    const auto init = run({"init", file, "--from", api.url + "/repos/sindresorhus/awesome/stargazers?per_page=30",
                           "--header", "Authorization: token key-alice", "--header", "Accept: application/vnd.github+json"});
    INFO(init.errors);
    REQUIRE(init.status == 0);

    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    INFO(text);
    CHECK_FALSE(has(text, "key-alice"));
    for (const std::string part :
         {"paginate: link\n", "{name: api, rate: 5000/h}\n", "  remaining: x-ratelimit-remaining\n",
          "  reset: {header: x-ratelimit-reset, format: epoch}\n", "x-ratelimit-resource, core: api}\n",
          "inject: {header: Authorization, value: \"token {key}\"}\n", "query: {per_page: 30}\n", "    key: id\n"}) {
        INFO(part);
        CHECK(has(text, part));
    }

    CHECK(run({"check", file}).status == 0);
    const auto preview = run({"preview", "stargazers", "--sources", file});
    INFO(preview.output << preview.errors);
    CHECK(preview.status == 0);
    CHECK(has(preview.output, "30 records\n"));
    CHECK(has(preview.output, "\nnext page: " + api.url));
    CHECK(has(preview.output, "\nx-ratelimit-used: 2 (not in the file's feedback"));
}

}  // namespace pawl::app
