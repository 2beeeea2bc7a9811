#include "core/yaml_document.hpp"

#include "tests/core/problem_list.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

using Lines = std::vector<std::string>;

YamlNode parsed_yaml(std::string_view text, const Environment& environment = {}) {
    Problems problems{"f.yaml", text};
    YamlNode parsed = parse_yaml(text, environment, problems);
    problems.throw_if_any();
    return parsed;
}

Lines wrong_yaml(std::string_view text, const Environment& environment = {}) {
    return problems_of([&] { (void)parsed_yaml(text, environment); });
}

}  // namespace

TEST_CASE("scalars stay the text that was written", "[yaml]") {
    const YamlNode root = parsed_yaml("a: NO\nb: 0x1F\nc: 1e3\nd: \"5\"\ne: 5\nf: 2020-01-01\n");
    CHECK(root.find("a")->text == "NO");
    CHECK(root.find("b")->text == "0x1F");
    CHECK(root.find("c")->text == "1e3");
    CHECK(root.find("d")->quoted);
    CHECK_FALSE(root.find("e")->quoted);
    CHECK(root.find("f")->text == "2020-01-01");
}

TEST_CASE("nothing and ~ are null, a quoted ~ is text", "[yaml]") {
    const YamlNode root = parsed_yaml("a:\nb: ~\nc: '~'\nd: ''\n");
    CHECK(root.find("a")->is_null());
    CHECK(root.find("b")->is_null());
    CHECK(root.find("c")->is_scalar());
    CHECK(root.find("d")->is_scalar());
    CHECK(root.find("nowhere") == nullptr);
}

TEST_CASE("every node knows its place", "[yaml]") {
    const YamlNode root = parsed_yaml("a: x\nlist:\n  - {k: v}\n  - two\n");
    CHECK(root.find("a")->at == Position{1, 4});
    CHECK(root.nearest({"list", "0", "k"}).at == Position{3, 9});
    CHECK(root.nearest({"list", "1"}).at == Position{4, 5});
    CHECK(root.nearest({"list", "7", "k"}).at == root.find("list")->at);
    CHECK(root.nearest({"list", "0"}).members.front().at == Position{3, 6});
    CHECK(parsed_yaml("ä: {b: c}\n").nearest({"ä", "b"}).at == Position{1, 9});
}

TEST_CASE("a place inside a scalar counts from its first byte", "[yaml]") {
    const YamlNode root = parsed_yaml("a: $.x\nb: \"$.x\"\nc: |\n  $.x\n", {});
    CHECK(root.find("a")->position_of(2) == Position{1, 6});
    CHECK(root.find("b")->position_of(2) == Position{2, 7});
    CHECK(root.find("c")->position_of(2) == root.find("c")->at);
}

TEST_CASE("variables are replaced in scalars after parsing", "[yaml]") {
    const Environment environment{{"HOST", "example.org"}, {"EMPTY", ""}, {"TRICK", "a: [b"}};
    const YamlNode root = parsed_yaml(
        "a: https://${HOST}/x\nb: ${PORT:-80}\nc: \"${EMPTY:-full}\"\nd: \"${EMPTY}\"\n"
        "e: ${TRICK}\nf: $${HOST}\ng: ${HOST:?needed}\nh: $.x ?? $$.y\n${HOST}: key\n",
        environment);
    CHECK(root.find("a")->text == "https://example.org/x");
    CHECK(root.find("a")->variable_values == Lines{"example.org"});
    CHECK(root.find("b")->text == "80");
    CHECK(root.find("c")->text == "full");
    CHECK(root.find("d")->text.empty());
    CHECK(root.find("e")->text == "a: [b");
    CHECK(root.find("f")->text == "${HOST}");
    CHECK(root.find("g")->text == "example.org");
    CHECK(root.find("h")->text == "$.x ?? $$.y");
    CHECK(root.find("${HOST}") != nullptr);
}

TEST_CASE("a missing variable is told at its place", "[yaml]") {
    CHECK(wrong_yaml("a: x${GITHUB_API}\n") ==
          Lines{"1:5: variable GITHUB_API is not set (set it, or give a default: "
                "${GITHUB_API:-default})"});
    CHECK(wrong_yaml("a: ${TOKEN:?ask the owner}\n", {{"TOKEN", ""}}) ==
          Lines{"1:4: variable TOKEN is not set: ask the owner (set it, or give a default: "
                "${TOKEN:-default})"});
}

TEST_CASE("a misspelt variable is told", "[yaml]") {
    const std::string hint =
        " (write ${NAME}, ${NAME:-default} or ${NAME:?message}; \"$${\" stands for \"${\")";
    CHECK(wrong_yaml("a: \"${1}\"\n") == Lines{"1:5: \"${1}\" is not a variable" + hint});
    CHECK(wrong_yaml("a: \"${A:=b}\"\n") == Lines{"1:5: \"${A:=b}\" is not a variable" + hint});
    CHECK(wrong_yaml("a: \"${}\"\n") == Lines{"1:5: \"${}\" is not a variable" + hint});
    CHECK(wrong_yaml("a: \"x ${A\"\n") ==
          Lines{"1:7: \"${\" is not closed by \"}\" (\"$${\" stands for \"${\")"});
}

TEST_CASE("all missing variables are told at once", "[yaml]") {
    CHECK(wrong_yaml("a: ${A}\nb: [\"${B}\", {c: \"${C}\"}]\n").size() == 3);
}

TEST_CASE("duplicate keys are refused", "[yaml]") {
    CHECK(wrong_yaml("a: 1\nb: 2\na: 3\n") == Lines{"3:1: \"a\" stands twice (the first is in line 1)"});
    CHECK(wrong_yaml("m: {x: 1, y: {z: 1, z: 2}}\n") ==
          Lines{"1:21: \"z\" stands twice (the first is in line 1)"});
}

TEST_CASE("aliases, anchors and tags are refused", "[yaml]") {
    CHECK(wrong_yaml("a: &x 1\nb: *x\n") ==
          Lines{"1:4: anchors (&x) are not supported", "2:4: aliases (*name) are not supported"});
    CHECK(wrong_yaml("a: !!int 5\n") == Lines{"1:4: tags (tag:yaml.org,2002:int) are not supported"});
}

TEST_CASE("keys that are no text are refused", "[yaml]") {
    CHECK(wrong_yaml("? [a, b]\n: c\n") == Lines{"1:3: a key must be plain text"});
}

TEST_CASE("one file is one document", "[yaml]") {
    CHECK(wrong_yaml("a: 1\n---\nb: 2\n").size() == 1);
    CHECK(wrong_yaml("---\na: 1\n").empty());
}

TEST_CASE("what is not YAML is told with its place", "[yaml]") {
    CHECK(wrong_yaml("a: [1, 2\nb: 3\n") == Lines{"2:2: is not YAML: end of sequence flow not found (a bracket or comma is missing; or a text inside { } or [ ] holds one "
                "of [ ] { } , itself and needs quotes: \"$.items[*]\")"});
    CHECK(wrong_yaml("a: \"x\nb: 1\n") == Lines{"1:4: the quote is not closed"});
    CHECK(wrong_yaml("a: 'it''s\n") == Lines{"1:4: the quote is not closed"});
    CHECK(wrong_yaml("a: \"x").size() == 1);
    CHECK(wrong_yaml("a: 'it''s'\nb: \"\\\"\"\n").empty());
    CHECK(wrong_yaml("\ta: 1\n").size() == 1);
}

TEST_CASE("nesting and size are bounded", "[yaml]") {
    const auto nested = [](std::size_t n) {
        return std::string(n, '[') + std::string(n, ']') + "\n";
    };
    CHECK(wrong_yaml(nested(64)).empty());
    CHECK(wrong_yaml(nested(65)) == Lines{"1:65: nested deeper than 64 levels"});
    CHECK(wrong_yaml(nested(100'000)).size() == 1);
    CHECK(wrong_yaml(std::string(100'000, '[')).size() == 1);
    CHECK(wrong_yaml("a: " + std::string(1u << 20, 'x')) == Lines{"is larger than 1 MiB"});
}

TEST_CASE("bytes that are no text are refused", "[yaml]") {
    CHECK(wrong_yaml("a: x\nb: \xff\xfe\n") == Lines{"2:4: is not UTF-8 text"});
    CHECK(wrong_yaml("a: \xed\xa0\x80\n") == Lines{"1:4: is not UTF-8 text"});
    CHECK(wrong_yaml("a: \xc0\x80\n") == Lines{"1:4: is not UTF-8 text"});
    CHECK(wrong_yaml("a: \xe2\x82") == Lines{"1:4: is not UTF-8 text"});
    CHECK(wrong_yaml("a: 1\n\x04"
                "b: 2\n") == Lines{"2:1: holds a control character"});
    CHECK(wrong_yaml(std::string_view{"a: \0\n", 5}) == Lines{"1:4: holds a control character"});
    CHECK(wrong_yaml("a: grüße 漢字 🦀\n").empty());
}

TEST_CASE("an empty file is null", "[yaml]") {
    CHECK(parsed_yaml("").is_null());
    CHECK(parsed_yaml("# nothing\n").is_null());
}

TEST_CASE("a file that cannot be read is told by name", "[yaml]") {
    CHECK_THROWS_WITH(read_text_file("/nonexistent/x.yaml"),
                      "cannot read /nonexistent/x.yaml: No such file or directory");
    CHECK_THROWS_AS(read_text_file("/"), ConfigError);
}
