#include <nlohmann/json.hpp>

#include "tests/end_to_end/http_client.hpp"
#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;

TEST_CASE("a second sync sends ETags, the answers cost nothing, and the rows stay",
          "[end_to_end][conditional]") {
    World world({.source = "tests/end_to_end/conditional_github.yaml", .lease = "10s"});
    const auto first = world.run({"sync"});
    INFO(first.errors);
    REQUIRE(first.status == 0);
    const auto tables = world.tables();
    REQUIRE(tables.size() == 3);
    for (const auto& [name, rows] : tables) REQUIRE_FALSE(rows.empty());
    const auto before = world.replica().report();
    const auto pages = before["requests"].get<int>();
    REQUIRE(pages == std::stoi(world.sql("select count(*) from pawl.page")));
    REQUIRE(pages >= 4 + 5);  // four repositories, and lists of several pages
    REQUIRE(before["free"] == 0);

    const auto second = world.run({"sync"});
    INFO(second.errors);
    REQUIRE(second.status == 0);
    const auto after = world.replica().report();
    CHECK(after["status"] ==
          nlohmann::json{{"200", pages},
                         {"304", pages}});  // the replica answers 304 to If-None-Match only
    CHECK(after["free"] == pages);
    CHECK(after["charged"] == before["charged"]);
    check_same_tables(tables, world.tables());

    // Each 304 is a page of the ledger, and says which page's rows it confirms.
    CHECK(world.sql("select outcome, status, count(*) from pawl.page group by 1, 2 order by 2") ==
          "ok|200|" + std::to_string(pages) + "\nnot_modified|304|" + std::to_string(pages));
    CHECK(world.sql("select count(*) from pawl.page n join pawl.page o on o.page_id = n.confirms "
                    "where n.outcome = 'not_modified' and o.url = n.url and o.outcome = 'ok'") ==
          std::to_string(pages));
    CHECK(
        world.sql("select walk, outcome, count(*) from pawl.slice_done group by 1, 2 order by 1") ==
        "1|ok|6\n2|not_modified|6");
    const auto verified = world.run({"verify", "github"});
    INFO(verified.output);
    CHECK(verified.status == 0);

    // And the ledger of quota knows that they cost nothing.
    const auto third = world.run({"sync"});
    CHECK(third.status == 0);
    CHECK(world.replica().report()["charged"] == before["charged"]);
    check_same_tables(tables, world.tables());
}
