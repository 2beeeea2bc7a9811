#include "core/decode_xml.hpp"

#include "core/errors.hpp"
#include "core/json_document.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

std::string xml(const std::string& text, std::vector<std::string> lists = {}) {
    return xml_as_json({.lists = std::move(lists)}, text);
}

std::string xml_refusal(const std::string& text) {
    try {
        return xml(text);
    } catch (const PermanentError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("elements of XML become objects", "[decode][xml]") {
    CHECK(xml("<a/>") == R"({"a":null})");
    CHECK(xml("<a></a>") == R"({"a":null})");
    CHECK(xml("<?xml version=\"1.0\"?>\n<!-- c --><a>x<?pi y?></a>\n") == R"({"a":"x"})");
    CHECK(xml("<a id=\"1\"/>") == R"({"a":{"@id":"1"}})");
    CHECK(xml("<a id=\"\">text</a>") == R"({"a":{"@id":"","#text":"text"}})");
    CHECK(xml("<a><b>1</b><c>2</c></a>") == R"({"a":{"b":"1","c":"2"}})");
    CHECK(xml("<a>\n  <b> 1 </b>\n</a>") == R"({"a":{"b":" 1 "}})");
    CHECK(xml("<a>one <b>two</b> three</a>") == R"({"a":{"b":"two","#text":"one  three"}})");
    CHECK(xml("<a><![CDATA[<x> & \"y\"]]></a>") == R"({"a":"<x> & \"y\""})");
    CHECK(xml("<a>&lt;&amp;&#228;&#x1F600;</a>") == "{\"a\":\"<&ä\xf0\x9f\x98\x80\"}");
    CHECK(xml("<x:a xmlns:x=\"u\"><x:b x:c=\"1\"/></x:a>") == R"({"x:a":{"@xmlns:x":"u","x:b":{"@x:c":"1"}}})");
}

TEST_CASE("elements of one name are an array, and those that lists names always are", "[decode][xml]") {
    CHECK(xml("<a><b>1</b><b>2</b></a>") == R"({"a":{"b":["1","2"]}})");
    CHECK(xml("<a><b>1</b><c/><b>2</b><b/></a>") == R"({"a":{"b":["1","2",null],"c":null}})");
    CHECK(xml("<a><b><c>1</c></b><b><c>2</c><c>3</c></b></a>") == R"({"a":{"b":[{"c":"1"},{"c":["2","3"]}]}})");
    CHECK(xml("<a><b>1</b></a>", {"b"}) == R"({"a":{"b":["1"]}})");
    CHECK(xml("<a><b/></a>", {"b"}) == R"({"a":{"b":[null]}})");
    CHECK(xml("<a/>", {"a", "zzz"}) == R"({"a":[null]})");
    CHECK(xml("<a b=\"1\"><b>2</b></a>") == R"({"a":{"@b":"1","b":"2"}})");
}

TEST_CASE("what is no XML is told by its line", "[decode][xml]") {
    CHECK(xml_refusal("") == "line 1: no element found");
    CHECK(xml_refusal("hello") == "line 1: syntax error");
    CHECK(xml_refusal("<a>\n<b>\n</a>") == "line 3: mismatched tag");
    CHECK(xml_refusal("<a>\n<b>1</b>\n<b>2") == "line 3: no element found");  // cut off
    CHECK(xml_refusal("<a/><b/>") == "line 1: junk after document element");
    CHECK(xml_refusal("{\"a\": 1}") == "line 1: not well-formed (invalid token)");
    CHECK(xml_refusal(std::string("<a>x\0y</a>", 10)) == "line 1: not well-formed (invalid token)");
    CHECK(xml_refusal("<a>&#0;</a>") == "line 1: reference to invalid character number");
    CHECK(xml_refusal("<a>&nope;</a>") == "line 1: undefined entity");
    CHECK(xml_refusal("<a b=\"1\" b=\"2\"/>") == "line 1: duplicate attribute");
}

TEST_CASE("entities cannot blow up a document, nor reach out of it", "[decode][xml]") {
    std::string laughs = "<!DOCTYPE lolz [<!ENTITY lol \"lol\">";
    for (int i = 1; i < 10; ++i) {
        laughs += "<!ENTITY lol" + std::to_string(i) + " \"";
        for (int k = 0; k < 10; ++k) laughs += i == 1 ? "&lol;" : "&lol" + std::to_string(i - 1) + ";";
        laughs += "\">";
    }
    CHECK(xml_refusal(laughs + "]><lolz>&lol9;</lolz>") == "line 1: a DTD inside the document");
    CHECK(xml_refusal("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>") == "line 1: a DTD inside the document");
    // One that is elsewhere is not asked for: what it may have declared stays as it is written.
    CHECK(xml("<!DOCTYPE a PUBLIC \"-//X//DTD\" \"http://127.0.0.1:1/x.dtd\"><a>b&nbsp;c</a>") == R"({"a":"b&nbsp;c"})");
    CHECK(xml("<!DOCTYPE a><a>b</a>") == R"({"a":"b"})");
}

TEST_CASE("XML is bounded in depth", "[decode][xml]") {
    const auto nested = [](int depth) {
        std::string text;
        for (int i = 0; i < depth; ++i) text += "<a>";
        for (int i = 0; i < depth; ++i) text += "</a>";
        return text;
    };
    CHECK_NOTHROW(JsonDocument::parse(xml(nested(128))));
    CHECK(xml_refusal(nested(129)) == "line 1: nested deeper than 128");
    CHECK(xml_refusal(nested(100'000)) == "line 1: nested deeper than 128");
    std::string empty_at_the_bound;
    for (int i = 0; i < 128; ++i) empty_at_the_bound += "<a>";
    CHECK(xml_refusal(empty_at_the_bound + "<b/><b/>") == "line 1: nested deeper than 128");
}

TEST_CASE("a text of a megabyte, and a hundred thousand elements", "[decode][xml]") {
    const std::string large(1 << 20, 'x');
    CHECK(xml("<a b=\"" + large + "\">" + large + "</a>") == R"({"a":{"@b":")" + large + R"(","#text":")" + large + "\"}}");
    std::string many = "<list>";
    for (int i = 0; i < 100'000; ++i) many += "<item id=\"" + std::to_string(i) + "\"/>";
    const auto document = JsonDocument::parse(xml(many + "</list>"));
    const auto items = document.member(document.member(document.root(), "list"), "item");
    CHECK(document.child_count(items) == 100'000);
}
