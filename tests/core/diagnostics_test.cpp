#include "core/diagnostics.hpp"

#include "core/redact.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

std::string rendered(const Problems& problems) {
    try {
        problems.throw_if_any();
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a problem shows its line with a caret and a hint", "[diagnostics]") {
    Problems problems{"hn.yaml", "source: hn\nbase_ulr: x\n"};
    problems.add({2, 1}, "unknown key \"base_ulr\"", "did you mean \"base_url\"?");
    CHECK(rendered(problems) ==
          "hn.yaml:2:1: unknown key \"base_ulr\"\n"
          "  2 | base_ulr: x\n"
          "    | ^\n"
          "  hint: did you mean \"base_url\"?");
}

TEST_CASE("problems come in the order of the file", "[diagnostics]") {
    Problems problems{"f", "a\nb\n"};
    problems.add({2, 1}, "second");
    problems.add({1, 1}, "first");
    problems.add({}, "whole file");
    CHECK(rendered(problems) ==
          "f: whole file\n"
          "f:1:1: first\n  1 | a\n    | ^\n"
          "f:2:1: second\n  2 | b\n    | ^");
}

TEST_CASE("no problem throws nothing", "[diagnostics]") {
    const Problems problems{"f", "a\n"};
    CHECK(problems.empty());
    CHECK_NOTHROW(problems.throw_if_any());
}

TEST_CASE("the caret stands below a character behind umlauts and tabs", "[diagnostics]") {
    Problems problems{"f", "ä:\tx\r\n"};
    problems.add({1, 5}, "here");
    CHECK(rendered(problems) == "f:1:5: here\n  1 | ä: x\n    |    ^");
}

TEST_CASE("a long line is cut around the caret", "[diagnostics]") {
    std::string source_line(10'001, 'a');
    source_line[5'000] = 'X';
    Problems problems{"f", source_line};
    problems.add({1, 5'001}, "here");
    const std::string text = rendered(problems);
    CHECK(text.size() < 300);
    const std::size_t line = text.find("  1 | ");
    const std::size_t caret_line = text.find('\n', line) + 1;
    CHECK(text.find('X') - line == text.find('^') - caret_line);
}

TEST_CASE("a place beyond the line keeps the caret at its end", "[diagnostics]") {
    Problems problems{"f", "ab"};
    problems.add({1, 90}, "here");
    CHECK(rendered(problems) == "f:1:90: here\n  1 | ab\n    |   ^");
}

TEST_CASE("secrets are redacted from problems", "[diagnostics]") {
    remember_secret("hush-hush-diagnostics");
    Problems problems{"f", "token: hush-hush-diagnostics"};
    problems.add({1, 1}, "must not be \"hush-hush-diagnostics\"");
    CHECK(rendered(problems).find("hush") == std::string::npos);
}

TEST_CASE("a message is UTF-8, whatever the file holds", "[diagnostics]") {
    Problems problems{"f", "a: \xff\xfe"};
    problems.add({1, 4}, "is not UTF-8 text");
    CHECK(rendered(problems).find("a: \xef\xbf\xbd\xef\xbf\xbd\n") != std::string::npos);
}

TEST_CASE("a word close to a known one is suggested", "[diagnostics]") {
    const std::vector<std::string> names{"paginate", "path", "query", "key", "foreach"};
    CHECK(closest("pagniate", names) == "paginate");
    CHECK(closest("Foreach", names) == "foreach");
    CHECK(closest("foreahc", names) == "foreach");
    CHECK(closest("qeury", names) == "query");
    CHECK(closest("kex", names) == "key");
    CHECK(closest("banana", names).empty());
    CHECK(closest("x", names).empty());
    CHECK(closest(std::string(10'000, 'a'), names).empty());
    CHECK(did_you_mean("pth", names) == "did you mean \"path\"?");
}

TEST_CASE("words are enumerated as a person would", "[diagnostics]") {
    CHECK(enumerate({}).empty());
    CHECK(enumerate({"a"}) == "a");
    CHECK(enumerate({"a", "b"}) == "a and b");
    CHECK(enumerate({"a", "b", "c"}, "or") == "a, b or c");
}
