#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/has.hpp"
#include "tests/support/temporary_directory.hpp"

// `pawl config` as a user runs it. Tests run in the root of the repository.
namespace pawl::app {

namespace {

using test::has;

test::Ran config(std::vector<std::string> words) {
    test::ChildProcess::Options options;
    options.argv = {"build/pawl"};
    if (const char* binary = std::getenv("PAWL_BINARY")) options.argv[0] = binary;
    options.argv.emplace_back("config");
    options.argv.insert(options.argv.end(), words.begin(), words.end());
    return test::run_program(options);
}

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    REQUIRE(file.is_open());
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("config explain tells what a key is, by its path in a file or in the reference", "[config_command]") {
    const auto ran = config({"explain", "streams.paginate"});
    CHECK(ran.status == 0);
    CHECK(ran.errors.empty());
    for (const std::string part :
         {"streams.*.paginate\n", "  type     text or map\n", "  default  none\n", "Below it:", "Example:\n  paginate:"}) {
        INFO(part);
        CHECK(has(ran.output, part));
    }
    CHECK(config({"explain", "streams.stargazers.paginate"}).output == ran.output);
    CHECK(config({"explain", "streams.*.paginate"}).output == ran.output);
}

TEST_CASE("config explain without a key tells the keys of the file", "[config_command]") {
    const auto ran = config({"explain"});
    CHECK(ran.status == 0);
    CHECK(has(ran.output, "\n  streams "));
    const auto json = nlohmann::json::parse(config({"explain", "--json"}).output);
    CHECK(json.size() > 8);
    CHECK(json[0]["path"] == "source");
}

TEST_CASE("config explain as JSON has what the text has", "[config_command]") {
    const auto json = nlohmann::json::parse(config({"explain", "limits.per", "--json"}).output);
    CHECK(json["path"] == "limits[].per");
    CHECK(json["choices"] == nlohmann::json({"owner", "key", "source"}));
    CHECK(json["default"] == "owner");
    CHECK(json["supported"] == true);
}

TEST_CASE("config explain tells settings, too", "[config_command]") {
    CHECK(has(config({"explain", "http.listen"}).output, "PAWL_HTTP_LISTEN"));
    CHECK(has(config({"explain", "postgres"}).output, "postgres.batch_age"));
    CHECK(nlohmann::json::parse(config({"explain", "lease", "--json"}).output)["environment"] == "PAWL_LEASE");
}

TEST_CASE("config explain of what is not there exits with 2 and suggests what is", "[config_command]") {
    const auto typo = config({"explain", "streams.repos.pagniate"});
    CHECK(typo.status == 2);
    CHECK(typo.output.empty());
    CHECK(has(typo.errors, "did you mean \"streams.repos.paginate\"?"));
    const auto setting = config({"explain", "http.walks_mox"});
    CHECK(setting.status == 2);
    CHECK(has(setting.errors, "did you mean \"http.walks_max\"?"));
    const auto several = config({"explain", "paginate"});
    CHECK(several.status == 2);
    CHECK(has(several.errors, "pawl config explain 'defaults.paginate'\n"));
    CHECK(has(several.errors, "pawl config explain 'streams.*.paginate'"));
}

TEST_CASE("config schema prints what the documentation keeps", "[config_command]") {
    const auto ran = config({"schema"});
    CHECK(ran.status == 0);
    CHECK((ran.output == text_of("docs/source-file.schema.json")));
}

TEST_CASE("config reference prints rows, and renews them in a page", "[config_command]") {
    CHECK(has(config({"reference"}).output, "| `limits[].rate` | rate | – | "));
    const test::TemporaryDirectory folder;
    const auto page = folder.path() / "page.md";
    const auto right = text_of("docs/source-files.md");
    auto wrong = right;
    wrong.replace(wrong.find("| `limits[].rate` | rate |"), 26, "| `limits[].rate` | pace |");
    std::ofstream(page) << wrong;
    CHECK(config({"reference", "--update", page}).status == 0);
    CHECK((text_of(page) == right));
    const auto missing = config({"reference", "--update", folder.path() / "none.md"});
    CHECK(missing.status == 78);
    CHECK(has(missing.errors, "cannot read"));
}

TEST_CASE("config knows its three words", "[config_command]") {
    const auto typo = config({"explian", "limits"});
    CHECK(typo.status == 2);
    CHECK(has(typo.errors, "did you mean 'explain'?"));
    for (const auto& words : std::vector<std::vector<std::string>>{{}, {"schema", "limits"}, {"schema", "--update", "x"}, {"explain", "a", "b"}})
        CHECK(config(words).status == 2);
}

}  // namespace pawl::app
