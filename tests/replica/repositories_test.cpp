#include "tests/replica/repositories.hpp"

#include <set>

#include "tests/support/catch.hpp"

using namespace pawl::replica;

namespace {

const Repositories& real() {
    static const Repositories repositories = Repositories::load("tests/data/github");
    return repositories;
}

}  // namespace

TEST_CASE("the ranking's repositories keep their real figures", "[replica]") {
    const auto* its = real().by_name("CodeCrafters-IO", "build-your-own-x");
    REQUIRE(its);
    CHECK(its->stars == 541'915);
    CHECK(its->language == "Markdown");
    CHECK_FALSE(its->derived);
    CHECK(its == real().by_id(its->id));
}

TEST_CASE("29 of the 529 listed repositories are real and the others are derived and marked",
          "[replica]") {
    auto links = repository_links(real().readme());
    CHECK(links.size() == 529);
    int ranked = 0, derived = 0, missing = 0;
    for (const auto& [owner, name] : links) {
        const auto* its = real().by_name(owner, name);
        if (!its) its = real().by_old_name(owner, name);
        if (!its)
            ++missing;
        else
            ++(its->derived ? derived : ranked);
    }
    CHECK(ranked == 29);
    CHECK(derived == 499);
    CHECK(missing == 1);  // sponsors/sindresorhus, which is none on GitHub either
    CHECK(real().all().size() == 3'449 + 499);
}

TEST_CASE("ids are unique and most do not fit 32 bits signed", "[replica]") {
    std::set<std::uint64_t> ids;
    std::size_t large = 0;
    for (const auto& its : real().all()) {
        ids.insert(its.id);
        large += its.id > 2'147'483'647 ? 1 : 0;
    }
    CHECK(ids.size() == real().all().size());
    CHECK(large > ids.size() / 2);
}

TEST_CASE("some listed repositories were renamed and are found by the old name only there",
          "[replica]") {
    int renamed = 0;
    for (const auto& its : real().all()) {
        if (its.old_name.empty()) continue;
        ++renamed;
        CHECK(real().by_old_name(its.owner, its.old_name) == &its);
        CHECK(real().by_name(its.owner, its.old_name) == nullptr);
    }
    CHECK(renamed >= 3);
}

TEST_CASE("owners with a hyphen are in the data", "[replica]") {
    int listed = 0;
    for (const auto& [owner, name] : repository_links(real().readme()))
        listed += owner.find('-') != std::string::npos ? 1 : 0;
    CHECK(listed >= 10);
}

TEST_CASE("a quoted CSV field may hold commas, quotes and line ends", "[replica]") {
    auto rows = parse_csv("a,\"b, \"\"c\"\"\nd\",\r\n1,2,3");
    REQUIRE(rows.size() == 2);
    CHECK(rows[0] == std::vector<std::string>{"a", "b, \"c\"\nd", ""});
    CHECK(rows[1] == std::vector<std::string>{"1", "2", "3"});
}

TEST_CASE("times survive being written and read", "[replica]") {
    CHECK(parse_time("1970-01-02T00:00:01Z") == 86'401);
    CHECK(format_time(parse_time("2026-02-28T23:59:58Z")) == "2026-02-28T23:59:58Z");
    CHECK_THROWS_AS(parse_time("yesterday"), std::invalid_argument);
}
