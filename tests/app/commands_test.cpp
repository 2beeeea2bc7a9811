#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/has.hpp"
#include "tests/support/private_postgres.hpp"
#include "tests/support/private_redis.hpp"
#include "tests/support/temporary_directory.hpp"

// The binary as a user runs it: exit codes, stdout and stderr. Tests run in the root of the
// repository.
namespace pawl::app {

namespace {

using test::has;
using namespace std::chrono_literals;

/// A folder with a source file, and servers that only this test uses.
struct World {
    test::TemporaryDirectory folder;
    std::string source = folder.path() / "hn.yaml";

    World() {
        write(
            "source: hn\nbase_url: http://127.0.0.1:1\n"
            "streams:\n  story:\n    foreach: {list: [1], as: id}\n    path: /item/{id}.json\n    "
            "key: id\n");
    }
    void write(const std::string& text) const { std::ofstream(source, std::ios::trunc) << text; }

    [[nodiscard]] test::ChildProcess::Options command(std::vector<std::string> words) const {
        test::ChildProcess::Options options;
        options.argv = {"build/pawl"};
        if (const char* binary = std::getenv("PAWL_BINARY")) options.argv = {binary};
        options.argv.insert(options.argv.end(), words.begin(), words.end());
        for (const char* flag : {"--sources", source.c_str()}) options.argv.emplace_back(flag);
        options.argv.insert(options.argv.end(), {"--state-dir", folder.path() / "state"});
        options.unset = {"PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD", "PGSERVICE"};
        return options;
    }
    [[nodiscard]] test::Ran run(std::vector<std::string> words) const {
        return test::run_program(command(words));
    }
};

std::string dead_redis() {
    return "redis://user:sesame@127.0.0.1:" + std::to_string(test::free_port());
}
std::string dead_postgres() {
    return "postgresql://user:sesame@127.0.0.1:" + std::to_string(test::free_port()) + "/x";
}

}  // namespace

TEST_CASE("usage mistakes exit with 2 and say what was meant", "[commands]") {
    const World world;
    const auto command = world.run({"backfil", "hn"});
    CHECK(command.status == 2);
    CHECK(has(command.errors, "did you mean 'backfill'?"));
    CHECK(command.output.empty());
    const auto source = world.run({"preview", "hm.story"});
    CHECK(source.status == 2);
    CHECK(has(source.errors, "did you mean 'hn'?"));
    const auto stream = world.run({"preview", "storey"});
    CHECK(stream.status == 2);
    CHECK(has(stream.errors, "did you mean 'story'?"));
    const auto window = world.run({"backfill", "hn", "--from", "2020-01-01"});
    CHECK(window.status == 2);
    CHECK(has(window.errors, "incremental is not supported in this version"));
}

TEST_CASE("help and version are results", "[commands]") {
    const World world;
    CHECK(world.run({"--help"}).status == 0);
    CHECK(has(world.run({"run", "--help"}).output, "--role"));
    CHECK(has(world.run({"version"}).output, "pawl "));
    CHECK(nlohmann::json::parse(world.run({"version", "--json"}).output).contains("version"));
}

TEST_CASE("check tells every problem of a source file and exits with 78", "[commands]") {
    const World world;
    CHECK(world.run({"check"}).status == 0);
    world.write("source: hn\nbase_url: http://127.0.0.1:1\nstreems: {}\nlimits: 7\n");
    const auto checked = world.run({"check"});
    CHECK(checked.status == 78);
    CHECK(has(checked.errors, "streems"));
    CHECK(has(checked.errors, "limits"));
    const auto json = world.run({"check", "--json"});
    CHECK(json.status == 78);
    CHECK_FALSE(nlohmann::json::parse(json.output)[0]["ok"].get<bool>());
}

TEST_CASE("a setting that is wrong exits with 78", "[commands]") {
    const World world;
    const auto ran = world.run({"check", "--set", "http.walks_mox=3"});
    CHECK(ran.status == 78);
    CHECK(has(ran.errors, "walks_max"));
}

TEST_CASE("servers that cannot be reached exit with 5, without showing passwords",
          "[commands][slow]") {
    const World world;
    const test::PrivateRedis redis;
    const auto no_redis =
        world.run({"sync", "--redis", dead_redis(), "--postgres", dead_postgres()});
    CHECK(no_redis.status == 5);
    CHECK(has(no_redis.errors, "cannot reach Redis at redis://user@127.0.0.1"));
    CHECK_FALSE(has(no_redis.errors, "sesame"));
    const auto no_postgres =
        world.run({"sync", "--redis", redis.url(), "--postgres", dead_postgres()});
    CHECK(no_postgres.status == 5);
    CHECK(has(no_postgres.errors, "cannot reach Postgres at postgresql://user@127.0.0.1"));
    CHECK(has(no_postgres.errors, "--postgres URL"));
    CHECK_FALSE(has(no_postgres.errors, "sesame"));
    CHECK(world.run({"preview", "story"}).status == 5);
}

TEST_CASE("refused credentials exit with 6", "[commands]") {
    const World world;
    const test::PrivateRedis redis(test::PrivateRedis::Config{{"requirepass", "right"}});
    const auto ran =
        world.run({"sync", "--redis", "redis://:wrong@127.0.0.1:" + std::to_string(redis.port()),
                   "--postgres", dead_postgres()});
    CHECK(ran.status == 6);
    CHECK_FALSE(has(ran.errors, ":wrong@"));
}

TEST_CASE("migrate applies once, and the catalogue is then there", "[commands][servers]") {
    const World world;
    const auto url = test::PrivatePostgres::shared().new_database();
    const auto first = world.run({"migrate", "--postgres", url});
    CHECK(first.status == 0);
    CHECK(has(first.output, "applied 1"));
    CHECK(has(world.run({"migrate", "--postgres", url}).output, "nothing to do"));
}

TEST_CASE("status works while Redis is down, and says so", "[commands][servers][slow]") {
    const World world;
    const auto url = test::PrivatePostgres::shared().new_database();
    REQUIRE(world.run({"migrate", "--postgres", url}).status == 0);
    const auto ran = world.run({"status", "--json", "--redis", dead_redis(), "--postgres", url});
    CHECK(ran.status == 0);
    const auto json = nlohmann::json::parse(ran.output);
    CHECK(json["postgres"]["up"].get<bool>());
    CHECK_FALSE(json["redis"]["up"].get<bool>());
    CHECK(json["sources"][0]["source"] == "hn");
    CHECK(has(json["redis_url"].get<std::string>(), "redis://user@127.0.0.1"));
}

TEST_CASE("plan needs Postgres and no more, and changes nothing there", "[commands][servers][slow]") {
    const World world;
    const auto url = test::PrivatePostgres::shared().new_database();
    const auto ran = world.run({"plan", "hn", "--redis", dead_redis(), "--postgres", url});
    INFO(ran.errors);
    CHECK(ran.status == 0);
    CHECK(has(ran.output, "1 request, done in about 0 s (latency)"));
    CHECK(has(ran.output, "Redis does not answer, so nothing is taken to be spent"));
    CHECK_FALSE(has(ran.output, "sesame"));
    CHECK(test::psql(url, "select to_regnamespace('pawl') is null") == "t");
    const auto json =
        nlohmann::json::parse(world.run({"plan", "hn", "story", "--json", "--redis", dead_redis(), "--postgres", url}).output);
    CHECK(json["source"] == "hn");
    CHECK(json["requests"] == 1);
    CHECK(world.run({"plan", "hn", "storey", "--redis", dead_redis(), "--postgres", url}).status == 2);
    CHECK(world.run({"plan", "hn", "--redis", dead_redis(), "--postgres", dead_postgres()}).status == 5);
    CHECK(world.run({"plan"}).status == 2);
}

TEST_CASE("a service answers readyz, reloads, refuses a bad file, and drains at SIGTERM",
          "[commands][servers]") {
    const World world;
    const test::PrivateRedis redis;
    const auto url = test::PrivatePostgres::shared().new_database();
    auto options = world.command({"run", "--redis", redis.url(), "--postgres", url, "--listen",
                                  "127.0.0.1:" + std::to_string(test::free_port())});
    test::ChildProcess service(options);
    REQUIRE(test::eventually(20s, [&] {
        return has(service.errors(), "The schedule fired") ||
               has(service.errors(), "A new source");
    }));
    service.signal(SIGHUP);
    CHECK(test::eventually(5s, [&] { return has(service.errors(), "Source files read again"); }));
    world.write("source: hn\nnonsense: 1\n");
    service.signal(SIGHUP);
    CHECK(
        test::eventually(5s, [&] { return has(service.errors(), "going on with the old ones"); }));
    CHECK(service.is_running());
    service.signal(SIGTERM);
    CHECK(service.wait(35s) == 0);
}

TEST_CASE("a Redis of another catalogue is refused until it is taken over", "[commands][servers]") {
    const World world;
    const test::PrivateRedis redis;
    auto& postgres = test::PrivatePostgres::shared();
    const auto first = postgres.new_database(), second = postgres.new_database();
    test::ChildProcess service(
        world.command({"run", "--redis", redis.url(), "--postgres", first, "--listen", ""}));
    REQUIRE(test::eventually(20s, [&] { return has(service.errors(), "A new source"); }));
    service.kill();
    const auto refused = world.run({"sync", "--redis", redis.url(), "--postgres", second});
    CHECK(refused.status == 78);
    CHECK(has(refused.errors, "--adopt-redis"));
    test::ChildProcess taking(world.command(
        {"run", "--redis", redis.url(), "--postgres", second, "--listen", "", "--adopt-redis"}));
    CHECK(test::eventually(20s, [&] { return has(taking.errors(), "Redis taken over"); }));
}

}  // namespace pawl::app
