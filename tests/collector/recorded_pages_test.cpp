#include <fstream>
#include <nlohmann/json.hpp>

#include "collector/paging.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;

// tests/data/github/README.md says where the recording comes from.
TEST_CASE("the recorded pages of a GitHub list are walked from the first to the last",
          "[collector][paging]") {
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
