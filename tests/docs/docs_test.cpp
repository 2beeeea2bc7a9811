#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/expression_functions.hpp"
#include "core/field_explanation.hpp"
#include "core/field_reference.hpp"
#include "core/field_table.hpp"
#include "core/source_parser.hpp"
#include "core/source_schema.hpp"
#include "tests/support/catch.hpp"

// What the documentation says of the code must be true. Tests run in the root of the repository.
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE(in);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<std::smatch> matches(const std::string& text, const std::regex& pattern) {
    return {std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator()};
}
std::vector<std::smatch> matches(std::string&&, const std::regex&) = delete;  // a match points into its text

std::vector<fs::path> pages() {
    std::vector<fs::path> found{"README.md", "CHANGELOG.md", "bench/README.md"};
    for (const auto& entry : fs::recursive_directory_iterator("docs"))
        if (entry.path().extension() == ".md") found.push_back(entry.path());
    return found;
}

/// The YAML blocks of a page that are whole source files.
std::vector<std::string> source_files(const std::string& page) {
    static const std::regex block("```yaml\n([\\s\\S]*?)```");
    std::vector<std::string> found;
    for (const auto& match : matches(page, block)) {
        const auto text = match[1].str();
        if (text.starts_with("source:") && text.find("\nstreams:") != std::string::npos)
            found.push_back(text);
    }
    return found;
}

}  // namespace

TEST_CASE("the GitHub reference file has at most 100 lines, of at most 170 characters", "[docs]") {
    std::istringstream lines(read("sources/github.yaml"));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) CHECK(line.size() <= 170);
    CHECK(count <= 100);
}

TEST_CASE("the reference of source files has the row of every field, and no other", "[docs]") {
    const auto page = read("docs/source-files.md");
    INFO("pawl config reference --update docs/source-files.md");
    CHECK(pawl::core::renewed_reference(page) == page);
    for (const auto& field : pawl::core::source_fields()) {
        INFO(field.path);
        CHECK(page.find("\n" + pawl::core::reference_row(field) + "\n") != std::string::npos);
    }
}

TEST_CASE("the reference of source files names what is not supported yet, and nothing that is", "[docs]") {
    const auto page = read("docs/source-files.md");
    const auto later = page.substr(page.find("\n## Not supported in this version"));
    for (const auto& field : pawl::core::source_fields()) {
        INFO(field.path);
        CHECK((later.find("| `" + std::string(field.path) + "` |") != std::string::npos) == !field.built);
        for (const auto& word : pawl::core::split_choices(field.later)) {
            INFO(word);
            CHECK(later.find("`" + word + "`") != std::string::npos);
        }
    }
}

TEST_CASE("docs/source-file.schema.json is what `pawl config schema` prints", "[docs]") {
    INFO("pawl config schema > docs/source-file.schema.json");
    CHECK((read("docs/source-file.schema.json") == pawl::core::source_schema()));
}

TEST_CASE("the examples of `pawl config explain` stand in the reference of source files", "[docs]") {
    const auto page = read("docs/source-files.md");
    for (const auto& example : pawl::core::field_examples()) {
        std::istringstream lines{std::string(example.text)};
        for (std::string line; std::getline(lines, line);) {
            INFO(example.path << ": " << line);
            CHECK(page.find(line) != std::string::npos);
        }
    }
}

TEST_CASE("the reference of source files names every function of expressions", "[docs]") {
    const auto page = read("docs/source-files.md");
    for (const auto& function : pawl::core::expression_functions()) {
        INFO(function.name);
        CHECK(page.find("`" + std::string(function.name) + "(") != std::string::npos);
    }
}

TEST_CASE("the source files shown in the documentation are right", "[docs]") {
    int checked = 0;
    for (const auto& path : pages())
        for (const auto& text : source_files(read(path))) {
            INFO(path << "\n" << text);
            CHECK_NOTHROW((void)pawl::core::parse_source_text(text, path.string(),
                                                              {{"GITHUB_TOKENS", "a:b"}}));
            ++checked;
        }
    CHECK(checked >= 2);
}

TEST_CASE("the places in the code that the architecture names are there", "[docs]") {
    const auto page = read("docs/architecture.md");
    static const std::regex place(
        "`([a-z_/]+\\.[ch]pp): ([A-Za-z_:]+)`((?:, `[A-Za-z]+::[a-z_]+`)*)");
    static const std::regex more("`([A-Za-z]+::[a-z_]+)`");
    int checked = 0;
    const auto check = [&](const std::string& file, const std::string& name) {
        INFO(file << ": " << name);
        CHECK(read(file).find(name) != std::string::npos);
        ++checked;
    };
    for (const auto& match : matches(page, place)) {
        check(match[1], match[2]);
        const auto rest = match[3].str();
        for (const auto& name : matches(rest, more)) check(match[1], name[1]);
    }
    CHECK(checked >= 20);
}

TEST_CASE("links between pages lead somewhere", "[docs]") {
    static const std::regex link("\\]\\(([^)#:]+)(#[^)]*)?\\)");
    for (const auto& path : pages()) {
        const auto text = read(path);
        for (const auto& match : matches(text, link)) {
            const auto target = path.parent_path() / match[1].str();
            INFO(path << " links to " << target);
            CHECK(fs::exists(target));
        }
    }
}

TEST_CASE("each line of docs/reliability.md names a test that exists", "[docs]") {
    std::set<std::string> cases;
    static const std::regex test_case("TEST_CASE\\(\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");
    for (const auto& entry : fs::recursive_directory_iterator("tests"))
        if (entry.path().extension() == ".cpp") {
            const auto text = read(entry.path());
            for (const auto& match : matches(text, test_case)) cases.insert(match[1].str());
        }
    static const std::regex quoted("\"([^\"]+)\"");
    std::istringstream lines(read("docs/reliability.md"));
    int rows = 0;
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("| ") || line.ends_with("shown by |")) continue;
        const auto cell = line.substr(line.rfind(" | "));
        INFO(line);
        const auto named = matches(cell, quoted);
        for (const auto& name : named) {
            INFO(name[1].str());
            CHECK(cases.contains(name[1].str()));
        }
        CHECK((!named.empty() || cell.find("simulated") != std::string::npos || cell.find("searched") != std::string::npos));
        ++rows;
    }
    CHECK(rows > 20);
}
