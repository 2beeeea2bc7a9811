#include "core/link_header.hpp"

#include "tests/support/catch.hpp"

using namespace pawl::core;

TEST_CASE("links are found by their relation in any order", "[link]") {
    const std::string value =
        R"(<https://h/?page=5>; rel="last", <https://h/?page=2>; title="a, b; c"; rel="next")";
    CHECK(find_link(value, "next") == "https://h/?page=2");
    CHECK(find_link(value, "last") == "https://h/?page=5");
    CHECK_FALSE(find_link(value, "prev"));
}

TEST_CASE("a link may have several relations, unquoted and in capitals", "[link]") {
    CHECK(find_link(R"(</b>; rel="prev  NEXT")", "next") == "/b");
    CHECK(find_link("</b>;REL=next", "next") == "/b");
    CHECK(find_link(R"(,, </b> ; rel = "n\ext" ,)", "next") == "/b");
    CHECK_FALSE(find_link(R"(</b>; rel=prev; rel=next)", "next"));
}

TEST_CASE("a malformed header ends the list where it is malformed", "[link]") {
    CHECK(parse_link_header("").empty());
    CHECK(parse_link_header("nonsense").empty());
    CHECK(parse_link_header("<https://h").empty());
    CHECK(parse_link_header(R"(<a>; rel="next)").size() == 1);
    CHECK(parse_link_header(R"(<a>; rel=next nonsense, <b>; rel=last)").size() == 1);
    std::string many;
    for (int i = 0; i < 1'000; ++i) many += "<a>; rel=x,";
    CHECK(parse_link_header(many).size() == 64);
}
