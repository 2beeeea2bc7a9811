#include "core/expression.hpp"

#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

struct Fixture {
    JsonDocument document = JsonDocument::parse(
        R"({"a":{"b":[{"c":1},{"c":12345678901234567890123}]},"s":" Mixed Case ","n":null,"t":true,"odd key":5})");
    Arena arena;
    NamedValues parent{{{"id", {Value::Kind::number, std::nullopt, "7"}}}};
    NamedValues link{{{"last.page", {Value::Kind::number, std::nullopt, "34"}}}};

    std::string operator()(const std::string& text) {
        Scope scope;
        scope.document = &document;
        scope.record = document.root();
        scope.parent = &parent;
        scope.link = &link;
        scope.arena = &arena;
        const auto value = Expression::compile(text).evaluate(scope);
        return value.is_null() ? "null" : std::string(value.text);
    }
};

}  // namespace

TEST_CASE("paths, names, functions and choices evaluate", "[expression]") {
    Fixture value;
    CHECK(value("$.a.b[0].c") == "1");
    CHECK(value("$.a.b[-1].c") == "12345678901234567890123");
    CHECK(value("$['odd key']") == "5");
    CHECK(value("$$.t") == "true");
    CHECK(value("$.n") == "null");
    CHECK(value("$.missing.deep[3]") == "null");
    CHECK(value("$.n ?? $.missing ?? 'else'") == "else");
    CHECK(value("coalesce($.n, 4)") == "4");
    CHECK(value("parent.id") == "7");
    CHECK(value("list.id") == "null");
    CHECK(value("link.last.page ?? count($)") == "34");
    CHECK(value("link.next.page ?? count($.a.b)") == "2");
    CHECK(value("count($.missing)") == "0");
    CHECK(value("lower(trim($.s))") == "mixed case");
    CHECK(value("upper($.s)") == " MIXED CASE ");
    CHECK(value("$.a.b as jsonb") == R"([{"c":1},{"c":12345678901234567890123}])");
}

TEST_CASE("types that are known without data", "[expression]") {
    CHECK(Expression::compile("$.x as timestamptz").static_type() == ColumnType::timestamptz);
    CHECK(Expression::compile("link.last.page ?? count($)").static_type() == ColumnType::bigint);
    CHECK(Expression::compile("$.x as double precision").static_type() == ColumnType::float8);
    CHECK(Expression::compile("lower($.x)").static_type() == ColumnType::text);
    CHECK_FALSE(Expression::compile("$.x").static_type());
}

TEST_CASE("what an expression depends on is known at load time", "[expression]") {
    CHECK(Expression::compile("$.x").uses_record());
    CHECK_FALSE(Expression::compile("$$.id").uses_record());
    CHECK(Expression::compile("parent.a ?? parent.b").parent_names() == std::vector<std::string>{"a", "b"});
    CHECK(Expression::compile("header.x_total_count").header_names() == std::vector<std::string>{"x-total-count"});
    CHECK(Expression::compile("entries($)").yields_many());
    CHECK(Expression::compile("$.items[*].user").yields_many());
    CHECK_FALSE(Expression::compile("$.items").yields_many());
}

TEST_CASE("an expression that is wrong says where and why", "[expression]") {
    const auto [text, column, words] = GENERATE(table<std::string, std::size_t, std::string>({
        {"", 0, "ends too early"},
        {"$.a.", 4, "a name is missing"},
        {"$.a[", 4, "between [ and ]"},
        {"id", 0, "written $.id"},
        {"$.a as blob", 7, "'blob' is no type"},
        {"frob($.a)", 0, "no function frob()"},
        {"count(5)", 0, "takes a path"},
        {"lower($.a", 9, ") is missing"},
        {"'abc", 0, "no closing quote"},
        {"$.a $.b", 4, "unexpected"},
        {"parent", 6, "parent.name"},
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
