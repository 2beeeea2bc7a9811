#include "core/decoded.hpp"

#include "core/errors.hpp"
#include "core/page_records.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

Stream decoding(Stream::Decode decode) {
    Stream stream;
    stream.decode = decode;
    return stream;
}

Stream rows_stream(const std::string& rows, const std::string& columns, std::vector<std::string> names = {}) {
    Stream stream;
    stream.records = Expression::compile(rows);
    stream.row_columns.emplace();
    if (names.empty()) stream.row_columns->path = Expression::compile(columns);
    else stream.row_columns->names = std::move(names);
    return stream;
}

/// The records of a page, as they stand there.
std::vector<std::string> records_in(const Stream& stream, const std::string& body) {
    const auto document = JsonDocument::parse(decoded(stream, body), decoded_bounds(stream));
    std::vector<std::string> found;
    for (const auto& record : page_records(stream, document)) found.emplace_back(document.raw(record.node));
    return found;
}

using RecordTexts = std::vector<std::string>;

}  // namespace

TEST_CASE("JSON is handed on as it is, without a copy", "[decode]") {
    std::string body = "{\"a\": [1, 2,\n 3], \"not\": json" + std::string(100, ' ');
    const char* const place = body.data();
    const auto text = decoded(decoding(Stream::Decode::json), std::move(body));
    CHECK(text.data() == place);
}

TEST_CASE("bytes that are no UTF-8 are replaced, but in JSON lines they are an error", "[decode]") {
    CHECK(decoded(decoding(Stream::Decode::csv), "a\n\xff\n") == "[{\"a\":\"\xef\xbf\xbd\"}]");
    CHECK(decoded(decoding(Stream::Decode::xml), "<a>\xff</a>") == "{\"a\":\"\xef\xbf\xbd\"}");
    CHECK(decoded(decoding(Stream::Decode::xml), "<?xml version='1.0' encoding='iso-8859-1'?><a>\xc3\xa4</a>") == "{\"a\":\"ä\"}");
    CHECK_THROWS_AS(decoded(decoding(Stream::Decode::jsonl), "\"\xff\"\n"), PermanentError);
    auto text = decoding(Stream::Decode::text);
    text.text_records.match = "(?<a>.+)";
    CHECK(decoded(text, "\xff\n") == "[{\"a\":\"\xef\xbf\xbd\"}]");
}

TEST_CASE("elements of a name are records wherever they stand", "[decode][xml]") {
    auto stream = decoding(Stream::Decode::xml);
    stream.records_element = "item";
    CHECK(records_in(stream, "<r><item>1</item><x><y><item>2</item><item>3</item></y></x></r>") == RecordTexts{"\"1\"", "\"2\"", "\"3\""});
    CHECK(records_in(stream, "<r><x/></r>").empty());
    CHECK(records_in(stream, "<item><a/></item>") == RecordTexts{R"({"a":null})"});
    CHECK(records_in(stream, "<r><item><item>1</item></item></r>") == RecordTexts{R"({"item":"1"})"});  // one record, with its parts
    CHECK(records_in(stream, "<r item=\"no\"><item/></r>") == RecordTexts{"null"});
}

TEST_CASE("lines and lists are records without being told so", "[decode]") {
    CHECK(records_in(decoding(Stream::Decode::jsonl), "{\"a\":1}\n{\"a\":2}\n") == RecordTexts{R"({"a":1})", R"({"a":2})"});
    CHECK(records_in(decoding(Stream::Decode::csv), "a\n1\n2\n") == RecordTexts{R"({"a":1})", R"({"a":2})"});
    CHECK(records_in(decoding(Stream::Decode::xml), "<a><b/><b/></a>").size() == 1);
    CHECK(records_in(decoding(Stream::Decode::json), "[1,2]") == RecordTexts{"[1,2]"});
}

TEST_CASE("rows of values become objects by the names of their columns", "[decode][rows]") {
    const auto stream = rows_stream("$.result.rows", "$.result.headers");
    const std::string body = R"({"result": {"headers": ["id", "name"], "rows": [[1, "a"], [12345678901234567890, null]]}, "next": 7})";
    CHECK(decoded(stream, body) ==
          R"({"result": {"headers": ["id", "name"], "rows": [{"id":1,"name":"a"}, {"id":12345678901234567890,"name":null}]}, "next": 7})");
    CHECK(records_in(stream, body) == RecordTexts{R"({"id":1,"name":"a"})", R"({"id":12345678901234567890,"name":null})"});
    CHECK(records_in(rows_stream("$.result.rows[*]", "$.result.headers[*]"), body) == records_in(stream, body));
    CHECK(records_in(rows_stream("$", "", {"x", "y"}), R"([[1, [2, {"z": "]"}]]])") == RecordTexts{R"({"x":1,"y":[2, {"z": "]"}]})"});
    CHECK(records_in(rows_stream("$.rows", "$.fields[*].name"), R"({"fields": [{"name": "a"}, {"name": "b"}], "rows": [[1, 2]]})") ==
          RecordTexts{R"({"a":1,"b":2})"});
    CHECK(records_in(rows_stream("$.t[*].rows[*]", "", {"a"}), R"({"t": [{"rows": [[1], [2]]}, {"rows": [[3]]}]})").size() == 3);
}

TEST_CASE("rows that do not fit their columns", "[decode][rows]") {
    const auto stream = rows_stream("$.rows", "$.columns");
    CHECK(records_in(stream, R"({"columns": ["a", "b"], "rows": [[1], [], [1,2,3], {"a": 5}, 7]})") ==
          RecordTexts{R"({"a":1})", "{}", "[1,2,3]", R"({"a": 5})", "7"});
    CHECK(records_in(stream, R"({"columns": ["a", "a", null, "", 5], "rows": [[1,2,3,4,5]]})") ==
          RecordTexts{R"({"a":1,"a_2":2,"column_3":3,"column_4":4,"5":5})"});
    CHECK(records_in(stream, R"({"rows": []})").empty());
    CHECK(records_in(stream, R"({"error": "none"})").empty());
    CHECK_THROWS_WITH(records_in(stream, R"({"rows": [[1]]})"), "records.columns: $.columns finds no names");
    CHECK_THROWS_AS(records_in(stream, R"({"rows": [[1)"), PermanentError);
}
