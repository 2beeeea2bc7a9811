// What is wrong with a source file, a server or an answer is told in words, ends with the exit code
// for it, and costs nothing of what was good.
#include <nlohmann/json.hpp>

#include "tests/end_to_end/scene.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/free_port.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;
using pawl_tests::contains;
using Do = ScriptedServer::Step::Do;

namespace {

// Two entries of one stream, tried twice at most: what happens to the second must not touch the
// first.
constexpr const char* good_and_bad = R"(
source: odd
base_url: ${API}
errors:
  - {status: 5xx, do: retry, attempts: 2, wait: 10ms..20ms}
streams:
  item:
    foreach: {list: [good, bad], as: name}
    path: "/{name}"
    key: id
)";

constexpr const char* paged = R"(
source: odd
base_url: ${API}
streams:
  list:
    path: /list?page=1
    key: id
    paginate: {type: link, max_pages: 3, on_max: "${ON_MAX}"}
)";

std::string answer(const std::string& headers, const std::string& body) {
    return "HTTP/1.1 200 OK\r\n" + headers + "\r\n\r\n" + body;
}

std::string link_to(const Scene& scene, const std::string& target) {
    return "Link: <" + const_cast<Scene&>(scene).api().url(target) + ">; rel=\"next\"\r\n";
}

// One run in which "good" is a record and "bad" is `script`.
struct BadAnswer {
    Scene scene;
    Ran ran;

    explicit BadAnswer(ScriptedServer::Script script, const std::string& settings = "")
        : scene(good_and_bad, settings) {
        scene.api().on("/good", R"({"id": 1, "name": "one"})");
        scene.api().on("/bad", std::move(script));
        ran = scene.run({"backfill", "odd"});
    }
    // Ended as `outcome`, told with `reason` on stderr, in the ledger and by `pawl status`; exit
    // code 3.
    void check(const std::string& outcome, const std::string& reason, int requests) const {
        INFO(ran.errors);
        CHECK(ran.status == 3);
        CHECK_THAT(ran.errors, contains("Slice ended badly") && contains("outcome=" + outcome) &&
                                   contains(reason) &&
                                   contains("Finished with dead letters or failed slices"));
        CHECK(scene.asked("/bad") == requests);
        CHECK(scene.sql("select id, name from odd.item") == "1|one");
        CHECK(scene.sql("select part, last_outcome from pawl.partition order by part desc") ==
              "good|ok\nbad|" + outcome);
        CHECK_THAT(scene.sql("select reason from pawl.page where outcome = '" + outcome + "'"),
                   contains(reason));
        CHECK(scene.sql("select count(*) from pawl.dead_letter") == "0");
        const auto status = scene.run({"status"});
        CHECK(status.status == 0);
        CHECK_THAT(status.output, contains(outcome) && contains(reason));
        CHECK(scene.run({"verify", "odd"}).status == 0);
    }
};

// A source file that is wrong: refused by `check` and by `backfill`, in the same words, before
// anything is asked.
void check_refused(const std::string& source, const std::vector<std::string>& messages) {
    Scene scene(source);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"check"}, {"backfill", "odd"}}) {
        const auto ran = scene.run(command);
        INFO(command.front() << ": " << ran.errors);
        CHECK(ran.status == 78);
        for (const auto& message : messages) CHECK_THAT(ran.errors, contains(message));
    }
    CHECK(scene.api().requests().empty());
    CHECK(scene.sql("select count(*) from pg_namespace where nspname = 'odd'") == "0");
}

}  // namespace

TEST_CASE("an unknown key is refused with what was meant", "[end_to_end][bad_input]") {
    check_refused("source: odd\nbase_url: ${API}\nstreams:\n  item:\n    pth: /item\n    key: id\n",
                  {"source.yaml:5:5", "unknown key \"pth\"", "did you mean \"path\"?"});
}

TEST_CASE("a duplicate key is refused with both its places", "[end_to_end][bad_input]") {
    check_refused(
        "source: odd\nbase_url: ${API}\nstreams:\n  item:\n    path: /a\n    key: id\n    path: "
        "/b\n",
        {"source.yaml:7:5", "\"path\" stands twice", "the first is in line 5"});
}

TEST_CASE("a value of the wrong type is refused with the right type", "[end_to_end][bad_input]") {
    check_refused(
        "source: odd\nbase_url: ${API}\nlimits: 7\nstreams:\n  item:\n    path: /a\n    key: id\n  "
        "  refresh: soon\n",
        {"source.yaml:3:9", "\"limits\" must be a list", "source.yaml:8:14",
         "\"refresh\" must be a duration such as 500ms, 30s, 15m, 6h or 30d"});
}

TEST_CASE("a missing variable is refused by its name", "[end_to_end][bad_input]") {
    check_refused(
        "source: odd\nbase_url: ${NO_SUCH_API}\nstreams:\n  item:\n    path: /a\n    key: id\n",
        {"source.yaml:2:11", "variable NO_SUCH_API is not set"});
}

TEST_CASE("a placeholder that nothing fills is refused", "[end_to_end][bad_input]") {
    check_refused(
        "source: odd\nbase_url: ${API}\nstreams:\n  item:\n    foreach: {list: [1], as: id}\n"
        "    path: /a/{ident}\n    key: id\n",
        {"source.yaml:6:", "{ident}"});
}

TEST_CASE("Redis and Postgres that cannot be reached are told by their addresses",
          "[end_to_end][bad_input]") {
    Scene scene(good_and_bad);
    const auto port = std::to_string(free_port());
    // Each tries for ten seconds: both at once.
    ChildProcess no_redis(
        scene.command({"backfill", "odd", "--redis", "redis://127.0.0.1:" + port}));
    ChildProcess no_postgres(
        scene.command({"backfill", "odd", "--state-dir", "/tmp/pawl-second-" + port, "--postgres",
                       "postgresql://me:sesame@127.0.0.1:" + port + "/x"}));
    CHECK(no_redis.wait(40s) == 5);
    CHECK_THAT(no_redis.errors(), contains("cannot reach Redis at redis://127.0.0.1:" + port));
    CHECK(no_postgres.wait(40s) == 5);
    CHECK_THAT(no_postgres.errors(),
               contains("cannot reach Postgres at postgresql://me@127.0.0.1:" + port + "/x") &&
                   !contains("sesame"));
    CHECK(scene.api().requests().empty());
}

TEST_CASE("an API that cannot be reached fails what asks it, and nothing else",
          "[end_to_end][bad_input]") {
    Scene scene(std::string(good_and_bad) + R"(  beyond:
    url: "${DEAD}/x"
    key: id
)");
    const auto dead = "http://127.0.0.1:" + std::to_string(free_port());
    scene.set_env("DEAD", dead);
    scene.api().on("/good", R"({"id": 1, "name": "one"})");
    scene.api().on("/bad", R"({"id": 2, "name": "two"})");
    const auto ran = scene.run({"backfill", "odd"});
    INFO(ran.errors);
    CHECK(ran.status == 3);
    CHECK_THAT(ran.errors, contains("Slice ended badly") && contains("stream=beyond") &&
                               contains("outcome=failed") && contains("connect") &&
                               contains("2 attempts"));
    CHECK(scene.sql("select id, name from odd.item order by 1") == "1|one\n2|two");
    CHECK(scene.sql("select stream, last_outcome from pawl.partition where stream = 'beyond'") ==
          "beyond|failed");
}

TEST_CASE("an API that refuses all credentials ends the run with 6, and what was stored stays",
          "[end_to_end][bad_input]") {
    Scene scene(std::string(good_and_bad) +
                "credentials: {from: {env: ODD_KEYS}, inject: {header: Authorization, value: "
                "\"Bearer {key}\"}}\n");
    scene.set_env("ODD_KEYS", "ann:sesame-ann,bob:sesame-bob");
    scene.api().on("/good", R"({"id": 1, "name": "one"})");
    const std::string refusal = R"({"message": "Bad credentials"})";
    scene.api().on("/bad", {{.what = Do::pause, .wait = 1s},
                            {.text = "HTTP/1.1 401 Unauthorized\r\nContent-Length: " +
                                     std::to_string(refusal.size()) + "\r\n\r\n" + refusal}});
    const auto ran = scene.run({"backfill", "odd"});
    INFO(ran.errors);
    CHECK(ran.status == 6);
    CHECK_THAT(ran.errors, contains("the API refuses every key of source 'odd'") &&
                               contains("owner=ann") && contains("owner=bob") &&
                               contains("pawl backfill odd") && !contains("sesame"));
    CHECK(scene.asked("/bad") == 4);  // with each key, and once more to be sure
    CHECK(scene.sql("select id, name from odd.item") == "1|one");
}

TEST_CASE("next links without end stop at max_pages, as the source file says",
          "[end_to_end][bad_input]") {
    for (const std::string on_max : {"stuck", "truncated"}) {
        Scene scene(paged);
        scene.set_env("ON_MAX", on_max);
        for (int page = 1; page <= 5; ++page)
            scene.api().on("/list?page=" + std::to_string(page),
                           "[{\"id\": " + std::to_string(page) + "}]",
                           link_to(scene, "/list?page=" + std::to_string(page + 1)));
        const auto ran = scene.run({"backfill", "odd"});
        INFO(on_max << ": " << ran.errors);
        CHECK(ran.status == (on_max == "stuck" ? 3 : 0));
        CHECK(scene.api().requests().size() == 3);
        CHECK(scene.sql("select id from odd.list order by 1") == "1\n2\n3");
        CHECK(scene.sql("select outcome, reason from pawl.page where seq = 4") ==
              on_max + "|max_pages 3 is reached, and there is more");
        const auto status = scene.run({"status"});
        CHECK_THAT(status.output,
                   contains(on_max) && contains("max_pages 3 is reached, and there is more"));
        CHECK(scene.run({"verify", "odd"}).status == 0);
    }
}

TEST_CASE("a list that leads back to itself ends as stuck, its pages stored once",
          "[end_to_end][bad_input]") {
    Scene scene(paged);
    scene.set_env("ON_MAX", "truncated");
    scene.api().on("/list?page=1", R"([{"id": 1}])", link_to(scene, "/list?page=2"));
    scene.api().on("/list?page=2", R"([{"id": 2}])", link_to(scene, "/list?page=1"));
    const auto ran = scene.run({"backfill", "odd"});
    INFO(ran.errors);
    CHECK(ran.status == 3);
    CHECK_THAT(ran.errors, contains("outcome=stuck") &&
                               contains("the next page was asked for before in this walk"));
    CHECK(scene.api().requests().size() == 2);
    CHECK(scene.sql("select id from odd.list order by 1") == "1\n2");
    CHECK(scene.sql("select outcome from pawl.slice_done") == "stuck");
    CHECK(scene.sql("select count(*) from pawl.dead_letter") == "0");
}

TEST_CASE("a body that is not JSON fails after its attempts", "[end_to_end][bad_input]") {
    BadAnswer({{.text = answer("Content-Length: 11", "{\"id\": oops")}})
        .check("failed", "the body is not JSON", 2);
}

TEST_CASE("HTML with status 200 fails after its attempts", "[end_to_end][bad_input]") {
    const std::string page = "<!DOCTYPE html><html><body>Sign in</body></html>";
    BadAnswer(
        {{.text = answer(
              "Content-Type: text/html\r\nContent-Length: " + std::to_string(page.size()), page)}})
        .check("failed", "the body is HTML, not JSON", 2);
}

TEST_CASE("a truncated body fails after its attempts", "[end_to_end][bad_input]") {
    BadAnswer(
        {{.text = answer("Content-Length: 500", "{\"id\": 2, \"name\":")}, {.what = Do::close}})
        .check("failed", "2 attempts", 2);
}

TEST_CASE("a packed body that is cut off fails after its attempts, and none of it is stored",
          "[end_to_end][bad_input]") {
    // gzip of {"id": 2, "name": "two"}, without the last of it; the connection ends in order.
    const std::string packed("\x1f\x8b\x08\0\0\0\0\0\0\x03\xab\x56\xca\x4c\x51\xb2", 16);
    BadAnswer({{.text = answer("Content-Encoding: gzip\r\nConnection: close", packed)},
               {.what = Do::close}})
        .check("failed", "the gzip of the body ends in the middle", 2);
}

TEST_CASE("redirects that lead in a circle are followed so often and no more",
          "[end_to_end][bad_input]") {
    BadAnswer({{.text = "HTTP/1.1 302 Found\r\nLocation: /bad\r\nContent-Length: 0\r\n\r\n"}})
        .check("failed", "more than 5 redirects", 6);
}

TEST_CASE("a body that is too large is not asked for again", "[end_to_end][bad_input]") {
    const std::string large = "{\"id\": 2, \"name\": \"" + std::string(200'000, 'x') + "\"}";
    BadAnswer({{.text = answer("Content-Length: " + std::to_string(large.size()), large)}},
              "http: {body_max: 64KiB}\n")
        .check("too_large", "the body is larger than", 1);
}

TEST_CASE("a value of another type widens its column, and is told as drift",
          "[end_to_end][bad_input]") {
    Scene scene("source: odd\nbase_url: ${API}\nstreams:\n  item:\n    path: /item\n    key: id\n");
    scene.api().on("/item", R"([{"id": 1, "size": 5}])");
    REQUIRE(scene.run({"sync"}).status == 0);
    REQUIRE(scene.sql("select id, size, pg_typeof(size) from odd.item") == "1|5|bigint");

    scene.api().on("/item", R"([{"id": 1, "size": 5}, {"id": 2, "size": "big"}])");
    const auto ran = scene.run({"sync"});
    INFO(ran.errors);
    CHECK(ran.status == 0);
    CHECK(scene.sql("select id, size, pg_typeof(size) from odd.item order by 1") ==
          "1|5|text\n2|big|text");
    CHECK(scene.sql("select table_name, column_name, old_type, new_type from pawl.drift where "
                    "old_type is not null") == "item|size|bigint|text");
    CHECK_THAT(ran.errors, contains("size"));
    CHECK(scene.sql("select count(*) from pawl.rejected_record") == "0");
    CHECK(scene.run({"verify", "odd"}).status == 0);
}
