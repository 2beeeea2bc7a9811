#include "tests/support/private_redis.hpp"

#include <system_error>

#include "tests/support/catch.hpp"

namespace pawl::test {

TEST_CASE("a private redis keeps its data over a kill", "[support]") {
    PrivateRedis redis;
    CHECK(redis.command({"set", "a", "1"}) == "OK");
    redis.kill();
    redis.start();
    CHECK(redis.command({"get", "a"}) == "1");
}

TEST_CASE("a private redis can be set back to an older copy of its data", "[support]") {
    PrivateRedis redis;
    CHECK(redis.command({"set", "a", "old"}) == "OK");
    redis.snapshot("first");
    CHECK(redis.command({"set", "a", "new"}) == "OK");
    redis.stop();
    redis.restore("first");
    redis.start();
    CHECK(redis.command({"get", "a"}) == "old");
}

TEST_CASE("a program that is not there is told at once", "[support]") {
    ChildProcess::Options options;
    options.argv = {"pawl-no-such-program"};
    CHECK_THROWS_AS(ChildProcess(options), std::system_error);
}

TEST_CASE("a child's input, output, environment and exit code pass through", "[support]") {
    ChildProcess::Options options;
    options.argv = {"sh", "-c", "cat; echo \"$PAWL_WORD\" >&2; exit 3"};
    options.env = {{"PAWL_WORD", "hello"}};
    options.input = "in";
    const auto ran = run_program(options);
    CHECK(ran.status == 3);
    CHECK(ran.output == "in");
    CHECK(ran.errors == "hello\n");
}

}  // namespace pawl::test
