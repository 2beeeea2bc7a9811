#include "core/incremental.hpp"

#include "core/source_parser.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

/// The `incremental` of a stream as the parser reads it.
Incremental read(const std::string& incremental) {
    const auto source = parse_source_text(
        "source: t\nbase_url: https://h\nstreams:\n  a:\n    foreach: {list: [{last: 9}]}\n    path: /a\n    key: id\n    incremental: " +
            incremental + "\n",
        "t.yaml", {});
    return *source.streams[0].incremental;
}

constexpr std::int64_t second = 1'000'000, day = 86'400 * second;

std::string sent(const Incremental& incremental, Window window) {
    std::string text;
    for (const auto& one : sent_for(incremental, window))
        text += (text.empty() ? "" : "&") + one.into->text() + "=" + (one.is_number ? "#" : "") + one.value;
    return text;
}

std::vector<std::pair<std::int64_t, std::int64_t>> days(const Windows& windows) {
    std::vector<std::pair<std::int64_t, std::int64_t>> list;
    for (const auto& window : windows.windows) list.emplace_back(*window.lo / day, *window.hi / day);
    return list;
}

}  // namespace

TEST_CASE("marks are times or whole numbers", "[core][incremental]") {
    const auto text = [](std::string_view value) { return Value{Value::Kind::text, std::nullopt, value}; };
    const auto number = [](std::string_view value) { return Value{Value::Kind::number, std::nullopt, value}; };
    CHECK(mark_of(text("1970-01-02T00:00:00Z"), false) == day);
    CHECK(mark_of(text("1970-01-02"), false) == day);
    CHECK(mark_of(number("86400"), false) == day);
    CHECK(mark_of(text("86400"), false) == day);
    CHECK(mark_of(number("1700000000123"), false) == 1'700'000'000'123'000);
    CHECK(mark_of(number("86400"), true) == 86400);
    CHECK(mark_of(text("0x1F"), true) == 31);
    CHECK_FALSE(mark_of(text("soon"), false));
    CHECK_FALSE(mark_of(text("1970-01-02"), true));
    CHECK_FALSE(mark_of(number("1.5"), true));
    CHECK_FALSE(mark_of(number("123456789012345678901234567890"), true));
    CHECK_FALSE(mark_of({}, false));
    CHECK_FALSE(parse_number("0x"));
    CHECK_FALSE(parse_number("0x-1"));
}

TEST_CASE("since sends the mark, as the API writes times", "[core][incremental]") {
    const auto plain = read("{since: {field: $.t, into: query.since}}");
    CHECK(sent(plain, {}) == "");
    CHECK(sent(plain, {day + 1, {}}) == "since=1970-01-02T00:00:00Z");
    const auto back = read("{since: {field: $.t, into: query.since, lookback: 2d, start: 1970-01-05}}");
    CHECK(sent(back, {}) == "since=1970-01-05T00:00:00Z");
    CHECK(sent(back, {5 * day, {}}) == "since=1970-01-05T00:00:00Z");
    CHECK(sent(back, {9 * day, {}}) == "since=1970-01-08T00:00:00Z");
    CHECK(sent(read("{since: {field: $.t, into: query.s, format: epoch}}"), {day, {}}) == "s=#86400");
    CHECK(sent(read("{since: {field: $.t, into: query.s, format: '%Y/%m/%d'}}"), {day + day / 2, {}}) == "s=1970/01/02");
    CHECK(sent(read("{since: {field: $.id, into: query.after, format: number}}"), {17, {}}) == "after=#17");
    CHECK(sent(read("{since: {field: $.id, into: query.after, start: 100, lookback: 5}}"), {17, {}}) == "after=#100");
}

TEST_CASE("windows cover the time from start to now once, on one grid", "[core][incremental]") {
    const auto weekly = read("{window: {from_into: query.from, to_into: query.to, start: 1970-01-01, step: 7d, format: '%Y-%m-%d'}}");
    CHECK(weekly.granularity == day);
    using Days = std::vector<std::pair<std::int64_t, std::int64_t>>;
    const auto first = windows_due(weekly, std::nullopt, 17 * day + 5 * second, std::nullopt);
    CHECK(days(first) == Days{{0, 7}, {7, 14}, {14, 17}});
    CHECK(first.mark_after == 17 * day);
    CHECK(days(windows_due(weekly, first.mark_after, 24 * day, std::nullopt)) == Days{{17, 21}, {21, 24}});
    CHECK(windows_due(weekly, 24 * day, 24 * day + second, std::nullopt).windows.empty());
    CHECK_FALSE(windows_due(weekly, 24 * day, 24 * day + second, std::nullopt).mark_after);
    CHECK(sent(weekly, {0, 7 * day}) == "from=1970-01-01&to=1970-01-08");
    const auto inclusive = read("{window: {from_into: query.from, to_into: query.to, start: 1970-01-01, end: 1970-01-09, step: 7d, "
                                "format: '%Y-%m-%d', inclusive: true, order: newest_first}}");
    const auto two = windows_due(inclusive, std::nullopt, 99 * day, std::nullopt);
    CHECK(days(two) == Days{{7, 9}, {0, 7}});
    CHECK(sent(inclusive, two.windows[0]) == "from=1970-01-08&to=1970-01-09");
    const auto late = read("{window: {from_into: query.from, start: 1970-01-01, step: 1d, lookback: 36h}}");
    CHECK(windows_due(late, 10 * day, 10 * day + second, std::nullopt).windows ==
          std::vector<Window>{{10 * day - 36 * 3600 * second, 9 * day}, {9 * day, 10 * day}, {10 * day, 10 * day + second}});
}

TEST_CASE("windows of numbers end where the row or the list says", "[core][incremental]") {
    const auto blocks = read("{window: {from_into: query.a, to_into: query.b, start: 0, step: 4, end: list.last, inclusive: true, format: hex}}");
    CHECK(blocks.numeric);
    const auto due = windows_due(blocks, std::nullopt, 0, 9);
    CHECK(due.windows == std::vector<Window>{{0, 4}, {4, 8}, {8, 10}});
    CHECK(due.mark_after == 10);
    CHECK(sent(blocks, due.windows[2]) == "a=0x8&b=0x9");
    CHECK(windows_due(blocks, 10, 0, 9).windows.empty());
    CHECK(windows_due(blocks, std::nullopt, 0, std::nullopt).windows.empty());
    CHECK(windows_due(blocks, 10, 0, 10).windows == std::vector<Window>{{10, 11}});
}

TEST_CASE("as many windows as there may be are begun, the rest follows", "[core][incremental]") {
    const auto small = read("{window: {from_into: query.a, start: 0, step: 1, end: 1000000}}");
    const auto due = windows_due(small, std::nullopt, 0, std::nullopt);
    CHECK(due.windows.size() == windows_max);
    CHECK(due.mark_after == static_cast<std::int64_t>(windows_max));
    CHECK(windows_due(small, due.mark_after, 0, std::nullopt).windows.front().lo == due.mark_after);
}

TEST_CASE("windows are halved down to what the API tells apart", "[core][incremental]") {
    const auto daily = read("{window: {from_into: query.a, start: 1970-01-01, step: 7d, granularity: 1d}}");
    const auto two = halves(daily, {0, 7 * day});
    REQUIRE(two);
    CHECK(two->first == Window{0, 3 * day});
    CHECK(two->second == Window{3 * day, 7 * day});
    CHECK_FALSE(halves(daily, {0, day}));
    CHECK_FALSE(halves(daily, {0, std::nullopt}));
}
