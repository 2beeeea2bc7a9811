#include "tests/replica/pagination.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"

using namespace pawl::replica;

TEST_CASE("the Link headers of GitHub's recorded issue list are reproduced byte for byte",
          "[replica]") {
    std::ifstream in("tests/data/github/recorded-paginate-issues.json");
    REQUIRE(in);
    auto recorded = nlohmann::json::parse(in);
    constexpr std::string_view list = "https://api.github.com/repositories/515435940/issues";
    constexpr std::uint64_t issues = 13;  // the recording opens so many before it lists them
    int pages = 0;
    for (const auto& exchange : recorded) {
        std::string path = exchange["path"];
        if (exchange["method"] != "get" || path.find("/issues?per_page=3") == std::string::npos)
            continue;
        auto query = parse_query(path.substr(path.find('?') + 1));
        auto page = parse_page(query);
        std::string link;
        const auto& headers = exchange["rawHeaders"];
        for (std::size_t i = 0; i + 1 < headers.size(); i += 2)
            if (headers[i] == "Link") link = headers[i + 1];
        REQUIRE(!link.empty());
        CHECK(link_header(list, query, page.number, last_page(issues, page.size)) == link);
        auto records = std::min(page.size, issues - (page.number - 1) * page.size);
        CHECK(exchange["response"].size() == records);
        ++pages;
    }
    CHECK(pages == 5);
}

TEST_CASE("a list that fits one page has no Link header", "[replica]") {
    CHECK(link_header("u", {}, 1, 0).empty());
    CHECK(link_header("u", {}, 1, 1).empty());
}

TEST_CASE("the page parameter is replaced in place and others are kept", "[replica]") {
    auto query = parse_query("page=2&q=a%20b&per_page=10");
    CHECK(link_header("u", query, 1, 2) ==
          "<u?page=2&q=a%20b&per_page=10>; rel=\"next\", <u?page=2&q=a%20b&per_page=10>; "
          "rel=\"last\"");
}

TEST_CASE("a page beyond the end links back to the list", "[replica]") {
    CHECK(link_header("u", {}, 9, 3) == "<u?page=3>; rel=\"prev\", <u?page=1>; rel=\"first\"");
}

TEST_CASE("per_page is 30 unless told and at most 100", "[replica]") {
    CHECK(parse_page({}).size == 30);
    CHECK(parse_page(parse_query("per_page=7&page=3")).size == 7);
    CHECK(parse_page(parse_query("per_page=7&page=3")).number == 3);
    CHECK(parse_page(parse_query("per_page=1000")).size == 100);
    CHECK(parse_page(parse_query("per_page=0&page=0")).size == 30);
    CHECK(parse_page(parse_query("per_page=x&page=-1")).number == 1);
}
