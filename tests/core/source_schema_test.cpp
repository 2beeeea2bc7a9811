#include "core/source_schema.hpp"

#include <nlohmann/json.hpp>

#include "core/field_table.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::core;
using nlohmann::json;

namespace {

/// The part of the schema that is reached by these keys below `properties`; `*` is any other name.
const json& at(const json& schema, const std::vector<std::string>& keys) {
    const json* here = &schema;
    for (const auto& key : keys) here = key == "*" ? &here->at("additionalProperties") : &here->at("properties").at(key);
    return *here;
}

/// Counts the places that describe a field with this text.
std::size_t described(const json& schema, std::string_view text) {
    std::size_t count = 0;
    if (schema.is_object() && schema.contains("description") && schema["description"].is_string() &&
        schema["description"].get<std::string>().starts_with(text))
        ++count;
    if (schema.is_structured())
        for (const auto& child : schema) count += described(child, text);
    return count;
}

const json any_variable = {{"$ref", "#/definitions/variable"}};

}  // namespace

// tests/schema/check has an independent validator hold files, right and wrong, against it.
TEST_CASE("the schema has every field that is supported, and no other", "[source_schema]") {
    const auto schema = json::parse(source_schema());
    for (const Field& field : source_fields()) {
        INFO(field.path);
        if (field.built) CHECK(described(schema, field.doc) > 0);
    }
    CHECK(described(schema, source_field("streams.*.raw").doc) == 0);
    CHECK_FALSE(at(schema, {"streams", "*"}).at("properties").contains("raw"));
}

TEST_CASE("a map refuses keys that it does not know", "[source_schema]") {
    const auto schema = json::parse(source_schema());
    CHECK(schema["additionalProperties"] == false);
    CHECK(schema["required"] == json({"source", "streams"}));
    CHECK(at(schema, {"streams", "*"})["additionalProperties"] == false);
    CHECK(at(schema, {"streams"})["additionalProperties"].is_object());
}

TEST_CASE("choices and defaults are those of the table", "[source_schema]") {
    const auto schema = json::parse(source_schema());
    const auto& per = schema["properties"]["limits"]["items"]["properties"]["per"];
    CHECK(per["default"] == "owner");
    CHECK(per["anyOf"][0] == json({{"enum", {"owner", "key", "source"}}}));
    CHECK(at(schema, {"tables", "create"})["default"] == true);
    CHECK(at(schema, {"streams", "*", "max_pages"})["default"] == 100'000);
}

TEST_CASE("a variable may stand for a number, a duration and a choice, but not for a list or a map", "[source_schema]") {
    const auto schema = json::parse(source_schema());
    const auto takes_variable = [&](const std::vector<std::string>& keys) {
        const auto& field = at(schema, keys);
        return field.contains("anyOf") &&
               std::find(field["anyOf"].begin(), field["anyOf"].end(), any_variable) != field["anyOf"].end();
    };
    CHECK(takes_variable({"streams", "*", "max_pages"}));
    CHECK(takes_variable({"streams", "*", "refresh"}));
    CHECK(takes_variable({"streams", "*", "conditional"}));
    CHECK(takes_variable({"tables", "create"}));
    CHECK_FALSE(takes_variable({"limits"}));
    CHECK_FALSE(takes_variable({"feedback", "free"}));
    CHECK_FALSE(takes_variable({"streams"}));
}

TEST_CASE("what is as elsewhere has the schema of that place", "[source_schema]") {
    const auto schema = json::parse(source_schema());
    CHECK(at(schema, {"defaults", "paginate"})["anyOf"] == at(schema, {"streams", "*", "paginate"})["anyOf"]);
}
