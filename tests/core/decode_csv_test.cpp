#include "core/decode_csv.hpp"

#include "core/errors.hpp"
#include "core/json_document.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

std::string csv(const std::string& text, const CsvOptions& options = {}) { return csv_as_json(options, text); }

std::string csv_refusal(const std::string& text) {
    try {
        return csv(text);
    } catch (const PermanentError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("lines of CSV become objects of the names in the first one", "[decode][csv]") {
    CHECK(csv("id,name\n1,Ann\n2,Bob\n") == R"([{"id":1,"name":"Ann"},{"id":2,"name":"Bob"}])");
    CHECK(csv("id,name\r\n1,Ann\r\n2,Bob") == R"([{"id":1,"name":"Ann"},{"id":2,"name":"Bob"}])");
    CHECK(csv("\n\r\nid\n\n1\n\r\n2\n\n") == R"([{"id":1},{"id":2}])");
    CHECK(csv("id,name\n") == "[]");
    CHECK(csv("") == "[]");
}

TEST_CASE("quotes of CSV hold delimiters, line breaks and quotes", "[decode][csv]") {
    CHECK(csv("a,b\n\"x,y\",\"line 1\nline 2\"\n") == R"([{"a":"x,y","b":"line 1\u000aline 2"}])");
    CHECK(csv("a,b\n\"line 1\r\nline 2\",\"\"\"quoted\"\"\"\r\n") == R"([{"a":"line 1\u000d\u000aline 2","b":"\"quoted\""}])");
    CHECK(csv("a\n\"\"\"\"\n") == R"([{"a":"\""}])");
    CHECK(csv("\"a \"\"b\"\"\"\n1\n") == R"([{"a \"b\"":1}])");
    CHECK(csv("a,b\n5\" disk,x\"y\"\n") == R"([{"a":"5\" disk","b":"x\"y\""}])");  // not at the field's begin: no quotes
}

TEST_CASE("values of CSV are numbers, null or text", "[decode][csv]") {
    CHECK(csv("a\n1\n-1.50\n1e5\n12345678901234567890123\n0\n") ==
          R"([{"a":1},{"a":-1.50},{"a":1e5},{"a":12345678901234567890123},{"a":0}])");
    CHECK(csv("a\n007\n+1\n1.\n.5\n1 \nNaN\n0x10\ntrue\n\"1\"\n1,\n") ==
          R"([{"a":"007"},{"a":"+1"},{"a":"1."},{"a":".5"},{"a":"1 "},{"a":"NaN"},{"a":"0x10"},{"a":"true"},{"a":"1"},[1,null]])");
    CHECK(csv("a,b,c\n,\"\",  \n") == R"([{"a":null,"b":"","c":"  "}])");
    CHECK(csv("a\nnull\n\"\"\n") == R"([{"a":"null"},{"a":""}])");
}

TEST_CASE("a line that does not fit its columns is never a record", "[decode][csv]") {
    CHECK(csv("a,b,c\n1,2\n3\n4,5,6\n") == R"([{"a":1,"b":2},{"a":3},{"a":4,"b":5,"c":6}])");
    CHECK(csv("a,b\n1,2,3\n4,5\n") == R"([[1,2,3],{"a":4,"b":5}])");
    CHECK(csv("a,b\n1,2,\n") == "[[1,2,null]]");
    CHECK(csv("a,b\n\"x\"y,2\n3,\"4\" \n5,6\n") == R"([["x",2],[3,"4"],{"a":5,"b":6}])");
    CHECK(csv("a,b\n\"say \"hi\", you\",2\n5,6\n") == R"([["say "," you\"",2],{"a":5,"b":6}])");
}

TEST_CASE("CSV that was cut off is told", "[decode][csv]") {
    CHECK(csv("a,b,c\n1,2,3\n4,5") == R"([{"a":1,"b":2,"c":3},[4,5]])");
    CHECK(csv("a,b,c\n1,2,3\n4,5,6") == R"([{"a":1,"b":2,"c":3},{"a":4,"b":5,"c":6}])");
    CHECK(csv_refusal("a,b\n1,\"2\n3,4\n") == "line 2: a quote that is not closed");
    CHECK(csv_refusal("a,b\n\"1\n2\",3\n4,\"") == "line 4: a quote that is not closed");
    CHECK(csv_refusal("\"") == "line 1: a quote that is not closed");
}

TEST_CASE("names of columns are made distinct", "[decode][csv]") {
    CHECK(csv("a,a,a\n1,2,3\n") == R"([{"a":1,"a_2":2,"a_3":3}])");
    CHECK(csv("a,a,a_2\n1,2,3\n") == R"([{"a":1,"a_3":2,"a_2":3}])");
    CHECK(csv("a,,\n1,2,3\n") == R"([{"a":1,"column_2":2,"column_3":3}])");
    CHECK(csv(",column_1\n1,2\n") == R"([{"column_1_2":1,"column_1":2}])");
    CHECK(csv(" id , name\n1,2\n") == R"([{"id":1,"name":2}])");
    CHECK(csv("a,b,\n1,2,\n") == R"([{"a":1,"b":2,"column_3":null}])");
}

TEST_CASE("CSV is read as its options say", "[decode][csv]") {
    CHECK(csv("id;name\n1;a,b\n", {.delimiter = ';'}) == R"([{"id":1,"name":"a,b"}])");
    CHECK(csv("id\tname\n1\t\"a\tb\"\n", {.delimiter = '\t'}) == R"([{"id":1,"name":"a\u0009b"}])");
    CHECK(csv("id,name\n1,'it''s, \"so\"'\n", {.quote = '\''}) == R"([{"id":1,"name":"it's, \"so\""}])");
    CHECK(csv("id,name\n1,\"a\n2,b\n", {.quote = '\0'}) == R"([{"id":1,"name":"\"a"},{"id":2,"name":"b"}])");
    CHECK(csv("1,2\n3,4\n", {.header = {"x", "y"}}) == R"([{"x":1,"y":2},{"x":3,"y":4}])");
    CHECK(csv("made by \"us\nat noon\nx,y\n1,2\n", {.skip = 2}) == R"([{"x":1,"y":2}])");
    CHECK(csv("a,b\n1,2\n", {.header = {"x", "y"}, .skip = 1}) == R"([{"x":1,"y":2}])");
    CHECK(csv("a,b\n", {.skip = 9}) == "[]");
    CHECK(csv("a,b", {.skip = 1}) == "[]");
}

TEST_CASE("characters of CSV that mean something elsewhere mean nothing", "[decode][csv]") {
    CHECK(csv(std::string("a,b\nx\0y,\"\0\"\n", 12)) == R"([{"a":"x\u0000y","b":"\u0000"}])");
    CHECK(csv("a,b\nx\ry,z\r\n") == R"([{"a":"x\u000dy","b":"z"}])");
    CHECK(csv("a\n\\n\b\x1f\n") == "[{\"a\":\"\\\\n\\u0008\\u001f\"}]");
    CHECK(csv("größe\nÜ\n") == R"([{"größe":"Ü"}])");
}

TEST_CASE("a field of a megabyte is a field, and what outgrows its bound is refused", "[decode][csv]") {
    const std::string large(1 << 20, 'x');
    CHECK(csv("a,b\n" + large + ",\"" + large + "\"\n") == R"([{"a":")" + large + R"(","b":")" + large + "\"}]");
    const std::string name(1 << 20, 'n');
    std::string many = name + "\n";
    for (int i = 0; i < 300; ++i) many += "1\n";
    CHECK(csv_refusal(many) == "as JSON it is over the bound of 268435456 bytes");
}

TEST_CASE("whatever the bytes are, CSV becomes JSON or is refused", "[decode][csv]") {
    std::uint32_t random = 7;
    const std::string letters("a1,;\"'\r\n \0-", 11);
    for (int i = 0; i < 3'000; ++i) {
        std::string text;
        for (int k = 0; k < i % 60; ++k) text += letters[(random = random * 1'664'525 + 1'013'904'223) % 2'147'483'648U % letters.size()];
        INFO(text);
        std::string json;
        try {
            json = csv(text);
        } catch (const PermanentError&) {
            continue;
        }
        CHECK_NOTHROW(JsonDocument::parse(json));
    }
}
