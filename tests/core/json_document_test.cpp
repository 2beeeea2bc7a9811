#include "core/json_document.hpp"

#include "core/errors.hpp"
#include "tests/support/catch.hpp"

using pawl::core::JsonBounds;
using pawl::core::JsonDocument;
using pawl::core::JsonKind;
using pawl::core::PermanentError;

TEST_CASE("every value keeps the exact span of its source text", "[json]") {
    const auto doc = JsonDocument::parse(
        R"( {"id" : 123456789012345678901234, "tags":[ "a" , {"x": [] } ],"e":{} , "f": -1.50e+3,"last":[[1],[2,3]] } )");
    const auto root = doc.root();
    CHECK(doc.kind(root) == JsonKind::object);
    CHECK(doc.child_count(root) == 5);
    CHECK(doc.raw(doc.member(root, "id")) == "123456789012345678901234");
    CHECK(doc.raw(doc.member(root, "tags")) == R"([ "a" , {"x": [] } ])");
    CHECK(doc.raw(doc.member(root, "e")) == "{}");
    CHECK(doc.raw(doc.member(root, "f")) == "-1.50e+3");
    const auto last = doc.member(root, "last");
    CHECK(doc.raw(last) == "[[1],[2,3]]");
    CHECK(doc.raw(doc.element(last, 0)) == "[1]");
    CHECK(doc.raw(doc.element(last, -1)) == "[2,3]");
    CHECK(doc.raw(doc.element(doc.element(last, -1), 1)) == "3");
    CHECK(doc.element(last, 2) == JsonDocument::none);
    CHECK(doc.member(root, "missing") == JsonDocument::none);
    const auto x = doc.member(doc.element(doc.member(root, "tags"), 1), "x");
    CHECK(doc.raw(x) == "[]");
    CHECK(doc.first_child(x) == JsonDocument::none);
    CHECK(doc.raw(root).front() == '{');
    CHECK(doc.raw(root).back() == '}');
}

TEST_CASE("of two members with one name the last counts, as in jsonb", "[json]") {
    const auto doc = JsonDocument::parse(R"({"a":1,"a":2,"\u0061":3})");
    CHECK(doc.raw(doc.member(0, "a")) == "3");
}

TEST_CASE("strings are unescaped, lone surrogates are replaced, NUL stays", "[json]") {
    const auto doc = JsonDocument::parse(R"(["plain","a\n\"b\"\u00e9","\ud83d\ude80","x\ud800y","z\u0000"])");
    CHECK(doc.plain_text(doc.element(0, 0)) == "plain");
    CHECK_FALSE(doc.plain_text(doc.element(0, 1)));
    CHECK(doc.text(doc.element(0, 1)) == "a\n\"b\"é");
    CHECK(doc.text(doc.element(0, 2)) == "🚀");
    CHECK(doc.text(doc.element(0, 3)) == "x\xef\xbf\xbdy");
    CHECK(doc.text(doc.element(0, 4)) == std::string("z\0", 2));
}

TEST_CASE("scalar documents are documents", "[json]") {
    CHECK(JsonDocument::parse(" 12 ").raw(0) == "12");
    CHECK(JsonDocument::parse("\"s\"").plain_text(0) == "s");
    CHECK(JsonDocument::parse("true").boolean(0));
    CHECK_FALSE(JsonDocument::parse("false").boolean(0));
    CHECK(JsonDocument::parse("null").kind(0) == JsonKind::null);
}

TEST_CASE("what is not one whole JSON value is refused", "[json]") {
    const auto text = GENERATE(
        as<std::string>{}, "", "   ", "{", "[1,2", "[1 2]", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "[01]", "[1.]", "[.5]",
        "[+1]", "[1e]", "[tru]", "[nulll]", "[\"a]", "[\"\\q\"]", "[\"\\u12g4\"]", "[\"\x01\"]", "[\"\xff\"]", "1 2",
        "[1] x", "{} {}", "<!DOCTYPE html><html></html>", "[1]]", "{\"a\":1}}", "\"a\" \"b\"", "[\"\xed\xa0\x80\"]");
    CAPTURE(text);
    CHECK_THROWS_AS(JsonDocument::parse(text), PermanentError);
}

TEST_CASE("depth, values and bytes are bounded", "[json]") {
    JsonBounds bounds;
    bounds.depth_max = 3;
    CHECK_NOTHROW(JsonDocument::parse("[[[1]]]", bounds));
    CHECK_THROWS_AS(JsonDocument::parse("[[[[1]]]]", bounds), PermanentError);
    CHECK_THROWS_AS(JsonDocument::parse(std::string(100'000, '[')), PermanentError);
    bounds = {};
    bounds.values_max = 4;
    CHECK_NOTHROW(JsonDocument::parse("[1,2,3]", bounds));
    CHECK_THROWS_AS(JsonDocument::parse("[1,2,3,4]", bounds), PermanentError);
    bounds = {};
    bounds.bytes_max = 5;
    CHECK_THROWS_AS(JsonDocument::parse("[1,2,3]", bounds), PermanentError);
}
