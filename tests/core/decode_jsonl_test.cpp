#include "core/decode_jsonl.hpp"

#include "core/errors.hpp"
#include "core/json_document.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

std::string jsonl_refusal(const std::string& text) {
    try {
        return jsonl_as_json(text);
    } catch (const PermanentError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("each line of JSON lines is an element", "[decode][jsonl]") {
    CHECK(jsonl_as_json("{\"a\": 1}\n{\"a\": 12345678901234567890}\n") == R"([{"a": 1},{"a": 12345678901234567890}])");
    CHECK(jsonl_as_json("{\"a\": 1}\r\n\r\n  \n [1, 2] \n\"x\"\nnull") == R"([{"a": 1},[1, 2],"x",null])");
    CHECK(jsonl_as_json("") == "[]");
    CHECK(jsonl_as_json("\n\n") == "[]");
}

TEST_CASE("a line that is no JSON is told by its number", "[decode][jsonl]") {
    CHECK(jsonl_refusal("{}\n\n{]\n").starts_with("line 3: not valid JSON at byte 1: "));
    CHECK(jsonl_refusal("{}\n{\"a\": 1").starts_with("line 2: "));                // cut off
    CHECK(jsonl_refusal("{\"a\":1}\n{\"a\":\"x").starts_with("line 2: "));
    CHECK(jsonl_refusal("1,2\n").starts_with("line 1: "));
    CHECK(jsonl_refusal("{} {}\n").starts_with("line 1: "));
    CHECK(jsonl_refusal("1],[2\n").starts_with("line 1: "));
    CHECK(jsonl_refusal("{\"a\": 1\n\"b\": 2}\n").starts_with("line 1: "));      // would be JSON, joined by a comma
    CHECK(jsonl_refusal("\"a\n\"\n").starts_with("line 1: "));
    CHECK(jsonl_refusal("{\"a\":\"\xff\"}\n").starts_with("line 1: "));
    CHECK(jsonl_refusal(std::string("{}\n{\"a\":\"\0\"}\n", 12)).starts_with("line 2: "));
    CHECK(jsonl_refusal(std::string(200, '[') + std::string(200, ']')).starts_with("line 1: "));
}

TEST_CASE("a line of a megabyte, and a hundred thousand lines", "[decode][jsonl]") {
    const std::string line = "{\"a\":\"" + std::string(1 << 20, 'x') + "\"}";
    CHECK(jsonl_as_json(line + "\n" + line) == "[" + line + "," + line + "]");
    std::string many;
    for (int i = 0; i < 100'000; ++i) many += "{\"id\":" + std::to_string(i) + "}\n";
    const auto document = JsonDocument::parse(jsonl_as_json(many));
    CHECK(document.child_count(document.root()) == 100'000);
}
