// Small texts that would become large, deep or slow: each is refused, with a message that says what is too much.
#include <algorithm>

#include "core/column_names.hpp"
#include "core/decode_csv.hpp"
#include "core/decode_jsonl.hpp"
#include "core/decode_xml.hpp"
#include "core/errors.hpp"
#include "core/expression.hpp"
#include "core/json_document.hpp"
#include "core/source_parser.hpp"
#include "core/template.hpp"
#include "tests/core/problem_list.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

using Lines = std::vector<std::string>;

Lines refused_source(const std::string& text) {
    return problems_of([&] { (void)parse_source_text(text, "x.yaml", {}); });
}

std::string repeated(std::string_view text, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out += text;
    return out;
}

/// `before` 0 `behind`, `before` 1 `behind`, …
std::string numbered(std::string_view before, std::string_view behind, int times) {
    std::string out;
    for (int i = 0; i < times; ++i) out.append(before).append(std::to_string(i)).append(behind);
    return out;
}

const std::string fine = "source: s\nstreams: {a: {url: \"https://h/\", key: id}}\n";

}  // namespace

TEST_CASE("bomb: aliases that double do not grow", "[bombs]") {
    std::string laughs = "a0: &a0 [lol, lol]\n";
    for (int i = 1; i < 20; ++i) {
        const auto before = std::to_string(i - 1), name = std::to_string(i);
        laughs += "a" + name + ": &a" + name + " [*a" + before + ", *a" + before + "]\n";
    }
    const auto lines = refused_source(laughs);
    const auto told = [&](const std::string& line) { return std::count(lines.begin(), lines.end(), line); };
    CHECK(told("1:5: anchors (&a0) are not supported") == 1);
    CHECK(told("20:12: aliases (*name) are not supported") == 1);
}

TEST_CASE("bomb: a source file of one megabyte is read or refused at once", "[bombs]") {
    CHECK(refused_source(fine + numbered("k", ": 1\n", 100'000)) == Lines{"2001:1: a map with more than 2000 keys"});
    CHECK(refused_source("source: s\nbase_url: https://h\nstreams:\n" + numbered("  a", ": {path: /a, key: id}\n", 501)) ==
          Lines{"4:3: more than 500 streams (a source can be split into several files)"});
    CHECK(refused_source(fine + "limits:\n" + numbered("  - {name: l", ", rate: 5/h}\n", 1'001)) ==
          Lines{"4:3: more than 1000 limits"});
    const auto keys = refused_source("source: s\nstreams: {a: {url: \"https://h/\", key: [id" + repeated(", id", 100'000) + "]}}\n");
    CHECK(keys.size() == 1'001);
    CHECK(refused_source("source: s\nstreams: {a: {url: \"https://h/\", key: [" + numbered("k", ", ", 33) + "]}}\n") ==
          Lines{"2:39: \"key\" has 33 columns, and a key of Postgres has at most 32"});
    CHECK(refused_source(fine + repeated(" ", 1 << 20)) == Lines{"is larger than 1 MiB"});
}

TEST_CASE("bomb: of ten thousand mistakes the first thousand are told", "[bombs]") {
    const auto lines = refused_source("source: s\nstreams:\n  a:\n    url: https://h/\n    key: id\n    foreach:\n      as: x\n      list:\n" +
                                      repeated("        - [1]\n", 10'000));
    REQUIRE(lines.size() == 1'001);
    CHECK(lines[0] == "has more than 999 problems: only these are told");
    CHECK(lines[1] == "9:11: an entry of \"list\" must be a value or a flat map");
}

TEST_CASE("bomb: expressions and templates are bounded", "[bombs]") {
    CHECK_NOTHROW(Expression::compile("$" + repeated(".a", 128)));
    CHECK_THROWS_WITH(Expression::compile("$" + repeated(".a", 100'000)), "a path of more than 128 steps");
    CHECK_THROWS_WITH(Expression::compile("$" + repeated("[*]", 100'000)), "a path of more than 128 steps");
    CHECK_THROWS_WITH(Expression::compile(repeated("(", 100) + "1" + repeated(")", 100)), "nested too deep");
    CHECK_THROWS_WITH(Expression::compile(repeated("not ", 100) + "1"), "nested too deep");
    CHECK_THROWS_WITH(Expression::compile(repeated("lower(", 100) + "$" + repeated(")", 100)), "nested too deep");
    CHECK_THROWS_WITH(Expression::compile("coalesce(1" + repeated(", 1", 100) + ")"),
                      "coalesce() takes 1 to 16 arguments: coalesce(a, b, …)");
    CHECK_NOTHROW(Template::compile(repeated("{a}", 100)));
    CHECK_THROWS_WITH(Template::compile(repeated("{a}", 101)), "more than 100 placeholders");
}

TEST_CASE("bomb: what an expression makes is bounded", "[bombs]") {
    const auto document = JsonDocument::parse("{\"a\": \"" + std::string(1 << 20, 'x') + "\"}");
    Arena arena;
    Scope scope;
    scope.document = &document;
    scope.record = document.root();
    scope.arena = &arena;
    CHECK(Expression::compile("replace($.a, 'x', 'xxxxxxxxxxxxxxxxxxxx')").evaluate(scope).is_null());
    CHECK(Expression::compile("replace($.a, 'x', 'xx')").evaluate(scope).text.size() == 2u << 20);
}

TEST_CASE("bomb: JSON is bounded in depth and values", "[bombs]") {
    const auto refusal = [](std::string text, const JsonBounds& bounds = {}) {
        try {
            (void)JsonDocument::parse(std::move(text), bounds);
            return std::string();
        } catch (const PermanentError& error) {
            return std::string(error.what());
        }
    };
    CHECK(refusal(repeated("[", 129) + repeated("]", 129)) == "not valid JSON at byte 128: nested deeper than 128");
    CHECK(refusal(repeated("[", 1'000'000)) == "not valid JSON at byte 128: nested deeper than 128");
    CHECK(refusal(repeated("{\"a\":", 1'000'000)) == "not valid JSON at byte 640: nested deeper than 128");
    CHECK(refusal("[1" + repeated(",1", 4'000'000) + "]") == "JSON with more than 4000000 values");
    CHECK_THROWS_WITH(jsonl_as_json("1\n" + repeated("[", 1'000) + "\n"), "line 2: not valid JSON at byte 128: nested deeper than 128");
}

TEST_CASE("bomb: CSV is bounded in fields", "[bombs]") {
    CHECK_THROWS_WITH(csv_as_json({}, repeated(",", 10'000)), "line 1: more than 10000 fields");
    CHECK_THROWS_WITH(csv_as_json({}, "a,b\n1,2\n" + repeated(",", 10'000)), "line 3: more than 10000 fields");
    CHECK_NOTHROW(csv_as_json({}, repeated(",", 9'999) + "\n1\n"));
}

TEST_CASE("bomb: ten thousand columns of one name get their numbers", "[bombs]") {
    const auto names = distinct_names(std::vector<std::string>(10'000, "a"));
    CHECK(names.front() == "a");
    CHECK(names.back() == "a_10000");
}

TEST_CASE("bomb: XML is bounded in depth and elements, and no entity grows", "[bombs]") {
    CHECK_THROWS_WITH(xml_as_json({}, repeated("<a>", 1'000'000)), "line 1: nested deeper than 128");
    CHECK_THROWS_WITH(xml_as_json({}, "<a>" + repeated("<b/>", 4'000'001) + "</a>"),
                      "line 1: more than 4000000 elements and attributes");
    CHECK_THROWS_WITH(xml_as_json({}, "<!DOCTYPE a [<!ENTITY b \"bb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>"),
                      "line 1: a DTD inside the document");
}
