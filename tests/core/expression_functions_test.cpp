#include "core/expression_functions.hpp"

#include "core/instant.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

constexpr std::string_view body = R"({
  "n": null, "t": true, "f": false, "zero": 0, "zero_point": 0.00, "five": 5, "text5": "5", "empty": "", "no": "0",
  "big": 123456789012345678901234567890, "tiny": 1e-320, "huge": 1e9999,
  "time": "2026-08-22T14:19:25.5Z", "same": "2026-08-22T16:19:25.500+02:00", "day": "2024-02-29", "leap_second": "2016-12-31T23:59:60Z",
  "tags": "red, green,,blue", "one": "x", "nul": "a\u0000b", "lone": "\ud83d", "list": ["a", 1, null, true, {"k": 2}, "é"],
  "nothing": [], "object": {"a": 1}, "items": [{"name": "p"}, {"name": null}, {"name": "q"}, {"other": 1}]
})";

struct Page {
    JsonDocument document = JsonDocument::parse(std::string(body));
    Arena arena;
    NamedValues parent{{{"when", {Value::Kind::text, std::nullopt, "1969-12-31T23:59:59.5Z"}},
                        {"zone", {Value::Kind::text, std::nullopt, "Asia/Seoul"}},
                        {"no_zone", {Value::Kind::text, std::nullopt, "Asia/Soul"}}}};
    NamedValues window{{{"start", {Value::Kind::text, std::nullopt, "2026-01-01T00:00:00Z"}}}};
    std::optional<std::int64_t> now = parse_instant("2026-11-27T23:30:00.25Z");

    Value of(const std::string& text) {
        Scope scope;
        scope.document = &document;
        scope.record = document.root();
        scope.parent = &parent;
        scope.window = &window;
        scope.now = now;
        scope.arena = &arena;
        return Expression::compile(text).evaluate(scope);
    }

    std::string operator()(const std::string& text) {
        const auto value = of(text);
        return value.is_null() ? "null" : std::string(value.text);
    }
};

}  // namespace

TEST_CASE("the time is that of the walk, and its day that of a zone", "[expression]") {
    Page value;
    CHECK(value("now()") == "2026-11-27T23:30:00.250Z");
    CHECK(value.of("now()").as == ColumnType::timestamptz);
    CHECK(value("today()") == "2026-11-27");
    CHECK(value("today('Asia/Seoul')") == "2026-11-28");
    CHECK(value("today(parent.zone)") == "2026-11-28");
    CHECK(value("today(parent.no_zone)") == "null");
    CHECK(value.of("today()").as == ColumnType::date);
    value.now.reset();
    CHECK(value("now()") == "null");
    CHECK(value("today()") == "null");
}

TEST_CASE("times are read as ISO 8601, as HTTP dates, as numbers and by a format", "[expression]") {
    Page value;
    CHECK(value("parse_time($.same)") == "2026-08-22T14:19:25.500Z");
    CHECK(value("parse_time('2026-08-22 14:19')") == "2026-08-22T14:19:00Z");
    CHECK(value("parse_time('2026-08-22 14:19:25 UTC')") == "2026-08-22T14:19:25Z");
    CHECK(value("parse_time('2026-08-22 14:19:25 +0900')") == "2026-08-22T05:19:25Z");
    CHECK(value("parse_time($.day)") == "2024-02-29T00:00:00Z");
    CHECK(value("parse_time($.leap_second)") == "2017-01-01T00:00:00Z");
    CHECK(value("parse_time('Sun, 06 Nov 1994 08:49:37 GMT')") == "1994-11-06T08:49:37Z");
    CHECK(value("parse_time('06 Nov 1994')") == "null");
    CHECK(value("parse_time('2023-02-29')") == "null");
    CHECK(value("parse_time($.five)") == "null");
    CHECK(value("parse_time($.object)") == "null");
    CHECK(value("parse_time($.nul)") == "null");
    CHECK(value("parse_time('2026-08-22T14:19:25', 'iso8601', 'Asia/Seoul')") == "2026-08-22T05:19:25Z");
    CHECK(value("parse_time('2026-08-22T14:19:25Z', 'iso8601', 'Asia/Seoul')") == "2026-08-22T14:19:25Z");
    CHECK(value("parse_time('2026-08-22', 'iso8601', parent.zone)") == "2026-08-21T15:00:00Z");
    CHECK(value("parse_time('Sun, 06 Nov 1994 08:49:37 GMT', 'http_date')") == "1994-11-06T08:49:37Z");
    CHECK(value("parse_time('1700000000.1234567', 'epoch')") == "2023-11-14T22:13:20.123456Z");
    CHECK(value("parse_time(-1, 'epoch')") == "1969-12-31T23:59:59Z");
    CHECK(value("parse_time(-0.5, 'epoch')") == "1969-12-31T23:59:59.500Z");
    CHECK(value("parse_time(1700000000123, 'epoch_ms')") == "2023-11-14T22:13:20.123Z");
    CHECK(value("parse_time($.big, 'epoch')") == "null");
    CHECK(value("parse_time($.huge, 'epoch')") == "null");
    CHECK(value("parse_time($.tiny, 'epoch')") == "1970-01-01T00:00:00Z");
    CHECK(value("parse_time('x', 'epoch')") == "null");
    CHECK(value("parse_time($.n, 'epoch')") == "null");
    CHECK(value("parse_time('22/8/2026 14:19', '%d/%m/%Y %H:%M', 'Asia/Seoul')") == "2026-08-22T05:19:00Z");
    CHECK(value("parse_time('22/8/26', '%d/%m/%Y')") == "null");
    CHECK(value("parse_time('22/8/26', '%d/%m/%y')") == "2026-08-22T00:00:00Z");
    CHECK(value("parse_time('20260822', '%Y%m%d')") == "2026-08-22T00:00:00Z");
    CHECK(value("parse_time(20260822, '%Y%m%d')") == "2026-08-22T00:00:00Z");
    CHECK(value("parse_time('22/08/2026 extra', '%d/%m/%Y')") == "null");
    CHECK(value("parse_time(' 22/08/2026 ', '%d/%m/%Y')") == "2026-08-22T00:00:00Z");
    CHECK(value("parse_time('Sat Aug 22 2:05:09 PM 2026', '%a %b %d %I:%M:%S %p %Y')") == "2026-08-22T14:05:09Z");
    CHECK(value("parse_time('12:30 AM 1/2/2026', '%I:%M %p %d/%m/%Y')") == "2026-02-01T00:30:00Z");
    CHECK(value("parse_time('September 5, 2026', '%B %d, %Y')") == "2026-09-05T00:00:00Z");
    CHECK(value("parse_time('2024-366', '%Y-%j')") == "2024-12-31T00:00:00Z");
    CHECK(value("parse_time('2023-366', '%Y-%j')") == "null");
    CHECK(value("parse_time('2026-08-22T14:19:25.123+05:30', '%FT%T.%f%z', 'Asia/Seoul')") == "2026-08-22T08:49:25.123Z");
    CHECK(value("parse_time('22/Aug/2026:14:19:25 -0700', '%d/%b/%Y:%T %z')") == "2026-08-22T21:19:25Z");
    CHECK(value("parse_time('Tue, 10 Jun 2003 04:00:00 GMT', '%a, %d %b %Y %T %Z')") == "2003-06-10T04:00:00Z");
    CHECK(value("parse_time('2003-06-10 PST', '%F %Z')") == "null");
    CHECK(value("parse_time('@-1.5', '@%s.%f')") == "1969-12-31T23:59:59.500Z");
    CHECK(value("parse_time('25:00 2026', '%H:%M %Y')") == "null");
    CHECK(value("parse_time('100% 2026', '100%% %Y')") == "2026-01-01T00:00:00Z");
}

TEST_CASE("a clock that changes skips times and shows others twice", "[expression]") {
    Page value;
    const auto berlin = [&](const std::string& text) { return value("parse_time('" + text + "', '%F %R', 'Europe/Berlin')"); };
    CHECK(berlin("2026-03-29 01:59") == "2026-03-29T00:59:00Z");
    CHECK(berlin("2026-03-29 02:30") == "2026-03-29T01:30:00Z");  // skipped: shown as 03:30
    CHECK(berlin("2026-03-29 03:00") == "2026-03-29T01:00:00Z");
    CHECK(berlin("2026-10-25 02:30") == "2026-10-25T00:30:00Z");  // the first of two
    CHECK(berlin("2026-10-25 03:00") == "2026-10-25T02:00:00Z");
    CHECK(value("format_time('2026-10-25T00:30:00Z', '%R %z %Z', 'Europe/Berlin')") == "02:30 +0200 CEST");
    CHECK(value("format_time('2026-10-25T01:30:00Z', '%R %z %Z', 'Europe/Berlin')") == "02:30 +0100 CET");
}

TEST_CASE("times are written by a format, in a zone", "[expression]") {
    Page value;
    CHECK(value("format_time($.time, '%Y-%m-%d %H:%M:%S.%f')") == "2026-08-22 14:19:25.500000");
    CHECK(value("format_time($.time, '%A %a %B %b %h %d %e %j %y %I %p %u %w %z %Z %s %F %T %R %D %%')") ==
          "Saturday Sat August Aug Aug 22 22 234 26 02 PM 6 6 +0000 UTC 1787408365 2026-08-22 14:19:25 14:19 08/22/26 %");
    CHECK(value("format_time('2027-01-03', '%G-W%V-%u')") == "2026-W53-7");
    CHECK(value("format_time('2024-12-30', '%G-W%V-%u')") == "2025-W01-1");
    CHECK(value("format_time('0001-01-01', '%Y%m%d')") == "00010101");
    CHECK(value("format_time($.time, 'iso8601')") == "2026-08-22T14:19:25.500Z");
    CHECK(value("format_time($.time, 'iso8601', 'Asia/Kolkata')") == "2026-08-22T19:49:25.500+05:30");
    CHECK(value("format_time($.time, 'iso8601', 'America/New_York')") == "2026-08-22T10:19:25.500-04:00");
    CHECK(value("format_time($.time, 'http_date', 'Asia/Seoul')") == "Sat, 22 Aug 2026 14:19:25 GMT");
    CHECK(value("format_time($.time, 'epoch')") == "1787408365");
    CHECK(value("format_time($.time, 'epoch_ms')") == "1787408365500");
    CHECK(value("format_time(parent.when, 'epoch')") == "-1");
    CHECK(value("format_time(parent.when, 'epoch_ms')") == "-500");
    CHECK(value.of("format_time($.time, 'epoch')").kind == Value::Kind::number);
    CHECK(value("format_time($.one, '%Y')") == "null");
    CHECK(value("format_time($.time, '%Y', parent.no_zone)") == "null");
    CHECK(value("format_time(window.start, '%d.%m.%Y')") == "01.01.2026");
    CHECK(value("format_time(window.end, '%Y')") == "null");
}

TEST_CASE("a clock of long ago, with seconds in its offset, is written as the same instant", "[expression]") {
    Page value;
    const auto written = value("format_time('1800-06-01T00:00:00Z', 'iso8601', 'Asia/Seoul')");
    CHECK(written.ends_with("+08:27"));
    CHECK(parse_instant(written) == parse_instant("1800-06-01T00:00:00Z"));
}

TEST_CASE("seconds since 1970 are exact and rounded down", "[expression]") {
    Page value;
    CHECK(value("epoch($.time)") == "1787408365");
    CHECK(value("epoch(parent.when)") == "-1");
    CHECK(value("epoch('1970-01-01')") == "0");
    CHECK(value("epoch('0001-01-01T00:00:00Z')") == "-62135596800");
    CHECK(value("epoch('9999-12-31T23:59:59.999999Z')") == "253402300799");
    CHECK(value("epoch('0001-01-01T00:00:00+01:00')") == "null");
    CHECK(value("epoch($.five)") == "null");
}

TEST_CASE("numbers are added exactly, whatever their length", "[expression]") {
    Page value;
    CHECK(value("add($.five, 1)") == "6");
    CHECK(value("add($.text5, -7)") == "-2");
    CHECK(value("add($.big, 1)") == "123456789012345678901234567891");
    CHECK(value("add($.big, $.big)") == "246913578024691357802469135780");
    CHECK(value("add(9223372036854775807, 1)") == "9223372036854775808");
    CHECK(value("add(-9223372036854775808, -1)") == "-9223372036854775809");
    CHECK(value("add(0.1, 0.2)") == "0.3");
    CHECK(value("add(1.50, 1)") == "2.50");
    CHECK(value("add(1, -1.5)") == "-0.5");
    CHECK(value("add(-0.5, 0.5)") == "0.0");
    CHECK(value("add('1e3', '1e-3')") == "1000.001");
    CHECK(value("add('1e400', 1)").size() == 401);
    CHECK(value("add($.huge, 1)") == "null");
    CHECK(value("add(100000000000000000000, -1)") == "99999999999999999999");
    CHECK(value("add($.n, 1)") == "null");
    CHECK(value("add($.one, 1)") == "null");
    CHECK(value("add($.t, 1)") == "null");
    CHECK(value("add($.object, 1)") == "null");
    CHECK(value.of("add(1, 2)").kind == Value::Kind::number);
    const std::string nines(20'000, '9');
    CHECK(value("add('" + nines + "', 1)") == "1" + std::string(20'000, '0'));
}

TEST_CASE("durations are added to times; a date stays one by whole days", "[expression]") {
    Page value;
    CHECK(value("add($.time, '-2d')") == "2026-08-20T14:19:25.500Z");
    CHECK(value("add($.time, '1h30m')") == "2026-08-22T15:49:25.500Z");
    CHECK(value("add($.time, '+500ms')") == "2026-08-22T14:19:26Z");
    CHECK(value("add($.day, '1d')") == "2024-03-01");
    CHECK(value.of("add($.day, '1d')").as == ColumnType::date);
    CHECK(value("add($.day, '1h')") == "2024-02-29T01:00:00Z");
    CHECK(value.of("add($.day, '1h')").as == ColumnType::timestamptz);
    CHECK(value("add(today(), '-1d')") == "2026-11-26");
    CHECK(value("add('9999-12-31', '1d')") == "null");
    CHECK(value("add('0001-01-01', '-1d')") == "null");
    CHECK(value("add($.one, '1d')") == "null");
    CHECK(value("add($.time, $.tags)") == "null");
}

TEST_CASE("letters of ASCII change their case, blanks go from both ends", "[expression]") {
    Page value;
    CHECK(value("lower('ÀB c')") == "Àb c");
    CHECK(value("upper('éB c')") == "éB C");
    CHECK(value("trim(' \t a b \n')") == "a b");
    CHECK(value("trim('  ')").empty());
    CHECK(value("lower($.five)") == "5");
    CHECK(value("upper($.n)") == "null");
    CHECK(value("upper($.nul)") == std::string("A\0B", 3));
}

TEST_CASE("text is split into a list, or one part of it", "[expression]") {
    Page value;
    CHECK(value("split($.tags, ',')") == R"(["red"," green","","blue"])");
    CHECK(value.of("split($.tags, ',')").kind == Value::Kind::json);
    CHECK(value("split($.tags, ', ')") == R"(["red","green,,blue"])");
    CHECK(value("split('a,', ',')") == R"(["a",""])");
    CHECK(value("split($.one, ',')") == R"(["x"])");
    CHECK(value("split($.empty, ',')") == "[]");
    CHECK(value("split('a\"b,\\', ',')") == R"(["a\"b","\\"])");
    CHECK(value("split($.nul, 'x')") == R"(["a\u0000b"])");
    CHECK(value("split($.n, ',')") == "null");
    CHECK(value("split($.tags, $.empty)") == "null");
    CHECK(value("split(123, '2')") == R"(["1","3"])");
    CHECK(value("split('owner/name', '/')[0]") == "owner");
    CHECK(value("split('owner/name', '/')[1]") == "name");
    CHECK(value("split('owner/name', '/')[-1]") == "name");
    CHECK(value("split('owner/name', '/')[-2]") == "owner");
    CHECK(value("split('owner/name', '/')[2]") == "null");
    CHECK(value("split('owner/name', '/')[-3]") == "null");
    CHECK(value("split('a', '/')[-9223372036854775808]") == "null");
    CHECK(value("split($.empty, '/')[0]") == "null");
}

TEST_CASE("each part of a split text can be a record", "[expression]") {
    Page page;
    Scope scope;
    scope.document = &page.document;
    scope.record = page.document.root();
    scope.parent = &page.parent;
    scope.arena = &page.arena;
    const auto each = Expression::compile("split($.tags, ',')");
    REQUIRE(each.yields_parts());
    REQUIRE(each.yields_many());
    const auto records = each.records(scope);
    REQUIRE(records.size() == 4);
    std::string seen;
    for (const auto& record : records) {
        CHECK(record.node == page.document.root());
        REQUIRE(record.is_part);
        scope.part = *record.key;
        for (const char* text : {"trim($)", "$.name ?? '-'", "count($)", "join($, ',') ?? '-'", "$$.one"})
            seen += std::string(Expression::compile(text).evaluate(scope).text) + "|";
    }
    CHECK(seen == "red|-|0|-|x|green|-|0|-|x||-|0|-|x|blue|-|0|-|x|");
    scope.part.reset();
    CHECK(Expression::compile("split(parent.zone, '/')").records(scope).size() == 2);
    CHECK(Expression::compile("split($.missing, '/')").records(scope).empty());
    CHECK(Expression::compile("split($.empty, '/')").records(scope).empty());
}

TEST_CASE("elements are joined, nulls are left out", "[expression]") {
    Page value;
    CHECK(value("join($.list, ',')") == R"(a,1,true,{"k": 2},é)");
    CHECK(value("join($.items[*].name, '; ')") == "p; q");
    CHECK(value("join($.nothing, ',')").empty());
    CHECK(value("join($.nothing[*], ',')").empty());
    CHECK(value("join($.missing, ',')") == "null");
    CHECK(value("join($.one, ',')") == "x");
    CHECK(value("join($$.list, '')") == R"(a1true{"k": 2}é)");
    CHECK(value("join($.list, $.n)") == "null");
    CHECK(value("count($.items[*].name)") == "2");
}

TEST_CASE("text is replaced literally", "[expression]") {
    Page value;
    CHECK(value("replace($.tags, ',', ';')") == "red; green;;blue");
    CHECK(value("replace('aaa', 'aa', 'b')") == "ba");
    CHECK(value("replace('a.b', '.', '')") == "ab");
    CHECK(value("replace('1,5', ',', '.')") == "1.5");
    CHECK(value("replace(12.5, '.', ',')") == "12,5");
    CHECK(value("replace($.tags, $.empty, 'x')") == "red, green,,blue");
    CHECK(value("replace($.n, 'a', 'b')") == "null");
    CHECK(value("replace($.tags, ',', $.n)") == "null");
}

TEST_CASE("what functions make of data is bounded", "[expression]") {
    Arena arena;
    const std::string long_text(10u << 20, 'a');
    NamedValues parent{{{"long", {Value::Kind::text, std::nullopt, long_text}}}};
    Scope scope;
    scope.parent = &parent;
    scope.arena = &arena;
    const auto is_null = [&](const std::string& text) { return Expression::compile(text).evaluate(scope).is_null(); };
    CHECK(is_null("replace(parent.long, 'a', 'bbb')"));
    CHECK(is_null("split(parent.long, 'a')"));
    CHECK(is_null("url_encode(replace(parent.long, 'a', '/'))"));
    CHECK_FALSE(is_null("lower(parent.long)"));
    CHECK_FALSE(is_null("replace(parent.long, 'a', 'b')"));
    CHECK_FALSE(is_null("base64(parent.long)"));
    CHECK(is_null("base64(base64(parent.long))"));
}

TEST_CASE("a pattern gives its first group, or what it matches", "[expression]") {
    Page value;
    CHECK(value("match('https://x.test/repos/42?a', '/repos/([0-9]+)')") == "42");
    CHECK(value("match('abc 123', '[0-9]+')") == "123");
    CHECK(value("match('abc', '[0-9]+')") == "null");
    CHECK(value("match('b', '(a)?b')") == "null");
    CHECK(value("match('b', '(?:a)?b')") == "b");
    CHECK(value("match('x=1\ny=2', '^y=(.*)$')") == "2");
    CHECK(value("match($.n, 'a')") == "null");
    CHECK(value("match(2026, '^(..)')") == "20");
    CHECK(value("match('é', '.')") == "\xef\xbf\xbd");  // a byte, repaired
    CHECK(value("match($.nul, 'a(.)b')") == std::string("\0", 1));
    CHECK(value("match('" + std::string(40'000, 'a') + "', '(a+)+(a+)+(a+)+$')").size() <= 40'000);
    CHECK(value("match('" + std::string(3'000, 'a') + "!', '^(a|aa)+$')") == "null");
    CHECK(value("match('" + std::string(70'000, 'a') + "b', 'b')") == "null");  // beyond what is looked at
}

TEST_CASE("hashes and encodings are those of the bytes", "[expression]") {
    Page value;
    CHECK(value("sha256('')") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(value("sha256('abc')") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(value("sha256(5)") == value("sha256($.text5)"));
    CHECK(value("sha256($.n)") == "null");
    CHECK(value("base64('any carnal pleas')") == "YW55IGNhcm5hbCBwbGVhcw==");
    CHECK(value("base64($.nul)") == "YQBi");
    CHECK(value("base64('')").empty());
    CHECK(value("url_encode('a b/é~')") == "a%20b%2F%C3%A9~");
    CHECK(value("url_encode($.nul)") == "a%00b");
    CHECK(value("url_encode($.lone)") == "%EF%BF%BD");
}

TEST_CASE("a condition chooses, and only what it chooses is looked at", "[expression]") {
    Page value;
    CHECK(value("if($.t, 'yes', 'no')") == "yes");
    CHECK(value("if($.f, 'yes', 'no')") == "no");
    CHECK(value("if($.f, 'yes')") == "null");
    CHECK(value("if($.five > 4, $.five, 0)") == "5");
    for (const char* no : {"$.n", "$.f", "$.zero", "$.zero_point", "$.empty", "$.no", "'false'", "$.missing"}) {
        INFO(no);
        CHECK(value(std::string("if(") + no + ", 1, 2)") == "2");
        CHECK(value(std::string("not ") + no) == "true");
    }
    for (const char* yes : {"$.t", "$.five", "$.one", "$.nothing", "$.object", "-1", "' '", "$.big", "$.tiny"}) {
        INFO(yes);
        CHECK(value(std::string("if(") + yes + ", 1, 2)") == "1");
    }
}

TEST_CASE("numbers compare as numbers, times as times, text as text", "[expression]") {
    Page value;
    const auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"$.five == 5.0", "true"},
        {"$.five == '5'", "true"},
        {"$.five < $.big", "true"},
        {"$.big < add($.big, 1)", "true"},
        {"$.big == add($.big, 1)", "false"},
        {"$.tiny > 0", "true"},
        {"$.huge > $.big", "true"},
        {"-1 < -0.5", "true"},
        {"0 == '-0.0'", "true"},
        {"'10' < '9'", "true"},
        {"10 < 9", "false"},
        {"$.five == 'five'", "false"},
        {"$.five != 'five'", "true"},
        {"$.five < 'five'", "null"},
        {"$.time == $.same", "true"},
        {"$.time > $.day", "true"},
        {"$.day == '2024-02-29T00:00:00Z'", "true"},
        {"'2026-08-22T10:00:00Z' < '2026-08-22T11:00:00+02:00'", "false"},
        {"'b' >= 'a'", "true"},
        {"'é' > 'z'", "true"},
        {"$.n == null", "true"},
        {"$.missing == $.n", "true"},
        {"$.five == null", "false"},
        {"$.five != null", "true"},
        {"$.n < 5", "null"},
        {"5 >= null", "null"},
        {"$.t == true", "true"},
        {"$.t != false", "true"},
        {"$.t == 'true'", "false"},
        {"$.t < $.f", "null"},
        {"$.object == $.object", "true"},
        {"$.object == $.nothing", "false"},
        {"$.object < $.nothing", "null"},
        {"header.none == null", "true"},
    }));
    INFO(text);
    CHECK(value(text) == expected);
}

TEST_CASE("operators bind in one order: ??, comparisons, not, and, or, as", "[expression]") {
    Page value;
    const auto [text, expected] = GENERATE(table<std::string, std::string>({
        {"$.n ?? 5 == 5", "true"},
        {"5 == $.n ?? 5", "true"},
        {"not $.n ?? $.t", "false"},
        {"not $.five == 5", "false"},
        {"not not $.t", "true"},
        {"$.f and $.f or $.t", "true"},
        {"$.t or $.f and $.f", "true"},
        {"($.t or $.f) and $.f", "false"},
        {"$.n and $.t", "false"},
        {"$.n or $.n", "false"},
        {"not ($.five < 4) and $.t", "true"},
        {"($.n ?? 'a') == 'a'", "true"},
        {"lower(($.n ?? 'A'))", "a"},
        {"$.five==5and $.t", "true"},
    }));
    INFO(text);
    CHECK(value(text) == expected);
    const auto typed = value.of("$.n ?? $.five == 5 as text");
    CHECK(typed.text == "true");
    CHECK(typed.as == ColumnType::text);
}

TEST_CASE("functions tell their types without data", "[expression]") {
    using enum ColumnType;
    const auto [source, type] = GENERATE(table<std::string, std::optional<ColumnType>>({
        {"now()", timestamptz},
        {"today()", date},
        {"parse_time($.a)", timestamptz},
        {"format_time($.a, '%Y')", ColumnType::text},
        {"format_time($.a, 'epoch_ms')", bigint},
        {"epoch($.a)", bigint},
        {"add($.a, 1)", std::nullopt},
        {"add($.a, '1d')", std::nullopt},
        {"add($.a, '1h')", timestamptz},
        {"add(today(), '-1d')", date},
        {"add(now(), '-1d')", timestamptz},
        {"add($.a, $.b)", std::nullopt},
        {"split($.a, ',')", jsonb},
        {"split($.a, ',')[0]", ColumnType::text},
        {"join($.a, ',')", ColumnType::text},
        {"match($.a, 'x')", ColumnType::text},
        {"sha256($.a)", ColumnType::text},
        {"$.a < 5", boolean},
        {"not $.a", boolean},
        {"$.a or $.b", boolean},
        {"if($.a, 1, 2.5)", numeric},
        {"if($.a, 1)", bigint},
        {"if($.a, $.b, 1)", std::nullopt},
        {"if($.a, null, now())", timestamptz},
        {"coalesce(null, 1)", bigint},
        {"window.start", std::nullopt},
    }));
    INFO(source);
    CHECK(Expression::compile(source).static_type() == type);
}

TEST_CASE("what an expression looks at is found in all arguments", "[expression]") {
    const auto all = Expression::compile("if(parent.a > 1, add(list.b, '1d'), format_time(window.start, '%Y'))");
    CHECK(all.parent_names() == std::vector<std::string>{"a"});
    CHECK(all.list_names() == std::vector<std::string>{"b"});
    CHECK(all.uses_window());
    CHECK_FALSE(all.uses_response());
    CHECK(Expression::compile("if(link.last.page == 1, 1, $.a)").uses_record());
    CHECK(Expression::compile("not header.x").uses_response());
    CHECK_FALSE(Expression::compile("entries($)").has_value());
    CHECK_FALSE(Expression::compile("$.a[*].b").has_value());
    CHECK(Expression::compile("split($.a, ',')").has_value());
    CHECK(Expression::compile("count($.a[*].b)").has_value());
    CHECK_FALSE(Expression::compile("split($.a, ',')[0]").yields_many());
}

TEST_CASE("a function that is wrong says where and why", "[expression]") {
    const auto [text, column, words] = GENERATE(table<std::string, std::size_t, std::string>({
        {"lowr($.a)", 0, "there is no function lowr(); did you mean lower()?"},
        {"coalesce($.a, tim($.b))", 14, "did you mean trim()?"},
        {"now(1)", 0, "now() takes no argument"},
        {"lower()", 0, "lower() takes 1 argument: lower(text)"},
        {"format_time($.a)", 0, "takes 2 or 3 arguments: format_time(time, format, zone)"},
        {"parse_time()", 0, "takes 1 to 3 arguments"},
        {"today('Asia/Soul')", 6, "there is no time zone 'Asia/Soul'; did you mean \"Asia/Seoul\"?"},
        {"parse_time($.a, '%Y', 'Mars')", 22, "there is no time zone 'Mars'"},
        {"parse_time($.a, '%Y-%Q')", 20, "%Q is no part of a time"},
        {"parse_time($.a, '%Y-%')", 20, "is no part of a time"},
        {"parse_time($.a, '%V %Y')", 17, "%V is written, not read"},
        {"parse_time($.a, '%H:%M')", 17, "reads no year"},
        {"parse_time($.a, 'epock')", 17, "'epock' is no format of times"},
        {"parse_time($.a, 'epock')", 17, "did you mean \"epoch\"?"},
        {"format_time($.a, $.b)", 17, "the format of format_time() must be written out in quotes"},
        {"match($.a, $.b)", 11, "the pattern of match() must be written out"},
        {"match($.a, 'x(')", 14, "not a regular expression"},
        {"add($.a, '2 days')", 9, "'2 days' is neither a number nor a duration"},
        {"split($.a, '')", 11, "the separator of split() is empty"},
        {"replace($.a, '', 'b')", 13, "is empty"},
        {"split($.a, ',').x", 15, "unexpected '.x'"},
        {"split($.a, ',')[*]", 15, "one part of split() is written split(…)[0]"},
        {"lower($.a[*])", 6, "[*] yields records"},
        {"1 == $.a[*].b", 5, "[*] yields records"},
        {"lower(entries($))", 6, "entries() yields records"},
        {"join('a', ',')", 0, "join() takes a path"},
        {"$.a = 1", 4, "a comparison is written =="},
        {"1 < 2 < 3", 6, "two values are compared at a time"},
        {"($.a", 4, ") is missing"},
        {"not", 3, "ends too early"},
        {"$.a and", 7, "ends too early"},
        {"window.from", 7, "a window has start and end, not 'from'"},
        {"window", 6, "window.name"},
        {"007", 3, "not a number"},
        {"1.2.3", 5, "not a number"},
    }));
    CAPTURE(text);
    try {
        (void)Expression::compile(text);
        FAIL("compiled");
    } catch (const ExpressionError& error) {
        CHECK(error.column == column);
        CHECK_THAT(error.what(), pawl_tests::contains(words));
    }
}

TEST_CASE("nesting is bounded", "[expression]") {
    const auto nested = [](const std::string& open, const std::string& close, int times) {
        std::string before, after;
        for (int i = 0; i < times; ++i) before += open, after += close;
        return before + "$.a" + after;
    };
    CHECK_NOTHROW(Expression::compile(nested("lower(", ")", 30)));
    CHECK_THROWS_AS(Expression::compile(nested("lower(", ")", 40)), ExpressionError);
    CHECK_THROWS_AS(Expression::compile(nested("(", ")", 100'000)), ExpressionError);
    CHECK_THROWS_AS(Expression::compile(nested("not ", "", 100'000)), ExpressionError);
}
