#include "core/field_table.hpp"

#include <set>

#include "tests/support/catch.hpp"

using namespace pawl::core;

TEST_CASE("every field is in the table once, with a type and a line of documentation",
          "[field_table]") {
    std::set<std::string_view> paths;
    for (const Field& field : source_fields()) {
        INFO(field.path);
        CHECK(paths.insert(field.path).second);
        CHECK_FALSE(field.type.empty());
        CHECK(field.doc.ends_with('.'));
    }
}

TEST_CASE("every field stands below one that is in the table", "[field_table]") {
    for (const Field& field : source_fields()) {
        INFO(field.path);
        const std::size_t dot = field.path.rfind('.');
        if (dot == std::string_view::npos) continue;
        std::string_view parent = field.path.substr(0, dot);
        if (parent.ends_with("[]")) parent.remove_suffix(2);
        CHECK_NOTHROW(source_field(parent));
    }
}

TEST_CASE("a default that is a choice is one of the choices", "[field_table]") {
    for (const Field& field : source_fields()) {
        const auto choices = split_choices(field.type);
        if (choices.size() < 2 || field.fallback.empty()) continue;
        INFO(field.path);
        CHECK(std::count(choices.begin(), choices.end(), field.fallback) == 1);
    }
}

TEST_CASE("a field is found by its map and name, or as any name", "[field_table]") {
    REQUIRE(find_source_field("", "streams") != nullptr);
    CHECK(find_source_field("", "streams")->path == "streams");
    CHECK(find_source_field("streams", "anything")->path == "streams.*");
    CHECK(find_source_field("feedback.resource", "header")->path == "feedback.resource.header");
    CHECK(find_source_field("feedback.resource", "core")->path == "feedback.resource.*");
    CHECK(find_source_field("", "feedback.limit") == nullptr);
    CHECK(find_source_field("limits[]", "match")->path == "limits[].match");
    CHECK(find_source_field("streams.*", "nope") == nullptr);
    CHECK_FALSE(find_source_field("streams.*", "raw")->built);
    CHECK_THROWS_AS(source_field("streams.*.nope"), std::logic_error);
}

TEST_CASE("names of a map are those that this version supports", "[field_table]") {
    CHECK(source_field_names("credentials") == std::vector<std::string>{"from", "inject", "owner"});
    CHECK(source_field_names("nowhere").empty());
}

TEST_CASE("choices are split at bars", "[field_table]") {
    CHECK(split_choices("a | b | c") == std::vector<std::string>{"a", "b", "c"});
    CHECK(split_choices("a") == std::vector<std::string>{"a"});
    CHECK(split_choices("").empty());
}
