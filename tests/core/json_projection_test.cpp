#include <nlohmann/json.hpp>
#include <regex>

#include "core/errors.hpp"
#include "core/json_projection.hpp"
#include "core/random.hpp"
#include "core/source_parser.hpp"
#include "core/stream_projection.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

constexpr const char* page = R"({"total": 3, "junk": {"a": [1, {"b": "\u00e9"}]}, "items": [
  {"id": 1, "user": {"login": "a", "plan": {"name": "pro"}}, "labels": [{"name": "x"}, {"name": "y"}], "z": 1e3},
  {"id": 2, "user": null, "labels": [], "extra": [[[]]], "us\u0065r": {"login": "late"}},
  {"id": 123456789012345678901234567890, "labels": [{"name": "\"q\""}], "user": {"plan": 5}}
 ] , "next": "/p/2" } )";

JsonProjection wanted(const std::vector<std::string>& expressions, const std::string& records = "$.items[*]") {
    JsonProjection root;
    const auto places = Expression::compile(records).want_records({&root}, root);
    for (const auto& text : expressions) Expression::compile(text).want(places, root);
    root.settle();
    return root;
}

/// What each expression yields for each record, in one text.
std::string seen(const JsonDocument& document, const std::vector<std::string>& expressions,
                 const std::string& records = "$.items[*]") {
    Arena arena;
    std::string out;
    for (const auto& record : Expression::compile(records).records(document, document.root())) {
        Scope scope;
        scope.document = &document;
        scope.record = record.node;
        scope.arena = &arena;
        std::optional<std::string> key = record.key;
        if (key) scope.entry_key = *key;
        for (const auto& text : expressions) {
            const Value value = Expression::compile(text).evaluate(scope);
            out += std::to_string(static_cast<int>(value.kind)) + ":" + std::string(value.text) + " ";
        }
        out += "| ";
    }
    return out;
}

}  // namespace

TEST_CASE("what a projection keeps is read as from the whole document", "[json]") {
    const auto whole = JsonDocument::parse(page);
    const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
        {"$.items[*]", {"$.id", "$.user.login", "$.user.plan.name", "$.z", "$.none"}},
        {"$.items[*]", {"$ as jsonb", "$.user", "$.labels", "$$.total", "$$.next ?? $.id"}},
        {"$.items[*]", {"count($.labels)", "$.labels[0].name", "$.labels[-1].name", "count($.user)", "count($$.items)"}},
        {"$.items[*].labels[*]", {"$.name", "$$.items[1].id"}},
        {"entries($.junk)", {"key", "value"}},
        {"entries($)", {"key", "value", "count(value)"}},
        {"$.items[*]", {"join($.labels[*].name, ',')", "join($.labels, ',')", "count($.labels[*].name)", "add($.id, 1)"}},
        {"$.items[*]", {"if($.user.login == 'a', lower($.user.plan.name), $$.next)", "not $.z or $.user", "replace($.z, 'e', $.id)"}},
        {"$.items[1]", {"$.user.login", "$.user"}},
        {"$", {"$.junk.a[1].b", "$.items[2].id", "count($.items)"}},
    };
    for (const auto& [records, expressions] : cases) {
        INFO(records << " " << expressions.front());
        const auto projection = wanted(expressions, records);
        const auto expected = seen(whole, expressions, records);
        REQUIRE_FALSE(expected.empty());
        CHECK(seen(JsonDocument::parse(page, {}, &projection), expressions, records) == expected);
        CHECK(seen(JsonDocument::parse_checked(page, projection), expressions, records) == expected);
    }
}

TEST_CASE("what nobody looks at is not in the index", "[json]") {
    const auto projection = wanted({"$.id"});
    for (const auto& document : {JsonDocument::parse(page, {}, &projection), JsonDocument::parse_checked(page, projection)}) {
        CHECK(document.member(document.root(), "junk") == JsonDocument::none);
        const auto first = document.element(document.member(document.root(), "items"), 0);
        CHECK(document.child_count(first) == 1);
        CHECK(document.raw(first).ends_with("\"z\": 1e3}"));
    }
}

TEST_CASE("a text that was not checked is visited whole, whatever is wanted of it", "[json]") {
    const auto projection = wanted({"$.id"});
    for (const char* text : {R"({"items": [{"id": 1, "x": [1e]}]})", R"({"items": [{"id": 1, "x": "\q"}]})",
                             R"({"items": [], "x": {"a": tru}})", R"({"items": [], "x": {"\q": 1}})", R"({"items": [})"}) {
        INFO(text);
        CHECK_THROWS_AS(JsonDocument::parse(text, {}, &projection), PermanentError);
    }
    JsonBounds bounds;
    bounds.depth_max = 4;
    CHECK_THROWS_AS(JsonDocument::parse(R"({"x": [[[[1]]]]})", bounds, &projection), PermanentError);
    bounds = {};
    bounds.values_max = 4;
    CHECK_THROWS_AS(JsonDocument::parse(R"({"x": [1, 2, 3, 4]})", bounds, &projection), PermanentError);
}

TEST_CASE("what is taken for JSON is what another parser takes for it, whatever is wanted of it", "[json]") {
    SeededRandom random{20261126};
    const auto projection = wanted({"$.id", "$.user.login"});
    constexpr std::string_view bytes = "{}[]:,\"\\ \n0123456789-+.eEtfnulrabx\x01\xff\xc3";
    int taken = 0, refused = 0;
    for (int round = 0; round < 30'000; ++round) {
        std::string text = page;
        const int changes = 1 + static_cast<int>(random.fraction() * 3);
        for (int i = 0; i < changes; ++i) {
            const auto at = static_cast<std::size_t>(random.fraction() * static_cast<double>(text.size()));
            const char byte = bytes[static_cast<std::size_t>(random.fraction() * static_cast<double>(bytes.size()))];
            const double kind = random.fraction();
            if (kind < 0.6) text[at] = byte;
            else if (kind < 0.8) text.erase(at, 1);
            else text.insert(at, 1, byte);
        }
        // Where the two rightly differ: lone surrogates are repaired later, and numbers need not fit a double.
        static const std::regex extremes(R"(\\u[dD]|[eE][+-]?\d{3})");
        if (std::regex_search(text, extremes)) continue;
        const bool expected = nlohmann::json::accept(text);
        const auto takes = [&](const JsonProjection* projected) {
            try {
                (void)JsonDocument::parse(text, {}, projected);
                return true;
            } catch (const PermanentError&) {
                return false;
            }
        };
        INFO(text);
        REQUIRE(takes(nullptr) == expected);
        REQUIRE(takes(&projection) == expected);
        (expected ? taken : refused) += 1;
    }
    CHECK(taken > 1'000);
    CHECK(refused > 1'000);
}

TEST_CASE("a stream's projections hold what its mapping and its paginator look at", "[json]") {
    const auto parsed = parse_source_text(R"(
source: t
base_url: https://example.org
streams:
  a:
    path: /a
    paginate: {offset: {param: offset, limit: 2, total: $.total}}
    records: $.items
    emit: {table: a, key: id, set: {id: $.id, login: $.user.login}}
  b:
    path: /b
    key: id
)", "t.yaml", {});
    const auto* a = parsed.find("a");
    REQUIRE(a);
    const auto rows = JsonDocument::parse_checked(page, *a->rows_wanted);
    const auto items = rows.member(rows.root(), "items");
    CHECK(rows.child_count(items) == 3);
    CHECK(rows.child_count(rows.element(items, 0)) == 2);
    const auto paging = JsonDocument::parse(page, {}, a->paging_wanted.get());
    CHECK(paging.raw(paging.member(paging.root(), "total")) == "3");
    CHECK(paging.child_count(paging.member(paging.root(), "items")) == 3);
    CHECK(paging.child_count(paging.element(paging.member(paging.root(), "items"), 0)) == 1);  // the key

    const auto* b = parsed.find("b");
    REQUIRE(b);
    const auto inferred = JsonDocument::parse_checked(R"([{"id": 1, "deep": {"x": [1]}}])", *b->rows_wanted);
    const auto record = inferred.element(inferred.root(), 0);
    CHECK(inferred.child_count(record) == 2);
    CHECK(inferred.raw(inferred.member(record, "deep")) == R"({"x": [1]})");
    CHECK(inferred.child_count(inferred.member(record, "deep")) == 0);
}
