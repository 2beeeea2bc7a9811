#include "storage/copy_text.hpp"

#include "storage/pq_connection.hpp"
#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/private_postgres.hpp"

using namespace pawl;
using core::ColumnType;
using core::Value;
using storage::Encoded;

namespace {

Value value_of(Value::Kind kind, std::string_view text) {
    Value value;
    value.kind = kind;
    value.text = text;
    return value;
}

struct Case {
    Value::Kind kind;
    std::string text;
    ColumnType type;
    std::string expected;  ///< what Postgres shows; "misfit"
};

/// Through COPY into a column of the type, and back as text.
std::string stored(storage::PqConnection& connection, const Value& value, ColumnType type) {
    std::string row;
    if (storage::append_copy(row, value, type) == Encoded::misfit) return "misfit";
    connection.rollback();
    connection.run("begin");
    connection.copy("create temp table t (c " + std::string(core::to_string(type)) +
                        ") on commit drop; copy t from stdin",
                    row + "\n");
    const auto result = connection.run("select c::text from t");
    std::string shown = result.is_null(0, 0) ? "null" : std::string(result.text(0, 0));
    connection.run("rollback");
    return shown;
}

}  // namespace

TEST_CASE("every value comes back from Postgres as it was, or is told as a misfit before",
          "[copy_text]") {
    using Kind = Value::Kind;
    storage::PqConnection connection(test::PrivatePostgres::shared().url());
    connection.run("set timezone = 'UTC'");
    const std::string digits(900, '7');
    const std::vector<Case> cases{
        {Kind::number, "9223372036854775807", ColumnType::bigint, "9223372036854775807"},
        {Kind::number, "-9223372036854775808", ColumnType::bigint, "-9223372036854775808"},
        {Kind::number, "9223372036854775808", ColumnType::bigint, "misfit"},
        {Kind::number, "1.5", ColumnType::bigint, "misfit"},
        {Kind::text, "007", ColumnType::bigint, "misfit"},
        {Kind::number, "9007199254740993", ColumnType::numeric, "9007199254740993"},
        {Kind::number, digits, ColumnType::numeric, digits},
        {Kind::number, "1e308", ColumnType::numeric, "1" + std::string(308, '0')},
        {Kind::number, "1e309", ColumnType::numeric, "misfit"},
        {Kind::number, "1e100000", ColumnType::numeric, "misfit"},
        {Kind::number, "1e400", ColumnType::float8, "misfit"},
        {Kind::number, "1e-400", ColumnType::float8, "misfit"},
        {Kind::number, "0.1", ColumnType::float8, "0.1"},
        {Kind::number, "-0", ColumnType::float8, "-0"},
        {Kind::boolean, "true", ColumnType::boolean, "true"},
        {Kind::boolean, "false", ColumnType::text, "false"},
        {Kind::text, "2024-02-29T23:59:59.123456Z", ColumnType::timestamptz,
         "2024-02-29 23:59:59.123456+00"},
        {Kind::text, "2024-02-29T23:59:60.000Z", ColumnType::timestamptz, "2024-03-01 00:00:00+00"},
        {Kind::text, "2024-02-29T23:59:60.1Z", ColumnType::timestamptz, "misfit"},
        {Kind::text, "2024-02-29T23:59:59.9999999999999999Z", ColumnType::timestamptz,
         "2024-03-01 00:00:00+00"},
        {Kind::text, "2024-02-29t10:00:00+05:30", ColumnType::timestamptz,
         "2024-02-29 04:30:00+00"},
        {Kind::text, "2024-02-29 10:00:00+0530", ColumnType::timestamptz, "2024-02-29 04:30:00+00"},
        {Kind::text, "2024-02-29", ColumnType::timestamptz, "2024-02-29 00:00:00+00"},
        {Kind::text, "0001-01-01T00:00:00+15:59", ColumnType::timestamptz,
         "0001-12-31 08:01:00+00 BC"},
        {Kind::text, "2024-02-29T10:00:00", ColumnType::timestamptz, "misfit"},
        {Kind::text, "2023-02-29T10:00:00Z", ColumnType::timestamptz, "misfit"},
        {Kind::text, "0000-01-01T00:00:00Z", ColumnType::timestamptz, "misfit"},
        {Kind::text, "2024-02-29T24:00:00Z", ColumnType::timestamptz, "misfit"},
        {Kind::text, "2024-02-29T10:00:00+16:00", ColumnType::timestamptz, "misfit"},
        {Kind::text, "2024-02-29T10:00:00.Z", ColumnType::timestamptz, "misfit"},
        {Kind::text, "now", ColumnType::timestamptz, "misfit"},
        {Kind::text, "infinity", ColumnType::date, "misfit"},
        {Kind::text, "9999-12-31", ColumnType::date, "9999-12-31"},
        {Kind::text, "2024-00-10", ColumnType::date, "misfit"},
        {Kind::text, "01234567-89AB-cdef-0123-456789abcdef", ColumnType::uuid,
         "01234567-89ab-cdef-0123-456789abcdef"},
        {Kind::text, "0123456789abcdef0123456789abcdef", ColumnType::uuid, "misfit"},
        {Kind::text, "a\tb\nc\rd\\N\\.\b", ColumnType::text, "a\tb\nc\rd\\N\\.\b"},
        {Kind::text, "\\.", ColumnType::text, "\\."},
        {Kind::text, "", ColumnType::text, ""},
        {Kind::text, "a line long enough to be read eight bytes at a time \\ and on, ends in tab\t",
         ColumnType::text,
         "a line long enough to be read eight bytes at a time \\ and on, ends in tab\t"},
        {Kind::text, "日本 🐘 ü", ColumnType::text, "日本 🐘 ü"},
        {Kind::text, std::string("a\0b", 3), ColumnType::text,
         "a\xEF\xBF\xBD"
         "b"},
        {Kind::json, R"({"a": [1, 2.50, "x\"\\\n\u00e4"]})", ColumnType::jsonb,
         R"({"a": [1, 2.50, "x\"\\\nä"]})"},
        {Kind::json, "{\n\t\"a\":\r 12345678901234567890123}", ColumnType::jsonb,
         R"({"a": 12345678901234567890123})"},
        {Kind::json, R"(["\u0000", "\ud83d\ude00", "\ud83d", "\ude00x", "\ud83d\u0041"])",
         ColumnType::jsonb,
         "[\"\xEF\xBF\xBD\", \"😀\", \"\xEF\xBF\xBD\", \"\xEF\xBF\xBDx\", \"\xEF\xBF\xBD"
         "A\"]"},
        {Kind::json, R"(["\\u0000"])", ColumnType::jsonb, R"(["\\u0000"])"},
        {Kind::json, R"([1e140000])", ColumnType::jsonb, "misfit"},
        {Kind::json, R"([1e-5])", ColumnType::jsonb, "[0.00001]"},
        {Kind::json, R"(["1e140000"])", ColumnType::jsonb, R"(["1e140000"])"},
        {Kind::json, "[1" + std::string(1'000, '0') + "]", ColumnType::jsonb, "misfit"},
        {Kind::json, R"({"a": 1})", ColumnType::text, R"({"a": 1})"},
        {Kind::json, "{}", ColumnType::bigint, "misfit"},
        {Kind::text, std::string("q\"b\\n\nz\0\x01", 9), ColumnType::jsonb,
         "\"q\\\"b\\\\n\\nz\xEF\xBF\xBD\\u0001\""},
        {Kind::number, "12", ColumnType::jsonb, "12"},
        {Kind::boolean, "true", ColumnType::jsonb, "true"},
        {Kind::null, "", ColumnType::jsonb, "null"},
    };
    for (const Case& one : cases) {
        INFO(core::to_string(one.type) << " " << one.text.substr(0, 60));
        CHECK(stored(connection, value_of(one.kind, one.text), one.type) == one.expected);
    }
}

TEST_CASE("where the source file asks for a type, texts are taken for it", "[copy_text]") {
    storage::PqConnection connection(test::PrivatePostgres::shared().url());
    connection.run("set timezone = 'UTC'");
    const auto asked = [&](std::string_view text, ColumnType type) {
        Value value = value_of(Value::Kind::text, text);
        value.as = type;
        return stored(connection, value, type);
    };
    CHECK(asked("12", ColumnType::bigint) == "12");
    CHECK(asked("12x", ColumnType::bigint) == "misfit");
    CHECK(asked("1.50", ColumnType::numeric) == "1.50");
    CHECK(asked("NaN", ColumnType::numeric) == "misfit");
    CHECK(asked("inf", ColumnType::float8) == "misfit");
    CHECK(asked("True", ColumnType::boolean) == "true");
    CHECK(asked("2024-01-02T03:04:05", ColumnType::timestamptz) == "2024-01-02 03:04:05+00");
    CHECK(asked("2024-01-02T03:04:05Z", ColumnType::date) == "2024-01-02");
}

TEST_CASE("what the encoder takes fits in the eyes of core as well", "[copy_text]") {
    using Kind = Value::Kind;
    for (const auto& [kind, text] : std::vector<std::pair<Kind, std::string>>{
             {Kind::number, "5"},
             {Kind::number, "5.5"},
             {Kind::number, "1e400"},
             {Kind::number, "99999999999999999999"},
             {Kind::boolean, "true"},
             {Kind::text, "x"},
             {Kind::text, "2024-01-01T00:00:00Z"},
             {Kind::text, "2024-01-01"},
             {Kind::text, "01234567-89ab-cdef-0123-456789abcdef"},
             {Kind::json, "[]"}}) {
        const Value value = value_of(kind, text);
        for (int i = 0; i <= static_cast<int>(ColumnType::jsonb); ++i) {
            const auto type = static_cast<ColumnType>(i);
            std::string out;
            const bool taken = storage::append_copy(out, value, type) != Encoded::misfit;
            INFO(text << " as " << core::to_string(type));
            if (taken) CHECK(core::fits(value, type));
        }
        std::string out;
        if (text != "1e400")  // no number of ours holds it: its record is rejected
            CHECK(storage::append_copy(out, value, core::infer_type(value)) != Encoded::misfit);
    }
}
