#include "core/template.hpp"

#include "core/errors.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

Value text(std::string_view content) { return {.kind = Value::Kind::text, .text = content}; }

const NamedValues row{{{"login", text("Ada-Lovelace")},
                       {"id", {.kind = Value::Kind::number, .text = "12345678901234567890"}},
                       {"path", text("a b/ü?&%")},
                       {"dots", text("../x")},
                       {"nothing", {}}}};

std::string fill(std::string_view source, Template::Escape escape = Template::Escape::none) {
    return Template::compile(source).fill({.parent = &row}, escape);
}

std::size_t fault_column(std::string_view source) {
    try {
        (void)Template::compile(source);
    } catch (const ExpressionError& error) {
        return error.column;
    }
    return std::string_view::npos;
}

}  // namespace

TEST_CASE("placeholders take values of the parent row", "[template]") {
    CHECK(fill("/users/{login}/{parent.id}") == "/users/Ada-Lovelace/12345678901234567890");
    CHECK(fill("{lower(login)}/{upper(parent.login)}") == "ada-lovelace/ADA-LOVELACE");
    CHECK(fill("plain") == "plain");
    CHECK(fill("") == "");
}

TEST_CASE("placeholders take values of the list entry", "[template]") {
    const NamedValues entry{{{"id", text(" 7 ")}}};
    const auto compiled = Template::compile("{trim(id)}|{list.id}");
    CHECK(compiled.fill({.list = &entry}, Template::Escape::none) == "7| 7 ");
}

TEST_CASE("a placeholder may be any expression that is known before anything is asked", "[template]") {
    const NamedValues entry{{{"page", {.kind = Value::Kind::number, .text = "7"}}, {"key", text("k")}, {"list", text("l")}}};
    const NamedValues window{{{"start", text("2026-08-22T15:00:00Z")}}};
    const auto filled = [&](std::string_view source) {
        return Template::compile(source).fill({.parent = &row, .list = &entry, .window = &window, .now = 1'000'000},
                                              Template::Escape::none);
    };
    CHECK(filled("{format_time(window.start, '%Y-%m-%d', 'Asia/Seoul')}") == "2026-08-23");
    CHECK(filled("{add(page, 1)}-{add(list.page, -1)}") == "8-6");
    CHECK(filled("{parent.nobody ?? 'none'}") == "none");
    CHECK(filled("{if(nothing == null, 'a', 'b')}") == "a");
    CHECK(filled("{match(login, '^[A-Z][a-z]{2}')}{'}'}") == "Ada}");
    CHECK(filled("{epoch(now())}") == "1");
    CHECK(filled("{ login }") == "Ada-Lovelace");
    CHECK(filled("{key}{list}{list.list}{add( id , 1 )}") == "kll12345678901234567891");
    CHECK(Template::compile("{window.start}").uses_window());
    CHECK_FALSE(Template::compile("{window}").uses_window());
}

TEST_CASE("the names in placeholders are known, and which of them are needed", "[template]") {
    std::string names;
    for (const auto& name : Template::compile("/{a}/{lower(parent.b)}/{list.c ?? add(d, 1)}").names())
        names += name.scoped + (name.is_needed ? "! " : " ");
    CHECK(names == "a! parent.b! d list.c ");
    const auto compiled = Template::compile("x{lower(a)}{parent.b}{a ?? b}{sha256(a)}");
    REQUIRE(compiled.parts().size() == 5);
    CHECK(compiled.parts()[1].plain->function == "lower");
    CHECK(compiled.parts()[2].plain->name == "parent.b");
    CHECK_FALSE(compiled.parts()[3].plain);
    CHECK_FALSE(compiled.parts()[4].plain);
    CHECK(compiled.parts()[3].column == 21);
}

TEST_CASE("values are escaped in URLs, literal text is not", "[template]") {
    CHECK(fill("/a?b=c&d={path}", Template::Escape::url_component) ==
          "/a?b=c&d=a%20b%2F%C3%BC%3F%26%25");
    CHECK(fill("{dots}", Template::Escape::url_component) == "..%2Fx");
}

TEST_CASE("a lone placeholder that holds a whole URL is the URL", "[template]") {
    const NamedValues entry{{{"url", text("https://x.test/a?b=1")}, {"word", text("a/b")}}};
    const auto whole = [&](std::string_view source) {
        return Template::compile(source).fill({.list = &entry}, Template::Escape::url_component);
    };
    CHECK(whole("{list.url}") == "https://x.test/a?b=1");
    CHECK(whole("/go/{url}") == "/go/https%3A%2F%2Fx.test%2Fa%3Fb%3D1");
    CHECK(whole("{word}") == "a%2Fb");
}

TEST_CASE("doubled braces are braces", "[template]") {
    CHECK(fill("{{{login}}}") == "{Ada-Lovelace}");
    CHECK(fill("{{x}}") == "{x}");
}

TEST_CASE("a missing or null value is told by name", "[template]") {
    CHECK_THROWS_WITH(fill("/x/{nobody}"), "placeholder {nobody} of \"/x/{nobody}\" has no value");
    CHECK_THROWS_AS(fill("{nothing}"), PermanentError);
    CHECK_THROWS_AS(fill("{list.login}"), PermanentError);
}

TEST_CASE("a key goes into its template", "[template]") {
    const auto compiled = Template::compile("Bearer {key}");
    CHECK(compiled.fill("key", "s3cret") == "Bearer s3cret");
    CHECK_THROWS_AS(Template::compile("{other}").fill("key", "s"), PermanentError);
}

TEST_CASE("a template that does not parse tells the column", "[template]") {
    CHECK(fault_column("/a/{x") == 3);
    CHECK(fault_column("/a}") == 2);
    CHECK(fault_column("/{}") == 1);
    CHECK(fault_column("/{ }") == 1);
    CHECK(fault_column("/a/{b c}") == 6);
    CHECK(fault_column("/{title(x)}") == 2);
    CHECK(fault_column("/{parent.}") == 9);
    CHECK(fault_column("/{other.x}") == 2);
    CHECK(fault_column("/{9a}") == 3);
    CHECK(fault_column("/{$.id}") == 2);
    CHECK(fault_column("/{lower(header.x)}") == 8);
    CHECK(fault_column("/{link.next.page}") == 2);
    CHECK(fault_column("/{count(x)}") == 2);
    CHECK(fault_column("/{match(x, '}')") == 1);
    CHECK(fault_column("/{ok}") == std::string_view::npos);
}
