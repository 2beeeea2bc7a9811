// Mistakes in what becomes of a response, and exactly what is said about them: decoders, tables, expressions.
#include "tests/core/wrong_files.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

/// Column `n`, from column 51 of line 6 on, is `expression`.
Lines wrong_column(const std::string& expression) {
    return wrong_emit("{table: t, key: id, set: {id: $.id, n: \"" + expression + "\"}}");
}

}  // namespace

TEST_CASE("wrong: what the decoders are told", "[wrong_files]") {
    CHECK(wrong_field("decode: {json: {}}") == Lines{"7:14: unknown key \"json\""});
    CHECK(wrong_field("decode: {csv: {delimiter: tab}}") ==
          Lines{"7:31: \"delimiter\" must be one character of ASCII, not \"tab\""});
    CHECK(wrong_field("decode: {csv: {header: true}}") == Lines{"7:28: \"header\" must be a list of names, not \"true\""});
    CHECK(wrong_field("decode: xml\n    records: item") ==
          Lines{"8:14: \"records\": 'item' is unknown; a field of the record is written $.item"});
    CHECK(wrong_field("records: {rows: rows, columns: [a]}") ==
          Lines{"7:21: \"rows\": 'rows' is unknown; a field of the record is written $.rows"});
    CHECK(wrong_field("records: [$.items]") == Lines{"7:14: \"records\" must be text, not a list"});
}

TEST_CASE("wrong: tables and how rows are merged", "[wrong_files]") {
    const std::string name = "must be a name of lower-case letters, digits and _ that begins with a letter (at most 63 bytes), not ";
    CHECK(wrong_field("merge: upsert") ==
          Lines{"7:12: \"merge\" must be \"overwrite\", \"newest\", \"fill_null\", \"append\" or \"history\", not \"upsert\""});
    CHECK(wrong_field("merge: newest") == Lines{"5:5: \"newest\" is missing: which value says how new a row is?"});
    CHECK(wrong_field("merge: {newest: updated_at}") ==
          Lines{"7:21: \"newest\": 'updated_at' is unknown; a field of the record is written $.updated_at"});
    CHECK(wrong_field("merge: {history: true, version: $.v}") == Lines{"7:28: unknown key \"version\""});
    CHECK(wrong_emit("{table: t, merge: {history: true}, set: {id: $.id}}") ==
          Lines{"6:29: \"merge\" needs \"key\": a table without one is replaced as a whole"});
    CHECK(wrong_field("absent: true") == Lines{"7:13: \"absent\" must be \"keep\", \"mark\" or \"delete\", not \"true\""});
    CHECK(wrong_field("columns: [a, b]") == Lines{"7:14: \"columns\" must be a map, not a list"});
    CHECK(wrong_emit("{table: public.t, key: id}") == Lines{"6:19: \"table\" " + name + "\"public.t\""});
    CHECK(wrong_emit("{table: t, key: $.id, set: {id: $.id}}") == Lines{"6:27: \"key\" " + name + "\"$.id\""});
    CHECK(wrong_emit("{table: t, key: id, set: [id]}") == Lines{"6:36: \"set\" must be a map, not a list"});
    CHECK(wrong_emit("{table: t, each: \"items[*]\", key: id}") ==
          Lines{"6:29: \"each\": 'items' is unknown; a field of the record is written $.items"});
    CHECK(wrong_head("tables: {drift: ignore}\n") ==
          Lines{"3:17: \"drift\" must be \"freeze\", \"add_columns\" or \"overflow\", not \"ignore\""});
    CHECK(wrong_head("tables: {drift: overflow}\n").empty());
}

TEST_CASE("wrong: functions", "[wrong_files]") {
    CHECK(wrong_column("format_time($.t)") == Lines{"6:51: \"n\": format_time() takes 2 or 3 arguments: format_time(time, format, zone)"});
    CHECK(wrong_column("split($.a)") == Lines{"6:51: \"n\": split() takes 2 arguments: split(text, separator)"});
    CHECK(wrong_column("if($.a)") == Lines{"6:51: \"n\": if() takes 2 or 3 arguments: if(condition, then, else)"});
    CHECK(wrong_column("count(5)") == Lines{"6:51: \"n\": count() takes a path such as $.items"});
    CHECK(wrong_column("parse_time($.t, '%m-%d')") == Lines{"6:68: \"n\": '%m-%d' reads no year: %Y"});
    CHECK(wrong_column("parse_time($.t, '%Y %Q')") == Lines{"6:71: \"n\": %Q is no part of a time"});
    CHECK(wrong_column("add($.t, '2 days')") ==
          Lines{"6:60: \"n\": '2 days' is neither a number nor a duration such as -2d or 1h30m"});
    CHECK(wrong_column("match($.a, '(')") == Lines{"6:64: \"n\": not a regular expression: Unmatched marking parenthesis ( or \\("});
    CHECK(wrong_column("sha1($.a)") == Lines{"6:51: \"n\": there is no function sha1()"});
    CHECK(wrong_column("now") == Lines{"6:51: \"n\": a function is written now()"});
    CHECK(wrong_column("lower($.a") == Lines{"6:60: \"n\": ) is missing"});
    CHECK(wrong_column("$.a as datetime") ==
          Lines{"6:58: \"n\": 'datetime' is no type; use boolean, bigint, numeric, double, date, timestamptz, uuid, text or jsonb"});
    CHECK(wrong_column("$.a as") == Lines{"6:55: \"n\": a type is missing: $.a as bigint"});
}

TEST_CASE("wrong: paths and signs of other languages", "[wrong_files]") {
    CHECK(wrong_column("$a.b") == Lines{"6:52: \"n\": a point is missing: a field of the record is written $.name"});
    CHECK(wrong_column(".a.b") == Lines{"6:51: \"n\": a field of the record is written $.name"});
    CHECK(wrong_column("a.b") == Lines{"6:51: \"n\": 'a' is unknown; a field of the record is written $.a"});
    CHECK(wrong_column("$..id") == Lines{"6:53: \"n\": a name is missing here; one of other characters is written ['…']"});
    CHECK(wrong_column("$.1a") == Lines{"6:53: \"n\": a name is missing here; one of other characters is written ['…']"});
    CHECK(wrong_column("$.items[?(@.x)]") == Lines{"6:59: \"n\": an index, * or 'name' is missing between [ and ]"});
    CHECK(wrong_column("$.a['b'") == Lines{"6:56: \"n\": no ' ] closes this name"});
    CHECK(wrong_column("$.a && $.b") == Lines{"6:55: \"n\": there is no &&: write a and b"});
    CHECK(wrong_column("$.a || $.b") == Lines{"6:55: \"n\": there is no ||: write a or b, or a ?? b for the first that is there"});
    CHECK(wrong_column("!$.a") == Lines{"6:51: \"n\": there is no !: write not a, or a != b"});
    CHECK(wrong_column("$.a ? 1 : 2") == Lines{"6:55: \"n\": there is no ?: write if(condition, a, b), or a ?? b"});
    CHECK(wrong_column("$.a + 1") == Lines{"6:55: \"n\": there is no +: write add(a, b)"});
    CHECK(wrong_column("$.a | trim") == Lines{"6:55: \"n\": there is no |: write functions around their text: lower(trim($.a))"});
    CHECK(wrong_column("‘x’") ==
          Lines{"6:51: \"n\": a value is missing here: a path, a function, a number, or a text in quotes"});
    CHECK(wrong_column("'abc") == Lines{"6:51: \"n\": no closing quote"});
}
