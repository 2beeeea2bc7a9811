// `verify --sample`: what the API still gives is in the tables, or is told.
#include <nlohmann/json.hpp>

#include "tests/end_to_end/scene.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using pawl_tests::contains;

TEST_CASE("verify asks again for stored pages, finds rows that are gone, and tells what the API changed", "[end_to_end][sample]") {
    Scene scene(R"(
source: odd
base_url: ${API}
streams:
  list:
    path: /list?page=1
    key: [id, kind]
    paginate: link
)");
    auto& api = scene.api();
    api.on("/list?page=1", R"([{"id": 1, "kind": "a"}, {"id": 2, "kind": "a"}])",
           "Link: <" + api.url("/list?page=2") + ">; rel=\"next\"\r\n");
    api.on("/list?page=2", R"([{"id": 3, "kind": "b"}])");
    REQUIRE(scene.run({"sync"}).status == 0);
    const auto good = scene.run({"verify", "odd", "--sample", "5"});
    INFO(good.errors);
    CHECK(good.status == 0);
    CHECK_THAT(good.output, contains("asked again for 2 pages: 2 as they were, 0 changed"));

    api.on("/list?page=2", R"([{"id": 3, "kind": "b"}, {"id": 4, "kind": "b"}])");
    const auto changed = scene.run({"verify", "odd", "--sample", "5"});
    CHECK(changed.status == 0);
    CHECK_THAT(changed.output, contains("1 as they were, 1 changed") && contains("answers otherwise now; 1 rows"));

    (void)scene.sql("delete from odd.list where id = 2");
    const auto lost = scene.run({"verify", "odd", "--sample", "5", "--json"});
    CHECK(lost.status == 4);
    CHECK_THAT(lost.output, contains("the API answers as it did, but 1 of its rows are not stored"));
    CHECK(nlohmann::json::parse(lost.output)[0]["sample"]["asked"] == 2);

    CHECK(scene.run({"verify", "odd", "--sample", "none"}).status == 2);
}
