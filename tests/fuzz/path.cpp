#include "core/errors.hpp"
#include "core/expression.hpp"
#include "core/json_projection.hpp"
#include "tests/fuzz/targets.hpp"

namespace pawl::fuzz {

namespace {

constexpr std::string_view fixed = R"({"a": [{"b": 1, "c": [[1, 2], [], null]}, {"b": {"x": "y"}}, 5, null], "a b": {"": 0},
  "items": [{"id": 1, "tags": ["p", "q"]}, {"id": 2, "tags": "p,q"}], "\u0061": [7], "next": "/p/2"})";
constexpr std::size_t records_max = 1000;

/// The source text of each record, and its key.
std::vector<std::string> found_in(const core::JsonDocument& document, const core::Expression& path) {
    std::vector<std::string> found;
    for (const auto& record : path.records(document, document.root(), records_max))
        found.push_back(record.key.value_or("") + "=" + std::string(document.raw(record.node)));
    return found;
}

std::int64_t count_of(const core::JsonDocument& document, const std::string& path) {
    core::Arena arena;
    core::Scope scope;
    scope.document = &document;
    scope.record = document.root();
    scope.arena = &arena;
    return std::stoll(std::string(core::Expression::compile("count(" + path + ")").evaluate(scope).text));
}

void check_path(const std::string& text, const std::string& json) {
    const auto path = core::Expression::compile(text);
    const auto whole = core::JsonDocument::parse(json);
    const auto found = found_in(whole, path);
    core::JsonProjection root;
    for (auto* place : path.want_records({&root}, root)) place->want_all();
    root.settle();
    const auto part = core::JsonDocument::parse(json, {}, &root);
    require(found_in(part, path) == found, "other records in the projected page");
    require(found_in(core::JsonDocument::parse_checked(json, root), path) == found, "other records in the page checked before");
    const bool plain = text.starts_with('$') && text.find_first_of(" \t(),") == std::string::npos;
    if (plain && path.yields_many()) require(count_of(whole, text) == static_cast<std::int64_t>(found.size()), "another count");
}

}  // namespace

void fuzz_path(std::string_view input) {
    const auto end = input.find('\n');
    const std::string json(end == std::string_view::npos ? fixed : input.substr(end + 1));
    try {
        check_path(std::string(input.substr(0, end)), json);
    } catch (const core::ExpressionError&) {
    } catch (const core::PermanentError&) {  // no JSON, or too many records
    }
}

}  // namespace pawl::fuzz
