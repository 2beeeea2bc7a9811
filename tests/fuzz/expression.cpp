#include "core/expression.hpp"

#include "core/errors.hpp"
#include "core/json_projection.hpp"
#include "core/template.hpp"
#include "core/unicode.hpp"
#include "tests/fuzz/targets.hpp"

namespace pawl::fuzz {

namespace {

constexpr std::string_view body = R"({
  "n": null, "t": true, "zero": 0, "text5": "5", "empty": "", "big": 123456789012345678901234567890, "huge": 1e9999,
  "time": "2026-08-22T14:19:25.5Z", "day": "2024-02-29", "http": "Sun, 06 Nov 1994 08:49:37 GMT", "old": "0001-01-01T00:00:00Z",
  "tags": "red, green,,blue", "nul": "a\u0000b", "lone": "\ud83d", "list": ["a", 1, null, true, {"k": 2}, "é"],
  "object": {"a": 1}, "items": [{"name": "p"}, {"name": null}, {"name": "q"}, {"other": [1, [2]]}]
})";

core::NamedValues values_of(std::initializer_list<std::pair<const char*, const char*>> texts) {
    core::NamedValues values;
    for (const auto& [name, text] : texts) values.entries.push_back({name, {core::Value::Kind::text, std::nullopt, text}});
    return values;
}

const core::NamedValues parent = values_of(
    {{"id", "7"}, {"login", "ann"}, {"zone", "Asia/Seoul"}, {"when", "1969-12-31T23:59:59.5Z"}});
const core::NamedValues list = values_of({{"x", "a b"}, {"url", "https://h/?q=1"}});
const core::NamedValues header = values_of({{"x_total", "12"}, {"date", "Sun, 06 Nov 1994 08:49:37 GMT"}});
const core::NamedValues link_values = values_of({{"last.page", "34"}, {"next.page", "2"}});
const core::NamedValues window = values_of({{"start", "2026-01-01T00:00:00Z"}, {"end", "2026-02-01T00:00:00Z"}});
constexpr std::int64_t now = 1'795'822'200'250'000;  // 2026-11-27

struct Page {
    const core::JsonDocument& document;
    core::Arena arena = {};

    core::Scope scope() {
        core::Scope seen;
        seen.document = &document;
        seen.record = document.root();
        seen.parent = &parent;
        seen.list = &list;
        seen.header = &header;
        seen.link = &link_values;
        seen.window = &window;
        seen.now = now;
        seen.arena = &arena;
        return seen;
    }
};

std::string shown(const core::Value& value) {
    return std::to_string(static_cast<int>(value.kind)) + ":" + std::string(value.text);
}

/// What is read from a page does not depend on what of the page was looked at.
void check_projection(const core::Expression& expression, const std::string& value) {
    core::JsonProjection root;
    expression.want({&root}, root);
    root.settle();
    const auto part = core::JsonDocument::parse(std::string(body), {}, &root);
    Page page{part};
    require(shown(expression.evaluate(page.scope())) == value, "another value from the projected page");
    const auto skipped = core::JsonDocument::parse_checked(std::string(body), root);
    Page quick{skipped};
    require(shown(expression.evaluate(quick.scope())) == value, "another value from the page that was checked before");
}

void check_expression(std::string_view input) {
    const auto expression = core::Expression::compile(input);
    static const auto whole = core::JsonDocument::parse(std::string(body));
    Page page{whole};
    const auto scope = page.scope();
    const auto value = expression.evaluate(scope);
    require(value.kind != core::Value::Kind::text || core::is_utf8(value.text) || !core::is_utf8(input),
            "text that is no UTF-8");
    if (expression.has_value()) check_projection(expression, shown(value));
    (void)expression.static_type();
    (void)expression.plain();
    (void)expression.uses_record();
    (void)core::is_true(value);
    using Type = core::ColumnType;
    for (const auto type : {Type::bigint, Type::date, Type::jsonb}) (void)core::fits(value, type);
    if (!value.is_null()) (void)core::infer_type(value);
}

}  // namespace

void fuzz_expression(std::string_view input) {
    const auto refused = [&](const core::ExpressionError& error) {
        require(error.column <= input.size(), "refused behind its end");
        require(*error.what() != '\0', "refused without a reason");
        require(core::is_utf8(error.what()) || !core::is_utf8(input), "a message that is no UTF-8");
    };
    try {
        check_expression(input);
    } catch (const core::ExpressionError& error) {
        refused(error);
    }
    try {
        (void)core::Expression::compile_placeholder(input);
        const auto filled = core::Template::compile(input);
        (void)filled.names();
        (void)filled.fill({.parent = &parent, .list = &list, .window = &window, .now = now}, core::Template::Escape::url_component);
    } catch (const core::ExpressionError& error) {
        refused(error);
    } catch (const core::PermanentError&) {  // a placeholder without a value
    }
}

}  // namespace pawl::fuzz
