#include "app/local_servers.hpp"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "app/slot.hpp"
#include "core/errors.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pawl::app {

using namespace std::chrono_literals;

namespace {

constexpr LocalNeeds both{true, true};

core::Settings settings_of(const LocalServers& servers) {
    core::Settings settings;
    servers.apply_to(settings);
    return settings;
}

std::string redis_cli(const core::Settings& settings, const std::vector<std::string>& words) {
    std::vector<std::string> argv{"redis-cli", "-s",
                                  settings.redis.url.substr(std::string("unix://").size())};
    argv.insert(argv.end(), words.begin(), words.end());
    return test::run_program({.argv = argv, .env = {}, .unset = {}, .directory = "", .input = ""})
        .output;
}

std::string psql(const core::Settings& settings, const std::string& sql) {
    const auto ran =
        test::run_program({.argv = {"psql", "-XqAt", "-d", settings.postgres.url, "-c", sql},
                           .env = {},
                           .unset = {},
                           .directory = "",
                           .input = ""});
    return ran.output + ran.errors;
}

bool is_running(const std::string& pid_file, const std::string& folder) {
    return running_process(pid_file, folder).has_value();
}

}  // namespace

TEST_CASE("servers are brought only where nothing is configured", "[local]") {
    core::Settings settings;
    CHECK(local_needs(settings, {}).redis);
    CHECK(local_needs(settings, {}).postgres);
    CHECK_FALSE(local_needs(settings, {{"PGSERVICE", "prod"}}).postgres);
    CHECK(local_needs(settings, {{"PGDATA", "/var/lib/postgresql"}}).postgres);
    settings.redis.url = "redis://somewhere";
    settings.postgres.url = "host=somewhere";
    CHECK_FALSE(local_needs(settings, {}).redis);
    CHECK_FALSE(local_needs(settings, {}).postgres);
    settings.local = true;
    CHECK(local_needs(settings, {{"PGHOST", "somewhere"}}).redis);
    CHECK(local_needs(settings, {{"PGHOST", "somewhere"}}).postgres);
}

TEST_CASE("local servers are shared, stopped by the last one out, and keep their data",
          "[local][servers]") {
    const test::TemporaryDirectory folder;
    const std::string state = folder.path() / "state";
    ::chmod(folder.path().c_str(), 0711);  // as root the server's user passes through
    const std::string redis = state + "/local/redis", data = state + "/local/postgres/data";
    {
        auto first = std::make_unique<LocalServers>(state, both);
        const auto settings = settings_of(*first);
        CHECK(redis_cli(settings, {"set", "kept", "1"}) == "OK\n");
        CHECK(redis_cli(settings, {"config", "get", "maxmemory-policy"}) ==
              "maxmemory-policy\nnoeviction\n");
        CHECK(psql(settings, "create table kept (n int); insert into kept values (7)").empty());
        const LocalServers second(state, both);
        CHECK(settings_of(second).postgres.url == settings.postgres.url);
        first.reset();
        CHECK(is_running(redis + "/redis.pid", redis));
        CHECK(psql(settings, "select n from kept") == "7\n");
    }
    CHECK_FALSE(is_running(redis + "/redis.pid", redis));
    CHECK_FALSE(is_running(data + "/postmaster.pid", data));
    const LocalServers again(state, both);
    CHECK(redis_cli(settings_of(again), {"get", "kept"}) == "1\n");
    CHECK(psql(settings_of(again), "select n from kept") == "7\n");
}

TEST_CASE("servers left by a killed process are used again", "[local][servers]") {
    const test::TemporaryDirectory folder;
    ::chmod(folder.path().c_str(), 0711);
    const std::string state = folder.path() / "state";
    const std::string redis = state + "/local/redis", data = state + "/local/postgres/data";
    const pid_t child = ::fork();
    if (child == 0) {
        auto* leaked = new LocalServers(state, both);  // its destructor never runs
        (void)leaked;
        ::kill(::getpid(), SIGKILL);
    }
    REQUIRE(child > 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    const auto left = running_process(redis + "/redis.pid", redis);
    REQUIRE(left.has_value());
    REQUIRE(running_process(data + "/postmaster.pid", data).has_value());
    {
        const LocalServers servers(state, both);
        CHECK(running_process(redis + "/redis.pid", redis) == left);
        CHECK(psql(settings_of(servers), "select 1") == "1\n");
    }
    CHECK_FALSE(is_running(redis + "/redis.pid", redis));
    CHECK_FALSE(is_running(data + "/postmaster.pid", data));
}

TEST_CASE("a state directory with a long path gets short sockets", "[local][servers]") {
    const test::TemporaryDirectory folder;
    ::chmod(folder.path().c_str(), 0711);
    const std::string state = folder.path() / std::string(120, 'x');
    const LocalServers servers(state, {true, false});
    const auto settings = settings_of(servers);
    CHECK(settings.redis.url.size() < 80);
    CHECK(redis_cli(settings, {"ping"}) == "PONG\n");
}

TEST_CASE("a pid file that names another process is not believed", "[local]") {
    const test::TemporaryDirectory folder;
    const std::string file = folder.path() / "redis.pid";
    std::ofstream(file) << ::getpid() << '\n';
    CHECK_FALSE(running_process(file, folder.path()).has_value());
}

TEST_CASE(
    "processes of one state directory have different slots, and a restarted one gets its own back",
    "[slot]") {
    const test::TemporaryDirectory folder;
    std::optional<Slot> first = Slot::take(folder.path(), "");
    const Slot second = Slot::take(folder.path(), "");
    CHECK(first->name() != second.name());
    const std::string name = first->name();
    first.reset();
    CHECK(Slot::take(folder.path(), "").name() == name);
    const Slot named = Slot::take(folder.path(), "mine");
    CHECK(named.name() == "mine");
    CHECK_THROWS_AS((void)Slot::take(folder.path(), "mine"), core::ConfigError);
}

}  // namespace pawl::app
