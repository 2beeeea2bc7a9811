// A page that Postgres refuses is a dead letter with its body, is replayed once the cause is mended, and is stored once.
#include <nlohmann/json.hpp>

#include "tests/end_to_end/scene.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;
using pawl_tests::contains;

namespace {

constexpr const char* items_and_parts = R"(
source: odd
base_url: ${API}
streams:
  item:
    foreach: {list: [good, bad], as: name}
    path: "/{name}"
    key: id
  part:
    foreach: {stream: item}
    path: "/part/{id}"
    key: [item, id]
)";

/// Two items, of which one is refused, and what is below them.
struct Refused {
    Scene scene{items_and_parts};

    Refused() {
        scene.api().on("/good", R"([{"id": 1, "size": 5}])");
        scene.api().on("/bad", R"([{"id": 2, "size": 5}])");
        for (const char* id : {"1", "2", "3"}) scene.api().on("/part/" + std::string(id), R"([{"item": )" + std::string(id) + R"(, "id": 7}])");
        REQUIRE(scene.run({"sync"}).status == 0);
        (void)scene.sql("alter table odd.item add constraint small check (size < 100)");
        scene.api().on("/bad", R"([{"id": 2, "size": 6}, {"id": 3, "size": 900}])");
        const auto ran = scene.run({"sync"});
        INFO(ran.errors);
        CHECK(ran.status == 3);
        CHECK_THAT(ran.errors, contains("A page became a dead letter") && contains("small"));
    }
};

}  // namespace

TEST_CASE("a dead letter is listed, shown, replayed when the cause is mended, and stored once", "[end_to_end][dlq]") {
    Refused refused;
    auto& scene = refused.scene;
    CHECK(scene.sql("select string_agg(id || ':' || size, ' ' order by id) from odd.item") == "1:5 2:5");
    CHECK_THAT(scene.run({"status"}).output, contains("pawl dlq list odd item"));

    const auto list = scene.run({"dlq", "list", "odd"});
    CHECK(list.status == 0);
    CHECK_THAT(list.output, contains("odd.item") && contains("bad") && contains("small"));
    const auto all = nlohmann::json::parse(scene.run({"dlq", "list", "--json"}).output);
    REQUIRE(all.size() == 1);
    const auto id = std::to_string(all[0]["id"].get<int>());
    const auto shown = nlohmann::json::parse(scene.run({"dlq", "show", id, "--json"}).output);
    CHECK(shown[0]["body"] == R"([{"id": 2, "size": 6}, {"id": 3, "size": 900}])");
    CHECK(shown[0]["envelope"]["part"] == "bad");
    CHECK_THAT(scene.run({"dlq", "export"}).output, contains("\"body\":\"[{"));

    const auto unasked = scene.run({"dlq", "replay"});
    CHECK(unasked.status == 2);
    CHECK_THAT(unasked.errors, contains("Replay 1 pages; at most about 2 requests") && contains("--yes"));
    const auto early = scene.run({"dlq", "replay", "--yes"});
    CHECK(early.status == 3);
    CHECK_THAT(early.output, contains("small") && contains("0 stored, 1 stay"));

    (void)scene.sql("alter table odd.item drop constraint small");
    const auto replayed = scene.run({"dlq", "replay", "odd", "--yes"});
    INFO(replayed.errors);
    CHECK(replayed.status == 0);
    CHECK_THAT(replayed.output, contains("1 stored, 0 stay"));
    CHECK(scene.sql("select string_agg(id || ':' || size, ' ' order by id) from odd.item") == "1:5 2:6 3:900");
    CHECK_THAT(scene.run({"dlq", "replay", "--yes"}).output, contains("No dead letters"));
    CHECK(scene.run({"verify", "odd"}).status == 0);

    const auto below = scene.run({"backfill", "odd"});  // goes on with what the replayed rows ask for
    INFO(below.errors);
    CHECK(below.status == 0);
    CHECK(scene.sql("select string_agg(item || ':' || id, ' ' order by item) from odd.part") == "1:7 2:7 3:7");
    CHECK(scene.run({"verify", "odd"}).status == 0);
}

TEST_CASE("a dropped dead letter is not replayed, and wrong words are told", "[end_to_end][dlq]") {
    Refused refused;
    auto& scene = refused.scene;
    CHECK(scene.run({"dlq", "drop"}).status == 2);
    CHECK_THAT(scene.run({"dlq", "drop", "--yes"}).output, contains("1 dropped"));
    (void)scene.sql("alter table odd.item drop constraint small");
    CHECK_THAT(scene.run({"dlq", "replay", "--yes"}).output, contains("No dead letters"));
    CHECK_THAT(scene.run({"dlq", "list", "--all"}).output, contains("dropped"));
    CHECK(scene.run({"verify", "odd"}).status == 0);
    const auto what = scene.run({"dlq", "lost"});
    CHECK(what.status == 2);
    CHECK_THAT(what.errors, contains("list, show, replay, drop or export"));
    CHECK(scene.run({"dlq", "show", "x"}).status == 2);
    CHECK(scene.run({"dlq", "show", "4711"}).status == 2);
}
