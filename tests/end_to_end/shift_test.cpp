// A list by offset that moves while it is walked.
#include "tests/end_to_end/scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

using namespace pawl::test;
using pawl_tests::contains;

namespace {

/// Records `first` to `last` of a list, as JSON.
std::string records_between(int first, int last) {
    std::string json;
    for (int id = first; id <= last; ++id) json += (json.empty() ? "[" : ", ") + std::string("{\"id\": ") + std::to_string(id) + "}";
    return json.empty() ? "[]" : json + "]";
}

ScriptedServer::Script slowly(const std::string& body) {
    ScriptedServer::Step wait, answer;
    wait.what = ScriptedServer::Step::Do::pause;
    wait.wait = std::chrono::milliseconds(1'500);
    answer.text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return {wait, answer};
}

}  // namespace

TEST_CASE("records that go while their list is walked by offset make the walk step back, and none is skipped", "[end_to_end][shift]") {
    Scene scene(R"(
source: odd
base_url: ${API}
streams:
  list:
    path: /list
    key: id
    paginate: {offset: {limit: 4}}
)");
    auto& api = scene.api();
    const auto at = [](int offset) { return "/list?offset=" + std::to_string(offset) + "&limit=4"; };
    api.on(at(0), records_between(0, 3));
    api.on(at(3), slowly(records_between(5, 8)));  // 0 and 1 are gone: 4 stands where 2 stood
    ChildProcess sync(scene.command({"sync"}));
    REQUIRE(eventually(std::chrono::minutes(1), [&] { return scene.asked(at(3)) == 1; }));
    api.on(at(0), records_between(2, 5));
    api.on(at(3), records_between(5, 8));
    api.on(at(6), records_between(8, 9));
    api.on(at(7), records_between(9, 9));
    CHECK(sync.wait(std::chrono::minutes(1)) == 0);
    CHECK(scene.sql("select string_agg(id::text, ' ' order by id) from odd.list") == "0 1 2 3 4 5 6 7 8 9");
    CHECK(scene.sql("select string_agg(coalesce(shift, '-'), ' ' order by seq) from pawl.page") == "- reread - - - -");
    const auto verified = scene.run({"verify"});
    CHECK(verified.status == 0);
    CHECK_THAT(verified.output, contains("1 times the walk stepped back and read again"));
}
