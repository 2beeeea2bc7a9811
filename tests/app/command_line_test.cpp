#include "app/command_line.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

namespace pawl::app {

namespace {

using test::has;

Invocation accepted(const std::vector<std::string>& words) {
    auto parsed = parse_command_line(words);
    if (const auto* reply = std::get_if<CommandLineReply>(&parsed)) FAIL(reply->text);
    return std::get<Invocation>(std::move(parsed));
}

CommandLineReply answered(const std::vector<std::string>& words) {
    auto parsed = parse_command_line(words);
    REQUIRE(std::holds_alternative<CommandLineReply>(parsed));
    return std::get<CommandLineReply>(std::move(parsed));
}

}  // namespace

TEST_CASE("global flags may stand before and behind the command", "[command_line]") {
    const auto before = accepted({"--redis", "redis://a", "--json", "status"});
    CHECK(before.command == "status");
    CHECK(before.json);
    CHECK(before.settings.at("redis.url") == "redis://a");
    const auto behind =
        accepted({"backfill", "github", "repos", "--redis", "redis://a", "--sources", "a.yaml",
                  "--sources", "b", "--set", "http.walks_max=3", "--local", "--state-dir", "/x"});
    CHECK(behind.names == std::vector<std::string>{"github", "repos"});
    CHECK(behind.sources == std::vector<std::string>{"a.yaml", "b"});
    CHECK(behind.settings.at("http.walks_max") == "3");
    CHECK(behind.settings.at("local") == "true");
    CHECK(behind.settings.at("state_dir") == "/x");
}

TEST_CASE("--set before preview is a setting, behind it a placeholder", "[command_line]") {
    const auto invocation =
        accepted({"--set", "drain=5s", "preview", "languages", "--set", "repo_id=5"});
    CHECK(invocation.settings.at("drain") == "5s");
    CHECK(invocation.placeholders.at("repo_id") == "5");
    CHECK(invocation.names == std::vector<std::string>{"languages"});
}

TEST_CASE("roles, progress and times are read", "[command_line]") {
    CHECK(accepted({"run"}).role == Role::all);
    CHECK(accepted({"run", "--role", "worker"}).role == Role::worker);
    CHECK(accepted({"sync", "--progress", "json"}).progress_json);
    CHECK(accepted({"sync", "--progress-every", "1m"}).progress_every == core::Millis(60'000));
    const auto backfill =
        accepted({"backfill", "hn", "--from", "2020-01-01", "--to", "2021-01-01"});
    CHECK(backfill.from == "2020-01-01");
    CHECK(backfill.to == "2021-01-01");
}

TEST_CASE("mistakes exit with 2 and suggest what was meant", "[command_line]") {
    const auto command = answered({"backfil", "github"});
    CHECK(command.exit_code == core::ExitCode::usage);
    CHECK(has(command.text, "did you mean 'backfill'?"));
    CHECK(has(answered({"status", "--jsno"}).text, "did you mean '--json'?"));
    CHECK(has(answered({"run", "--rol=worker"}).text, "did you mean '--role'?"));
    CHECK(has(answered({"--redi", "x", "status"}).text, "did you mean '--redis'?"));
    CHECK_FALSE(has(answered({"status", "--frobnicate"}).text, "did you mean"));
    for (const auto& words :
         std::vector<std::vector<std::string>>{{},
                                               {"preview"},
                                               {"backfill"},
                                               {"verify", "a", "b", "c"},
                                               {"version", "extra"},
                                               {"run", "--role", "cook"},
                                               {"sync", "--progress", "xml"},
                                               {"sync", "--progress-every", "soon"},
                                               {"--set", "novalue", "run"},
                                               {"status", "--redis"}})
        CHECK(answered(words).exit_code == core::ExitCode::usage);
}

TEST_CASE("help is an answer, not a mistake", "[command_line]") {
    for (const auto& words :
         std::vector<std::vector<std::string>>{{"--help"}, {"backfill", "--help"}, {"run", "-h"}}) {
        const auto reply = answered(words);
        CHECK(reply.exit_code == core::ExitCode::ok);
        CHECK(has(reply.text, "Examples:"));
    }
}

}  // namespace pawl::app
