#include "core/field_search.hpp"

#include "tests/support/catch.hpp"

using namespace pawl::core;

namespace {

std::vector<std::string> found(std::string_view words) {
    std::vector<std::string> paths;
    for (const Field* field : find_field(words).found) paths.emplace_back(field->path);
    return paths;
}

using Paths = std::vector<std::string>;

}  // namespace

TEST_CASE("every field is found by its own path, as written and without what tells a list", "[field_search]") {
    for (const Field& field : source_fields()) {
        INFO(field.path);
        CHECK(found(field.path) == Paths{std::string(field.path)});
        std::string plain(field.path);
        for (std::size_t at; (at = plain.find("[]")) != std::string::npos;) plain.erase(at, 2);
        CHECK(found(plain) == Paths{std::string(field.path)});
    }
}

TEST_CASE("a field is found by a path of a file, with a name where the table has any", "[field_search]") {
    CHECK(found("streams.stargazers.paginate") == Paths{"streams.*.paginate"});
    CHECK(found("streams.stargazers") == Paths{"streams.*"});
    CHECK(found("streams.repos.emit[0].set.repo_id") == Paths{"streams.*.emit[].set.*"});
    CHECK(found("feedback.resource.core") == Paths{"feedback.resource.*"});
    CHECK(found("feedback.resource.header") == Paths{"feedback.resource.header"});
    CHECK(found("headers.Accept") == Paths{"headers.*"});
}

TEST_CASE("the name of a stream may be left out", "[field_search]") {
    CHECK(found("streams.paginate") == Paths{"streams.*.paginate"});
    CHECK(found("streams.paginate.cursor.into") == Paths{"streams.*.paginate.cursor.into"});
    CHECK(found("streams.query.per_page") == Paths{"streams.*.query.*"});
    CHECK(found("streams.columns") == Paths{"streams.*.columns"});
    CHECK(found("streams.records.columns") == Paths{"streams.*.records.columns"});
}

TEST_CASE("the end of a path leads to each place that ends so", "[field_search]") {
    CHECK(found("cursor.into") == Paths{"streams.*.paginate.cursor.into"});
    CHECK(found("paginate") == Paths{"defaults.paginate", "streams.*.paginate"});
    CHECK(found("oauth2.grant") == Paths{"auth.oauth2.grant"});
    CHECK(found("rate") == Paths{"limits[].rate"});
}

TEST_CASE("an unknown path gets the nearest one as a suggestion", "[field_search]") {
    CHECK(find_field("limits.mtach").hint == "did you mean \"limits.match\"?");
    CHECK(find_field("streems.repos.paginate").hint == "did you mean \"streams.repos.paginate\"?");
    CHECK(find_field("streams.repos.paginate.curser.next").hint == "did you mean \"streams.repos.paginate.cursor.next\"?");
    CHECK(find_field("pagniate").hint == "did you mean \"paginate\"?");
    CHECK(find_field("zzzzzz").hint.empty());
    CHECK(find_field("zzzzzz").found.empty());
}

TEST_CASE("a word taken for a name that is close to a key says so", "[field_search]") {
    const auto search = find_field("streams.paginat");
    REQUIRE(search.found.size() == 1);
    CHECK(search.found.front()->path == "streams.*");
    CHECK(search.hint == "did you mean \"streams.*.paginate\"?");
    CHECK(find_field("streams.stargazers").hint.empty());
}

TEST_CASE("nothing, dots and very long words name no field", "[field_search]") {
    for (const std::string& words :
         {std::string(), std::string("."), std::string("a..b"), std::string(100'000, 'a'), std::string(200, '.')}) {
        INFO(words.substr(0, 20));
        CHECK(find_field(words).found.empty());
    }
}
