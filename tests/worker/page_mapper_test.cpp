#include "core/stream_projection.hpp"
#include "worker/page_mapper.hpp"

#include "core/errors.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using core::Emit;
using core::Expression;
using core::Value;

namespace {

Emit::Column column(const std::string& name, const std::string& value) { return {name, Expression::compile(value)}; }

core::Stream stream_of(std::vector<Emit> emits) {
    core::Stream stream;
    stream.name = "s";
    stream.emits = std::move(emits);
    return stream;
}

Emit emit_of(std::vector<std::string> key, std::vector<Emit::Column> columns) {
    Emit emit;
    emit.table = "t";
    emit.key = std::move(key);
    emit.columns = std::move(columns);
    return emit;
}

Emit inferring(std::vector<std::string> key) {
    Emit emit = emit_of(std::move(key), {});
    emit.infer = true;
    return emit;
}

/// With what the stream's expressions look at, as a source file has it.
core::PageRows mapped(core::Stream stream, const core::Job& job, std::string body) {
    stream.rows_wanted = core::projection_for_rows(stream);
    return worker::map_page(stream, job, std::move(body));
}

/// "a=1 b=null | a=2 b=x": rows as text, for comparison at a glance.
std::string shown(const core::EmitRows& rows) {
    std::string out;
    const auto width = rows.columns.size();
    for (std::size_t i = 0; i < rows.cells.size(); ++i) {
        if (i > 0) out += i % width == 0 ? " | " : " ";
        out += rows.columns[i % width] + "=";
        out += rows.cells[i].is_null() ? "null" : std::string(rows.cells[i].text);
    }
    return out;
}

std::string mapped(const core::Stream& stream, const std::string& body, const core::Job& job = {}) {
    const auto rows = mapped(stream, job, body);
    return shown(rows.emits.at(0));
}

}  // namespace

TEST_CASE("the short form makes a column of every field, whatever the order and number", "[mapper]") {
    auto typed = inferring({"id"});
    typed.types = {{"n", core::ColumnType::text}};
    const auto declared = mapped(stream_of({typed}), {}, R"([{"id": 1, "n": 5, "m": 5}])");
    CHECK(declared.emits[0].cells[1].as == core::ColumnType::text);
    CHECK_FALSE(declared.emits[0].cells[2].as);
    const auto stream = stream_of({inferring({"id"})});
    CHECK(mapped(stream, R"([{"id":1,"a":"x"},{"a":"y","id":2,"b":true},{"id":3}])") ==
          "id=1 a=x b=null | id=2 a=y b=true | id=3 a=null b=null");
    CHECK(mapped(stream, R"({"id":9,"deep":{"x":[1, 2]}})") == R"(id=9 deep={"x":[1, 2]})");
}

TEST_CASE("a record without its key is rejected, the others stay", "[mapper]") {
    const auto stream = stream_of({inferring({"id"})});
    const auto rows = mapped(stream, {}, R"([{"a":1},{"id":2,"a":2},{"id":null},7,{}, {"id":3,"z":0}])");
    const auto& emit = rows.emits.at(0);
    CHECK(emit.read == 6);
    REQUIRE(emit.rejected.size() == 4);
    CHECK(emit.rejected[0].reason == "key column 'id' is missing or null");
    CHECK(emit.rejected[0].record == R"({"a":1})");
    CHECK(emit.rejected[2].reason == "the record is not a JSON object with fields");
    CHECK(shown(emit) == "a=2 id=2 z=null | a=null id=3 z=0");
}

TEST_CASE("an explicit emit sees the whole document as its record", "[mapper]") {
    core::Job job;
    job.parent = R"({"user_id":12345678901})";
    auto emit = emit_of({"user_id"}, {column("user_id", "parent.user_id"), column("stars", "link.last.page ?? count($)")});
    const auto stream = stream_of({emit});
    CHECK(mapped(stream, "[]", job) == "user_id=12345678901 stars=0");
    CHECK(mapped(stream, R"([{"id":1,"name":"x"}])", job) == "user_id=12345678901 stars=1");
    job.link_header = R"(<https://h/users/a/starred?per_page=1&page=2>; rel="next", <https://h/u?per_page=1&page=317>; rel="last")";
    CHECK(mapped(stream, R"([{"id":1}])", job) == "user_id=12345678901 stars=317");
}

TEST_CASE("one response fills several tables", "[mapper]") {
    auto topics = emit_of({"repo_id", "topic"}, {column("repo_id", "$$.id"), column("topic", "$")});
    topics.each = Expression::compile("$.topics[*]");
    topics.replace_by = {"repo_id"};
    auto owner = emit_of({"user_id"}, {column("user_id", "$.id")});
    owner.each = Expression::compile("$.owner");
    auto languages = emit_of({"language"}, {column("language", "key"), column("bytes", "value")});
    languages.each = Expression::compile("entries($.languages)");
    const auto stream = stream_of({emit_of({"id"}, {column("id", "$.id")}), topics, owner, languages});
    const auto rows = mapped(
        stream, {}, R"({"id":5,"topics":["a","b"],"owner":{"id":7},"languages":{"C++":10,"Lua":2}})");
    CHECK(shown(rows.emits[0]) == "id=5");
    CHECK(shown(rows.emits[1]) == "repo_id=5 topic=a | repo_id=5 topic=b");
    CHECK(shown(rows.emits[2]) == "user_id=7");
    CHECK(shown(rows.emits[3]) == "language=C++ bytes=10 | language=Lua bytes=2");
    const auto none = mapped(stream, {}, R"({"id":5,"topics":[]})");
    CHECK(none.emits[1].row_count() == 0);
    REQUIRE(none.emits[1].replace_values.size() == 1);
    CHECK(none.emits[1].replace_values[0].text == "5");
    CHECK(none.emits[2].read == 0);
}

TEST_CASE("the parts of a split text are rows, with what the record around them holds", "[mapper]") {
    auto stream = stream_of({emit_of({"id", "tag"}, {column("id", "$$.id"), column("tag", "trim($)")})});
    stream.emits[0].each = Expression::compile("split($.tags, ',')");
    CHECK(mapped(stream, R"({"id":1,"tags":"a, b","junk":[1]})") == "id=1 tag=a | id=1 tag=b");
    CHECK(mapped(stream, R"({"id":1})").empty());
    auto nested = stream_of({emit_of({"tag"}, {column("tag", "if($ == '', null, $)")})});
    nested.records = Expression::compile("$.items[*]");
    nested.emits[0].each = Expression::compile("split($.tags, ';')");
    const auto rows = mapped(nested, {}, R"({"items":[{"tags":"a;;b"},{"tags":""},{"tags":null},{"tags":"c"}]})");
    CHECK(shown(rows.emits.at(0)) == "tag=a | tag=b | tag=c");
    REQUIRE(rows.emits.at(0).rejected.size() == 1);
    CHECK(rows.emits.at(0).rejected[0].record == R"({"tags":"a;;b"})");
}

TEST_CASE("records may name the array or its elements", "[mapper]") {
    auto stream = stream_of({emit_of({"id"}, {column("id", "$.id"), column("page", "$$.page")})});
    stream.records = Expression::compile(GENERATE(as<std::string>{}, "$.items", "$.items[*]"));
    CHECK(mapped(stream, R"({"page":3,"items":[{"id":1},{"id":2}]})") == "id=1 page=3 | id=2 page=3");
}

TEST_CASE("a row's declared version is a time or an integer", "[mapper]") {
    auto emit = emit_of({"id"}, {column("id", "$.id")});
    emit.merge = Emit::Merge::newest;
    emit.newest = Expression::compile("$.v");
    auto stream = stream_of({emit});
    stream.records = Expression::compile("$[*]");
    const auto rows = mapped(
        stream, {}, R"([{"id":1,"v":"1970-01-01T00:00:01Z"},{"id":2,"v":42},{"id":3,"v":"soon"},{"id":4}])");
    CHECK(rows.emits[0].versions == std::vector<std::int64_t>{1'000'000, 42});
    REQUIRE(rows.emits[0].rejected.size() == 2);
    CHECK(rows.emits[0].rejected[0].reason == "newest: $.v is neither a time nor an integer");
}

TEST_CASE("text becomes records by match, with what split carries into them", "[mapper]") {
    auto stream = stream_of({emit_of({"login", "name", "section"},
                                     {column("login", "$.login"), column("name", "$.name"), column("section", "$.section"),
                                      column("language", "list.language")})});
    stream.decode = core::Stream::Decode::text;
    stream.text_records.split = R"(^#{2,}\s*(?<section>.+)$)";
    stream.text_records.match = R"(https://github\.com/(?<login>[\w.-]+)/(?<name>[\w.-]+))";
    core::Job job;
    job.list = R"({"language":"Node.js"})";
    const std::string text =
        "# Awesome\nhttps://github.com/no/section\n## Web\r\n- [a](https://github.com/foo-bar/a.js) and "
        "https://github.com/baz/b_2)\n### CLI \"x\"\nhttps://github.com/q/c\n";
    CHECK(mapped(stream, text, job) ==
          "login=foo-bar name=a.js section=Web language=Node.js | login=baz name=b_2 section=Web language=Node.js | "
          "login=q name=c section=CLI \"x\" language=Node.js");
    const auto rows = mapped(stream, job, text);
    CHECK(rows.emits[0].rejected.size() == 1);  // the link above the first section has none
}

TEST_CASE("rows come from every kind of body", "[mapper][decode]") {
    const std::string expected = "id=1 name=a | id=2 name=null";
    auto stream = stream_of({emit_of({"id"}, {column("id", "$.id as bigint"), column("name", "$.name")})});
    stream.decode = core::Stream::Decode::jsonl;
    CHECK(mapped(stream, "{\"id\": 1, \"name\": \"a\"}\n\n{\"id\": 2}\n") == expected);
    stream.decode = core::Stream::Decode::csv;
    CHECK(mapped(stream, "id,name\r\n1,a\r\n2\r\n") == expected);
    stream.decode = core::Stream::Decode::xml;
    stream.records_element = "item";
    CHECK(mapped(stream, "<r><item><id>1</id><name>a</name></item><item><id>2</id></item></r>") == expected);
    stream.records_element.clear();
    stream.records = Expression::compile("$.r.item");
    CHECK(mapped(stream, "<r><item><id>1</id><name>a</name></item><item><id>2</id></item></r>") == expected);
    stream.decode = core::Stream::Decode::json;
    stream.records = Expression::compile("$.rows");
    stream.row_columns.emplace();
    stream.row_columns->path = Expression::compile("$.names");
    CHECK(mapped(stream, R"({"names": ["id", "name"], "rows": [[1, "a"], [2]]})") == expected);
}

TEST_CASE("the short form finds columns in every kind of body", "[mapper][decode]") {
    auto stream = stream_of({inferring({"id"})});
    stream.decode = core::Stream::Decode::csv;
    CHECK(mapped(stream, "id,b,b\n1,x,\n2,,\"7\"\n") == "id=1 b=x b_2=null | id=2 b=null b_2=7");
    stream.decode = core::Stream::Decode::jsonl;
    CHECK(mapped(stream, "{\"id\": 1}\n{\"id\": 2, \"c\": [1]}\n") == "id=1 c=null | id=2 c=[1]");
    stream.decode = core::Stream::Decode::xml;
    stream.records_element = "item";
    CHECK(mapped(stream, "<r><item id=\"5\"><id>1</id><t>a</t><t>b</t></item></r>") == "@id=5 id=1 t=[\"a\",\"b\"]");
}

TEST_CASE("values of CSV keep their digits and their kind", "[mapper][decode]") {
    auto stream = stream_of({inferring({"id"})});
    stream.decode = core::Stream::Decode::csv;
    const auto rows = mapped(stream, {}, "id,n,t,e\n12345678901234567890123,1.50,\"1\",\n");
    const auto& cells = rows.emits[0].cells;
    REQUIRE(cells.size() == 4);
    CHECK(cells[0].kind == Value::Kind::number);
    CHECK(cells[0].text == "12345678901234567890123");
    CHECK(cells[1].text == "1.50");
    CHECK(cells[2].kind == Value::Kind::text);
    CHECK(cells[3].is_null());
}

TEST_CASE("a line that does not fit its columns is rejected by every table, and the others are stored", "[mapper][decode]") {
    auto stream = stream_of({emit_of({}, {column("id", "$.id")}), emit_of({}, {column("tag", "$")})});
    stream.emits[1].each = Expression::compile("$[*]");
    stream.decode = core::Stream::Decode::csv;
    const auto rows = mapped(stream, {}, "id,b\n1,2\n3,4,5\n6,7");
    CHECK(shown(rows.emits[0]) == "id=1 | id=6");
    for (const auto& emit : rows.emits) {
        CHECK(emit.read >= 1);
        REQUIRE(emit.rejected.size() == 1);
        CHECK(emit.rejected[0].record == "[3,4,5]");
        CHECK(emit.rejected[0].reason == "the line does not fit the header: too many fields, text behind a closing quote, or cut off");
    }
    CHECK(rows.emits[0].read == 3);
    stream.decode = core::Stream::Decode::json;
    stream.records = Expression::compile("$");
    stream.row_columns.emplace();
    stream.row_columns->names = {"id"};
    const auto zipped = mapped(stream, {}, "[[1],[2,3],[]]");
    CHECK(shown(zipped.emits[0]) == "id=1 | id=null");
    REQUIRE(zipped.emits[0].rejected.size() == 1);
    CHECK(zipped.emits[0].rejected[0].reason == "the row has more values than there are columns");
}

TEST_CASE("maps of maps are records by their names", "[mapper]") {
    auto stream = stream_of({emit_of({"day"}, {column("day", "key"), column("open", "value.open")})});
    stream.records = Expression::compile("entries($.series)");
    const std::string body = R"({"series": {"2024-01-01": {"open": 1, "at": {"x": 5}}, "2024-01-02": {"open": 2, "at": {"y": 6, "z": 7}}}})";
    CHECK(mapped(stream, body) == "day=2024-01-01 open=1 | day=2024-01-02 open=2");
    auto inner = stream_of({emit_of({"place"}, {column("place", "key"), column("n", "value"), column("all", "count($$.series)")})});
    inner.records = stream.records;
    inner.emits[0].each = Expression::compile("entries($.at)");
    CHECK(mapped(inner, body) == "place=x n=5 all=2 | place=y n=6 all=2 | place=z n=7 all=2");
    inner.records.reset();
    inner.emits[0].each = Expression::compile("entries($.series)");
    CHECK(mapped(inner, R"({"series": {}})").empty());
}

TEST_CASE("a body that is no JSON is the page's own fault", "[mapper]") {
    CHECK_THROWS_AS(mapped(stream_of({inferring({"id"})}), {}, "<html>"), core::PermanentError);
}
