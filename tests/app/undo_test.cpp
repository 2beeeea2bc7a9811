#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/asking.hpp"
#include "app/command_line.hpp"
#include "app/failure.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/has.hpp"
#include "tests/support/private_postgres.hpp"
#include "tests/support/private_redis.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/temporary_directory.hpp"

// `reset` and `forget` as a person or a script runs them. Tests run in the root of the repository.
namespace pawl::app {

namespace {

using test::has;

/// What a person says to a question; `true`, and the question.
std::pair<bool, std::string> ask(const std::string& answer, bool typed, bool yes = false) {
    std::istringstream answers(answer);
    std::ostringstream questions;
    const Asked person{answers, questions, true};
    const bool said = typed ? is_confirmed("Drop it.", "github", yes, person) : is_wanted("Drop it.", yes, person);
    return {said, questions.str()};
}

/// An API with two streams, collected once.
struct Collected {
    test::ScriptedServer api;
    test::TemporaryDirectory folder;
    test::PrivateRedis redis;
    std::string url = test::PrivatePostgres::shared().new_database();

    Collected() {
        for (const char* id : {"1", "2", "3"})
            api.on("/item/" + std::string(id), R"([{"id": )" + std::string(id) + R"(, "size": 5}])");
        api.on("/log", R"([{"line": "a"}, {"line": "b"}])");
        write("item", "log");
        const auto ran = run({"sync"});
        INFO(ran.errors);
        REQUIRE(ran.status == 0);
    }
    void write(const std::string& item, const std::string& log) const {
        std::ofstream(folder.path() / "shop.yaml", std::ios::trunc)
            << "source: shop\nbase_url: " << api.url() << "\nstreams:\n  item: {foreach: {list: [1, 2, 3], as: id}, path: "
            << "\"/item/{id}\", emit: {table: " << item << ", each: \"$[*]\", key: id, set: {id: $.id, size: $.size}}}\n"
            << "  log: {path: /log, emit: {table: " << log << ", each: \"$[*]\", set: {line: $.line}}}\n";
    }
    [[nodiscard]] test::Ran run(std::vector<std::string> words) const { return test::run_program(command(std::move(words))); }
    [[nodiscard]] test::ChildProcess::Options command(std::vector<std::string> words) const {
        test::ChildProcess::Options options;
        options.argv = {"build/pawl"};
        if (const char* binary = std::getenv("PAWL_BINARY")) options.argv[0] = binary;
        options.argv.insert(options.argv.end(), words.begin(), words.end());
        options.argv.insert(options.argv.end(), {"--sources", folder.path() / "shop.yaml", "--state-dir",
                                                 folder.path() / "state", "--redis", redis.url(), "--postgres", url});
        options.env = {{"PAWL_ALLOW_UNSAFE_POSTGRES", "1"}};
        return options;
    }
    /// Some process holds the planner's lock.
    [[nodiscard]] bool is_planned() const {
        return sql("select count(*) > 0 from pg_locks where locktype = 'advisory' and database = (select oid from pg_database "
                   "where "
                   "datname = current_database())") == "t";
    }
    [[nodiscard]] std::string sql(const std::string& statement) const { return test::psql(url, statement); }
};

}  // namespace

TEST_CASE("a question takes yes for yes, and a typed word where nothing can be undone", "[undo]") {
    CHECK(ask("y\n", false) == std::pair<bool, std::string>(true, "Drop it. [y/N] "));
    CHECK(ask("yes\n", false).first);
    CHECK_FALSE(ask("\n", false).first);
    CHECK_FALSE(ask("", false).first);
    CHECK(ask("github\n", true) == std::pair<bool, std::string>(true, "Drop it. Type 'github' to go on: "));
    CHECK_FALSE(ask("y\n", true).first);
    CHECK_FALSE(ask("githu\n", true).first);
    CHECK(ask("", true, true) == std::pair<bool, std::string>(true, ""));
    std::istringstream nobody("y\n");
    std::ostringstream unread;
    CHECK_THROWS_AS(is_wanted("Drop it.", false, Asked{nobody, unread, false}), UsageError);
    CHECK_THROWS_AS(is_confirmed("Drop it.", "y", false, Asked{nobody, unread, false}), UsageError);
}

TEST_CASE("changes are accepted by a flag of what collects, or by the setting", "[undo]") {
    for (const std::string command : {"run", "sync", "backfill"}) {
        std::vector<std::string> words{command, "--accept-changes"};
        if (command == "backfill") words.emplace_back("github");
        const auto parsed = parse_command_line(words);
        REQUIRE(std::holds_alternative<Invocation>(parsed));
        CHECK(std::get<Invocation>(parsed).settings.at("accept_changes") == "true");
    }
    CHECK(std::holds_alternative<CommandLineReply>(parse_command_line({"status", "--accept-changes"})));
    const auto forget = parse_command_line({"forget", "github", "repos", "--drop-table", "-y"});
    REQUIRE(std::holds_alternative<Invocation>(forget));
    CHECK(std::get<Invocation>(forget).drop_table);
    CHECK(std::get<Invocation>(forget).yes);
}

TEST_CASE("reset says what will happen, and does it only where somebody said so", "[undo][servers]") {
    Collected all;
    const auto unasked = all.run({"reset", "shop"});
    CHECK(unasked.status == 2);
    CHECK(has(unasked.errors,
              "Reset shop: 4 partitions are asked for again from page one, 0 open slices (of which 0 pages are already "
              "stored) end as cancelled. Rows, ledger and dead letters stay. About 4 requests, judging by the last "
              "walks. Say --yes where nobody can be asked."));
    CHECK(all.sql("select count(*) from pawl.partition where next_due is not null") == "0");
    const auto reset = all.run({"reset", "shop", "item", "--yes"});
    INFO(reset.errors);
    CHECK(reset.status == 0);
    CHECK(has(reset.output, "3 partitions due, 0 slices cancelled. A running service takes them up; else: pawl backfill shop"));
    CHECK(all.sql("select string_agg(distinct stream, ' ') from pawl.partition where next_due <= now()") == "item");
    CHECK(nlohmann::json::parse(all.run({"reset", "shop", "--yes", "--json"}).output) ==
          nlohmann::json{{"partitions", 4}, {"cancelled", 0}});
    CHECK(all.sql("select (select count(*) from shop.item), (select count(*) from pawl.page)") == "3|4");
    const auto stream = all.run({"reset", "shop", "itme", "--yes"});
    CHECK(stream.status == 2);
    CHECK(has(stream.errors, "did you mean 'item'?"));
    CHECK(has(all.run({"reset", "shp", "--yes"}).errors, "the catalogue knows no source 'shp'; did you mean 'shop'?"));
    CHECK(all.run({"reset"}).status == 2);
}

TEST_CASE("forget keeps tables unless it is told to drop them, and drops none that others write", "[undo][servers]") {
    Collected all;
    const auto unasked = all.run({"forget", "shop", "log"});
    CHECK(unasked.status == 2);
    CHECK(has(unasked.errors,
              "Forget shop.log: 1 partition, 1 slice (0 open), 1 page of the ledger, 0 dead letters. Tables and their "
              "rows stay:\n  shop.log, about 2 rows\nNo later walk replaces the rows that stay in shop.log"));
    const auto typed = all.run({"forget", "shop", "log", "--drop-table"});
    CHECK(typed.status == 2);
    CHECK(has(typed.errors, "These tables are DROPPED with all their rows:\n  shop.log, about 2 rows"));
    CHECK(all.sql("select count(*) from shop.log") == "2");

    (void)all.sql(
        "insert into pawl.spec (hash, kind, source, stream, body) values ('h', 'mapping', 'market', 'line', "
        "'{\"emits\":[{\"schema\":\"shop\",\"table\":\"log\",\"key\":[]}]}')");
    const auto shared = all.run({"forget", "shop", "log", "--drop-table", "--yes"});
    CHECK(shared.status == 2);
    CHECK(has(shared.errors, "shop.log is written by market.line as well"));
    CHECK(all.sql("select count(*) from pawl.partition where stream = 'log'") == "1");
    (void)all.sql("delete from pawl.spec where source = 'market'");

    const auto kept = all.run({"forget", "shop", "item", "--yes"});
    INFO(kept.errors);
    CHECK(kept.status == 0);
    CHECK(has(kept.output, "3 partitions, 3 slices, 3 pages removed, 0 tables dropped"));
    CHECK(all.sql("select (select count(*) from shop.item), (select count(*) from pawl.partition)") == "3|1");

    const auto whole = all.run({"forget", "shop", "--drop-table", "--yes", "--json"});
    INFO(whole.errors);
    CHECK(whole.status == 0);
    CHECK(nlohmann::json::parse(whole.output) == nlohmann::json{{"partitions", 1}, {"slices", 1}, {"pages", 1}, {"tables", 2}});
    CHECK(all.sql(
              "select to_regclass('shop.item') is null, to_regclass('shop.log') is null, (select count(*) from pawl.source)") ==
          "t|t|0");
    const auto again = all.run({"forget", "shop", "--yes"});
    CHECK(again.status == 2);
    CHECK(has(again.errors, "the catalogue knows no source 'shop'"));
}

TEST_CASE("a file with another key is refused before anything is asked; a service told to read it goes on with the old one",
          "[undo][servers]") {
    Collected all;
    all.write("log", "other");
    const auto asked = all.api.requests().size();
    const auto refused = all.run({"backfill", "shop"});
    CHECK(refused.status == 78);
    CHECK(has(refused.errors, "the table shop.log has no key in Postgres, but the key [id] in the file"));
    CHECK(has(refused.errors, "pawl forget shop item --drop-table"));
    CHECK(all.run({"plan", "shop"}).status == 78);
    CHECK(all.api.requests().size() == asked);
    all.write("item", "log");
    test::ChildProcess service(all.command({"run", "--set", "http.listen="}));
    REQUIRE(test::eventually(std::chrono::seconds(20), [&] { return all.is_planned(); }));
    all.write("log", "other");
    service.signal(SIGHUP);
    CHECK(test::eventually(std::chrono::seconds(10), [&] { return has(service.errors(), "going on with the old ones"); }));
    CHECK(has(service.errors(), "the table shop.log has no key in Postgres, but the key [id] in the file"));
    CHECK(service.is_running());
    CHECK(all.run({"reset", "shop", "item", "--yes"}).status == 0);
    CHECK(test::eventually(std::chrono::seconds(20), [&] {
        return all.sql("select count(*) from pawl.slice_done where stream = 'item' and walk = 2 and outcome = 'ok'") == "3";
    }));
    CHECK(all.sql("select to_regclass('shop.other') is null") == "t");
    all.write("thing", "log");
    service.signal(SIGHUP);
    CHECK(
        test::eventually(std::chrono::seconds(10), [&] { return has(service.errors(), "does not write shop.item any more"); }));
    service.signal(SIGTERM);
    CHECK(service.wait(std::chrono::seconds(35)) == 0);
}

}  // namespace pawl::app
