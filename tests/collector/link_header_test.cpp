#include "collector/link_header.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "collector/paging.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;

TEST_CASE("links are found by their relation in any order", "[collector][link]") {
    const std::string value =
        R"(<https://h/?page=5>; rel="last", <https://h/?page=2>; title="a, b; c"; rel="next")";
    CHECK(find_link(value, "next") == "https://h/?page=2");
    CHECK(find_link(value, "last") == "https://h/?page=5");
    CHECK_FALSE(find_link(value, "prev"));
}

TEST_CASE("a link may have several relations, unquoted and in capitals", "[collector][link]") {
    CHECK(find_link(R"(</b>; rel="prev  NEXT")", "next") == "/b");
    CHECK(find_link("</b>;REL=next", "next") == "/b");
    CHECK(find_link(R"(,, </b> ; rel = "n\ext" ,)", "next") == "/b");
    CHECK_FALSE(find_link(R"(</b>; rel=prev; rel=next)", "next"));
}

TEST_CASE("a malformed header ends the list where it is malformed", "[collector][link]") {
    CHECK(parse_link_header("").empty());
    CHECK(parse_link_header("nonsense").empty());
    CHECK(parse_link_header("<https://h").empty());
    CHECK(parse_link_header(R"(<a>; rel="next)").size() == 1);
    CHECK(parse_link_header(R"(<a>; rel=next nonsense, <b>; rel=last)").size() == 1);
    std::string many;
    for (int i = 0; i < 1'000; ++i) many += "<a>; rel=x,";
    CHECK(parse_link_header(many).size() == 64);
}

TEST_CASE("several Link headers count as one", "[collector][link]") {
    const Headers headers{{"link", "<a>; rel=next"}, {"date", "x"}, {"link", "<b>; rel=last"}};
    CHECK(link_header_of(headers) == "<a>; rel=next, <b>; rel=last");
}

// tests/data/github/README.md says where the recording comes from.
TEST_CASE("the recorded pages of a GitHub list are walked from the first to the last",
          "[collector][link]") {
    std::ifstream in("tests/data/github/recorded-paginate-issues.json");
    REQUIRE(in);
    const auto recorded = nlohmann::json::parse(in);
    const auto source = test::source_paged("{type: link}");
    std::string url;
    std::vector<std::string> pages;
    for (const auto& exchange : recorded) {
        if (exchange.at("method") != "get") continue;
        const auto asked = "https://api.github.com" + exchange.at("path").get<std::string>();
        if (!pages.empty()) CHECK(url == asked);  // what we would ask is what was asked
        Headers headers;
        const auto& raw = exchange.at("rawHeaders");
        for (std::size_t i = 0; i + 1 < raw.size(); i += 2) {
            auto name = raw[i].get<std::string>();
            for (char& c : name) c = static_cast<char>(std::tolower(c));
            headers.emplace_back(name, raw[i + 1].get<std::string>());
        }
        const auto document = core::JsonDocument::parse(exchange.at("response").dump());
        PageRead page;
        page.url = asked;
        page.headers = &headers;
        page.document = &document;
        const auto following = what_follows(source->streams[0], page);
        pages.push_back(asked);
        url = following.cursor.value_or("the end");
    }
    CHECK(pages.size() == 5);
    CHECK(url == "the end");
}
