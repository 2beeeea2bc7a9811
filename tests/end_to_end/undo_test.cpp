// A real source is reset and forgotten beside a running service, and as a whole: what comes again is the same, row for row.
#include <csignal>

#include "tests/end_to_end/crew.hpp"
#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/has.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;

namespace {

/// Streams of a source that was collected once, and what a test wants to know of them.
struct Undone {
    World world{{.source = "tests/end_to_end/undo_github.yaml", .lease = "2s"}};
    std::map<std::string, std::string> tables;
    std::int64_t repositories = 0;  ///< that have stargazers

    Undone() {
        const auto first = world.run({"backfill", "github"});
        INFO(first.errors);
        REQUIRE(first.status == 0);
        tables = world.tables();
        REQUIRE(tables.size() == 3);
        repositories = number("select count(*) from github.repository where stars > 0");
        REQUIRE(repositories == 3);
    }
    [[nodiscard]] std::int64_t number(const std::string& sql) const { return std::stoll(world.sql(sql)); }
    /// How many rows of a table of pawl are about stargazers.
    [[nodiscard]] std::int64_t of_stargazers(const std::string& table, const std::string& where = "true") const {
        return number("select count(*) from pawl." + table + " where source = 'github' and stream = 'stargazers' and " + where);
    }
    [[nodiscard]] bool is_idle() const {
        return number(
                   "select (select count(*) from pawl.slice) + (select count(*) from pawl.partition where next_due <= now() "
                   "and state = 'active')") == 0;
    }
    [[nodiscard]] std::string other_partitions() const {
        return world.sql("select part, walk from pawl.partition where stream <> 'stargazers' order by 1");
    }
    /// Requests of first pages of stargazers: a walk each.
    [[nodiscard]] std::int64_t walks_begun() const {
        std::int64_t walks = 0;
        for (const auto& asked : world.replica().asked())
            walks += has(asked.target, "/stargazers") && !has(asked.target, "page=2") && !has(asked.target, "&page=") ? 1 : 0;
        return walks;
    }
    [[nodiscard]] std::int64_t unmodified() const {
        std::int64_t answers = 0;
        for (const auto& asked : world.replica().asked()) answers += asked.status == 304 ? 1 : 0;
        return answers;
    }
    void check_sound() {
        check_same_tables(tables, world.tables());
        const auto verified = world.run({"verify", "github"});
        INFO(verified.output);
        CHECK(verified.status == 0);
    }
};

void reset_twice(Undone& all) {
    const auto before = all.walks_begun();
    const auto reset = all.world.run({"reset", "github", "stargazers", "--yes"});
    INFO(reset.errors);
    REQUIRE(reset.status == 0);
    CHECK(has(reset.output, "3 partitions due, 0 slices cancelled"));
    // Once more in the middle of it: walks that are open begin anew. On a busy machine they may have ended by then.
    for (int tries = 0; tries < 5 && all.of_stargazers("slice_done", "outcome = 'cancelled'") == 0; ++tries) {
        REQUIRE(eventually(20s, [&] { return all.of_stargazers("slice", "tip_seq > 0") > 0 || all.is_idle(); }));
        REQUIRE(all.world.run({"reset", "github", "stargazers", "--yes"}).status == 0);
    }
    CHECK(all.of_stargazers("slice_done", "outcome = 'cancelled'") > 0);
    REQUIRE(eventually(30s, [&] { return all.is_idle(); }));
    CHECK(all.number("select count(*) from pawl.slice_done d join pawl.partition p using (partition_id) where p.stream = "
                     "'stargazers' and d.walk = p.walk and d.outcome in ('ok', 'truncated')") == all.repositories);
    CHECK(all.walks_begun() >= before + all.repositories);
    CHECK(all.unmodified() == 0);
    all.check_sound();
}

void forget_a_stream(Undone& all) {
    const auto whole = all.world.run({"forget", "github", "--yes"});
    CHECK(whole.status == 1);
    CHECK(has(whole.errors, "nothing was changed: a pawl process is at work on source 'github'"));
    const auto others = all.other_partitions();
    const auto forgotten = all.world.run({"forget", "github", "stargazers", "--yes"});
    INFO(forgotten.errors);
    REQUIRE(forgotten.status == 0);
    CHECK(has(forgotten.output, "3 partitions, "));
    CHECK(all.of_stargazers("v_slice") + all.of_stargazers("partition") == 0);
    CHECK(all.other_partitions() == others);
    all.check_sound();

    // Parents that are seen again bring it back.
    CHECK(all.world.run({"reset", "github", "repos", "--yes"}).status == 0);
    REQUIRE(eventually(30s, [&] { return all.of_stargazers("slice_done", "walk = 1") == all.repositories && all.is_idle(); }));
    all.check_sound();
}

void forget_all(Undone& all) {
    for (int i = 0; i < 2; ++i) {  // at whatever step it is by then
        auto broken_off = all.world.start({"forget", "github", "--drop-table", "--yes"}, "undo");
        pause_for(std::chrono::milliseconds(40 + 40 * i));
        all.world.end(broken_off);
    }
    const auto last = all.world.run({"forget", "github", "--drop-table", "--yes"});
    INFO(last.errors);
    CHECK((last.status == 0 || has(last.errors, "knows no source")));  // one that was broken off may have come to the end
    CHECK(all.world.tables().empty());
    CHECK(
        all.number("select (select count(*) from pawl.partition) + (select count(*) from pawl.v_slice) + (select count(*) from "
                   "pawl.page) + (select count(*) from pawl.spec) + (select count(*) from pawl.source)") == 0);
    const auto again = all.world.run({"backfill", "github"});
    INFO(again.errors);
    CHECK(again.status == 0);
    all.check_sound();
}

}  // namespace

TEST_CASE("a source is reset and forgotten beside a running service and as a whole, and comes again row for row",
          "[end_to_end][undo]") {
    Undone all;
    auto service = all.world.start({"run"}, "undo");
    REQUIRE(eventually(20s, [&] {
        return all.number("select count(*) from pg_locks where locktype = 'advisory' and granted and objsubid = 1") > 0;
    }));
    reset_twice(all);
    forget_a_stream(all);
    CHECK(service->is_running());
    service->signal(SIGTERM);
    CHECK(service->wait(35s) == 0);
    all.world.end(service);
    CHECK(all.world.told("A page became a dead letter") == 0);
    forget_all(all);
}
