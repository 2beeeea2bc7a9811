#include <map>

#include "core/identity.hpp"
#include "storage/pg_catalogue.hpp"
#include "storage/walks.hpp"
#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using core::SliceClass;
using storage::PgCatalogue;

namespace {

const core::Token epoch_one = *core::Token::parse("11111111-1111-4111-8111-111111111111");
const core::Token epoch_two = *core::Token::parse("22222222-2222-4222-8222-222222222222");

core::Stream list_stream(std::vector<std::string> entries, const std::string& version = "1") {
    core::Stream stream = test::stream_named("items", version);
    stream.foreach_.kind = core::Foreach::Kind::list;
    stream.foreach_.factors = {{std::move(entries), std::nullopt, ""}};
    return stream;
}

core::Stream scan_stream(const std::string& where = "") {
    core::Stream stream = test::stream_named("details");
    stream.foreach_.kind = core::Foreach::Kind::table;
    stream.foreach_.table = "people";
    stream.foreach_.where = where;
    stream.parent_columns = {"name"};
    return stream;
}

/// A catalogue over a database of its own, with what a planner does in one word each.
struct Planned {
    test::Database db;
    PgCatalogue catalogue{db.pool()};

    storage::Registration register_source(std::vector<core::Stream> streams) {
        std::shared_ptr<const core::SourceFile> source = test::source_of(std::move(streams));
        return db.run(catalogue.register_source(source));
    }
    std::int64_t start(std::size_t limit = 100, SliceClass slice_class = SliceClass::backfill,
                       std::vector<std::string> streams = {}) {
        return db.run(catalogue.start_walks("api", std::move(streams), limit, slice_class));
    }
    std::vector<storage::DueSlice> due(std::size_t limit = 100, core::Token epoch = epoch_one,
                                       std::vector<std::string> streams = {}) {
        return db.run(catalogue.due_slices("api", std::move(streams), epoch, limit));
    }
    std::int64_t fall_due() { return db.run(catalogue.fall_due("api", {"items"})); }
    /// What the writer does at a walk's end, as far as the catalogue is concerned.
    void finish(const std::string& ago = "0") {
        db.sql(
            "with gone as (delete from pawl.slice returning *) insert into pawl.slice_done select "
            "* from gone;"
            " update pawl.slice_done set state = 'done', outcome = 'ok', finished_at = now();"
            " update pawl.partition set walking = false, next_due = null, last_finished = now() - "
            "interval '" +
            ago + "'");
    }
};

}  // namespace

TEST_CASE("registering makes partitions of a list, due at once, and of a stream without foreach",
          "[storage][catalogue]") {
    Planned planned;
    const auto registration = planned.register_source(
        {list_stream({R"({"id": 5})", R"({"id": "a/b"})", R"({"id": 12345678901234567890123})",
                      R"({"b":2, "a": "x"})"}),
         test::stream_named("whole")});
    CHECK(registration.may_plan);
    CHECK(registration.is_new);
    CHECK(registration.epoch == 1);
    CHECK(registration.cancelled.empty());
    CHECK(registration.instance.str() ==
          planned.db.sql("select value from pawl.meta where key = 'instance'"));
    CHECK(planned.db.sql(
              "select string_agg(stream || ':' || part, ' ' order by stream, part collate \"C\")"
              " from pawl.partition where next_due <= now()") ==
          R"(items:12345678901234567890123 items:5 items:a/b items:{"a": "x", "b": 2} whole:)");
    CHECK(planned.db.sql("select count(*) from pawl.spec where kind = 'mapping'") == "2");
    CHECK(planned.db.sql("select body -> 'emits' ->> 0 from pawl.spec where kind = 'mapping' and "
                         "stream = 'whole'") ==
          R"({"key": ["id"], "table": "whole", "schema": "api"})");
}

TEST_CASE("registering the same again changes nothing", "[storage][catalogue]") {
    Planned planned;
    planned.register_source({list_stream({R"({"id": 1})"})});
    REQUIRE(planned.start() == 1);
    const auto again = planned.register_source({list_stream({R"({"id": 1})"})});
    CHECK_FALSE(again.is_new);
    CHECK(again.epoch == 1);
    CHECK(again.cancelled.empty());
    CHECK(planned.due().size() == 1);
    CHECK(planned.start() == 0);
}

TEST_CASE("a list entry that is gone makes its partition inactive, one that is back wakes it",
          "[storage][catalogue]") {
    Planned planned;
    planned.register_source({list_stream({R"({"id": 1})", R"({"id": 2})"})});
    planned.start();
    planned.finish();
    planned.register_source({list_stream({R"({"id": 2})", R"({"id": 3})"})});
    CHECK(planned.db.sql(
              "select string_agg(part || ' ' || state, ', ' order by part) from pawl.partition") ==
          "1 inactive, 2 active, 3 active");
    CHECK(planned.start() == 1);  // 3 is new, 2 has been asked
    CHECK(planned.fall_due() == 1);
    planned.register_source({list_stream({R"({"id": 1})", R"({"id": 2})", R"({"id": 3})"})});
    CHECK(planned.start() == 2);  // 1 is back, 2 fell due
}

TEST_CASE("a changed request cancels its open slices and asks again", "[storage][catalogue]") {
    Planned planned;
    planned.register_source({list_stream({R"({"id": 1})"}), test::stream_named("whole")});
    REQUIRE(planned.start() == 2);
    const auto before = planned.due();
    const auto changed =
        planned.register_source({list_stream({R"({"id": 1})"}, "2"), test::stream_named("whole")});
    REQUIRE(changed.epoch == 2);
    REQUIRE(changed.may_plan);
    REQUIRE(changed.cancelled == std::vector<core::SliceId>{before[0].slice.stream == "items"
                                                                ? before[0].slice.slice
                                                                : before[1].slice.slice});
    CHECK(planned.db.sql("select stream, state, outcome from pawl.slice_done") ==
          "items cancelled cancelled");
    CHECK(planned.db.sql("select slices from pawl.outcome_total where outcome = 'cancelled'") ==
          "1");
    CHECK(planned.start() == 1);
    std::map<std::string, std::string> hashes;
    for (const auto& due : planned.due()) hashes[due.slice.stream] = due.slice.request_hash;
    CHECK(hashes["items"] == test::stream_named("items", "2").request_hash);
    CHECK(hashes["whole"] == test::stream_named("whole").request_hash);
}

TEST_CASE("a stream that is no longer in the file is not walked any more", "[storage][catalogue]") {
    Planned planned;
    planned.register_source({list_stream({R"({"id": 1})"}), test::stream_named("whole")});
    planned.start();
    const auto changed = planned.register_source({test::stream_named("whole")});
    CHECK(changed.cancelled.size() == 1);
    CHECK(planned.start() == 0);
    CHECK(planned.db.sql("select state from pawl.partition where stream = 'items'") == "inactive");
}

TEST_CASE("an older configuration beside a newer one plans nothing", "[storage][catalogue]") {
    Planned older;
    PgCatalogue newer(older.db.pool());
    older.register_source({list_stream({R"({"id": 1})"})});
    std::shared_ptr<const core::SourceFile> changed =
        test::source_of({list_stream({R"({"id": 1})", R"({"id": 2})"})});
    REQUIRE(older.db.run(newer.register_source(changed)).epoch == 2);
    CHECK(older.start() == 0);  // at once, before it asks
    CHECK(older.fall_due() == 0);
    const auto asked = older.register_source({list_stream({R"({"id": 1})"})});
    CHECK_FALSE(asked.may_plan);
    CHECK(asked.epoch == 2);
    CHECK(older.start() == 0);
    CHECK(older.db.run(newer.start_walks("api", {}, 10, SliceClass::live)) == 2);
}

TEST_CASE("an old file comes back into force by a reload, or in a fresh process when nobody plans",
          "[storage][catalogue]") {
    Planned planned;
    const auto first = list_stream({R"({"id": 1})"});
    const auto second = list_stream({R"({"id": 2})"});
    planned.register_source({first});
    planned.register_source({second});
    CHECK(planned.register_source({first}).epoch == 3);  // its own reload
    CHECK(planned.register_source({second}).epoch == 4);
    std::shared_ptr<const core::SourceFile> old = test::source_of({first});
    REQUIRE(planned.db.run(planned.catalogue.hold_planner_lock("api")));
    PgCatalogue beside(planned.db.pool());
    CHECK_FALSE(planned.db.run(beside.register_source(old)).may_plan);
    planned.db.run(planned.catalogue.release_planner_lock("api"));
    PgCatalogue alone(planned.db.pool());
    CHECK(planned.db.run(alone.register_source(old)).epoch == 5);
}

TEST_CASE("starting walks is bounded, gives each its own genesis and is not repeated",
          "[storage][catalogue]") {
    Planned planned;
    std::vector<std::string> entries;
    for (int i = 0; i < 25; ++i) entries.push_back(R"({"id": )" + std::to_string(i) + "}");
    planned.register_source({list_stream(entries)});
    CHECK(planned.start(10) == 10);
    CHECK(planned.start(10) == 10);
    CHECK(planned.start(10) == 5);
    CHECK(planned.start(10) == 0);
    CHECK(
        planned.db.sql(
            "select count(distinct genesis), count(*) from pawl.slice where genesis = tip_link") ==
        "25 25");
    planned.finish();
    CHECK(planned.fall_due() == 25);
    CHECK(planned.fall_due() == 0);
    CHECK(planned.start(100) == 25);
    CHECK(planned.db.sql("select min(walk), max(walk) from pawl.slice") == "2 2");
    CHECK(planned.due()[0].slice.revisit);
}

TEST_CASE("refresh keeps a schedule from asking too soon", "[storage][catalogue]") {
    Planned planned;
    core::Stream stream = list_stream({R"({"id": 1})"});
    stream.refresh = std::chrono::hours(2);
    planned.register_source({stream});
    planned.start();
    planned.finish("1 hour");
    CHECK(planned.fall_due() == 0);
    planned.finish("3 hours");
    CHECK(planned.fall_due() == 1);
}

TEST_CASE("live slices are offered before backfill, and again only when silent or in another epoch",
          "[storage][catalogue]") {
    Planned planned;
    planned.register_source({list_stream({R"({"id": 1})", R"({"id": 2})", R"({"id": 3})"})});
    planned.start(2, SliceClass::backfill);
    planned.start(1, SliceClass::live);
    const auto due = planned.due();
    REQUIRE(due.size() == 3);
    CHECK(due[0].slice.slice_class == SliceClass::live);
    CHECK(due[0].slice.list == R"({"id": )" + due[0].slice.part + "}");
    CHECK(due[0].tip.seq == 0);
    CHECK_FALSE(due[0].tip.cursor.has_value());
    CHECK_FALSE(due[0].slice.revisit);
    CHECK(planned.due(1).size() == 1);
    std::vector<core::SliceId> ids{due[0].slice.slice, due[1].slice.slice};
    planned.db.run(planned.catalogue.mark_offered(ids, epoch_one, core::Millis(60'000)));
    CHECK(planned.due().size() == 1);
    CHECK(planned.due(100, epoch_two).size() == 3);
    planned.db.run(planned.catalogue.mark_offered(ids, epoch_one, core::Millis(-1)));
    CHECK(planned.due().size() == 3);
}

TEST_CASE("tips of open slices are told, finished ones are left out", "[storage][catalogue]") {
    Planned planned;
    planned.register_source({list_stream({R"({"id": 1})", R"({"id": 2})"})});
    planned.start();
    planned.db.sql(
        "update pawl.slice set tip_seq = 3, tip_cursor = 'next', tip_link = '" + epoch_two.str() +
        "' where slice_id = 1; update pawl.slice set state = 'stuck' where slice_id = 2");
    const auto tips = planned.db.run(planned.catalogue.open_tips({1, 2, 99}));
    REQUIRE(tips.size() == 1);
    CHECK(tips[0].slice == 1);
    CHECK(tips[0].seq == 3);
    CHECK(tips[0].link == epoch_two);
    CHECK(tips[0].cursor == "next");
}

TEST_CASE("only the last finished walk's validators count", "[storage][catalogue]") {
    Planned planned;
    planned.register_source({list_stream({R"({"id": 1})"})});
    planned.db.sql(
        "insert into pawl.validator (partition_id, slice_id, key, etag, page_id, next_cursor, "
        "last) values"
        " (1, 7, 'k', 'old', 70, null, true), (1, 8, 'k', 'new', 80, 'c', false);"
        " update pawl.partition set last_slice = 8");
    const auto found = planned.db.run(planned.catalogue.validators(1));
    REQUIRE(found.size() == 1);
    CHECK(found[0].etag == "new");
    CHECK(found[0].page_id == 80);
    CHECK(found[0].next_cursor == "c");
    CHECK_FALSE(found[0].last);
}

TEST_CASE("what remains is counted by stream", "[storage][catalogue]") {
    Planned planned;
    planned.register_source(
        {list_stream({R"({"id": 1})", R"({"id": 2})"}), test::stream_named("whole")});
    planned.start(2);
    planned.db.run(planned.catalogue.mark_offered({1}, epoch_one, core::Millis(60'000)));
    const auto all = planned.db.run(planned.catalogue.remaining("api", {}));
    CHECK(all.open_slices == 2);
    CHECK(all.due_partitions == 1);
    CHECK(all.offered == 1);
    const auto whole = planned.db.run(planned.catalogue.remaining("api", {"whole"}));
    CHECK(whole.open_slices + whole.due_partitions == 1);
    CHECK(planned.db.run(planned.catalogue.remaining("other", {})).open_slices == 0);
}

TEST_CASE("when a schedule last fired is kept to the microsecond", "[storage][catalogue]") {
    Planned planned;
    planned.register_source({test::stream_named("whole")});
    CHECK_FALSE(planned.db.run(planned.catalogue.last_schedule("api")).has_value());
    const core::WallTime at{core::Micros(1'692'714'765'123'456)};
    planned.db.run(planned.catalogue.note_schedule("api", at));
    CHECK(planned.db.run(planned.catalogue.last_schedule("api")) == at);
}

TEST_CASE("one process plans a source, and another when its session is lost",
          "[storage][catalogue]") {
    Planned planned;
    PgCatalogue other(planned.db.pool());
    REQUIRE(planned.db.run(planned.catalogue.hold_planner_lock("api")));
    REQUIRE(planned.db.run(planned.catalogue.hold_planner_lock("api")));
    REQUIRE_FALSE(planned.db.run(other.hold_planner_lock("api")));
    REQUIRE(planned.db.run(other.hold_planner_lock("another")));
    planned.db.sql(
        "select pg_terminate_backend(pid, 5000) from pg_locks where locktype = 'advisory' and "
        "database ="
        " (select oid from pg_database where datname = current_database()) and pid <> "
        "pg_backend_pid()"
        " and objid = (hashtextextended('pawl.planner.api', 0) & 4294967295)::oid");
    REQUIRE(planned.db.run(other.hold_planner_lock("api")));
    CHECK_THROWS_AS(planned.db.run(planned.catalogue.hold_planner_lock("api")),
                    core::TransientError);
    REQUIRE_FALSE(planned.db.run(planned.catalogue.hold_planner_lock("api")));
    planned.db.run(other.release_planner_lock("api"));
    REQUIRE(planned.db.run(planned.catalogue.hold_planner_lock("api")));
}

TEST_CASE("scanning goes through a table in bounded steps along its key", "[storage][catalogue]") {
    Planned planned;
    std::shared_ptr<const core::SourceFile> source =
        test::source_of({scan_stream("stars is null")});
    planned.db.run(planned.catalogue.register_source(source));
    const auto scan = [&](std::optional<std::string> after, std::size_t limit) {
        return planned.db.run(planned.catalogue.scan_table(source, "details", std::move(after),
                                                           limit, SliceClass::live));
    };
    SECTION("a table or a column that is not there has no rows") {
        CHECK(scan(std::nullopt, 10).added == 0);
        planned.db.sql(
            "create schema api; create table api.people (id bigint primary key, name text);"
            " insert into api.people values (1, 'x')");
        const auto missing = scan(std::nullopt, 10);
        CHECK(missing.added == 0);
        CHECK_FALSE(missing.after.has_value());
        planned.db.sql("alter table api.people add stars int");
        CHECK(scan(std::nullopt, 10).added == 1);
        CHECK(planned.db.sql("select class from pawl.slice") == "0");  // live, as asked
    }
    SECTION("steps cover all rows once") {
        planned.db.sql(
            "create schema api; create table api.people (org text, id bigint, name text, stars int,"
            " primary key (org, id)); insert into api.people select 'o''' || i % 3, i, 'n' || i,"
            " case when i % 5 = 0 then 1 end from generate_series(1, 50) as i");
        std::int64_t added = 0;
        int steps = 0;
        std::optional<std::string> after;
        do {
            const auto step = scan(after, 7);
            added += step.added;
            after = step.after;
            ++steps;
        } while (after);
        CHECK(added == 40);
        CHECK(steps == 6);
        CHECK(planned.db.sql(
                  "select count(*), count(distinct part), min(part) from pawl.partition") ==
              "40 40 o'0/12");
        CHECK(planned.db.sql(
                  "select count(*) from pawl.slice where parent ->> 'name' is not null") == "40");
        planned.finish();
        CHECK(scan(std::nullopt, 100).added == 0);  // where still matches: asked once all the same
        CHECK(planned.db.run(planned.catalogue.fall_due("api", {"details"})) == 0);
        core::Stream again = scan_stream("stars is null");
        again.refresh = std::chrono::seconds(0);
        source = test::source_of({again});
        planned.db.run(planned.catalogue.register_source(source));
        CHECK(scan(std::nullopt, 100).added == 40);
    }
    SECTION("a place that is none of this scan is refused") {
        planned.db.sql(
            "create schema api; create table api.people (id bigint primary key, name text, stars "
            "int)");
        CHECK_THROWS_AS(scan("[1,2,3]", 7), core::PermanentError);
    }
}

TEST_CASE("wrong SQL in where is the source file's fault", "[storage][catalogue]") {
    Planned planned;
    std::shared_ptr<const core::SourceFile> source =
        test::source_of({scan_stream("stars is is null")});
    planned.db.run(planned.catalogue.register_source(source));
    planned.db.sql(
        "create schema api; create table api.people (id bigint primary key, name text, stars int)");
    CHECK_THROWS_AS(planned.db.run(planned.catalogue.scan_table(source, "details", std::nullopt, 7,
                                                                SliceClass::live)),
                    core::ConfigError);
}

TEST_CASE("walks start and are offered of the named streams only", "[storage][catalogue]") {
    Planned planned;
    planned.register_source({list_stream({R"({"id": 1})"}), test::stream_named("whole")});
    REQUIRE(planned.start(100, SliceClass::live, {"whole"}) == 1);
    CHECK(planned.start(100, SliceClass::live, {"whole"}) == 0);
    CHECK(planned.db.sql("select stream from pawl.slice") == "whole");
    REQUIRE(planned.start() == 1);
    CHECK(planned.due(100, epoch_one, {"nothing"}).empty());
    const auto named = planned.due(100, epoch_one, {"items"});
    REQUIRE(named.size() == 1);
    CHECK(named[0].slice.stream == "items");
    CHECK(planned.due(100, epoch_one, {"items", "whole"}).size() == 2);
    CHECK(planned.due().size() == 2);
}

TEST_CASE("finding slices to offer does not read all open ones", "[storage][catalogue]") {
    Planned planned;
    planned.register_source({test::stream_named("whole")});
    planned.db.sql(
        "insert into pawl.slice (partition_id, source, stream, walk, request_hash, class, genesis, "
        "tip_link,"
        " offered_epoch, offered_until)"
        " select 1, 'api', 'whole', i, 'h', 1, g, g, case when i <= 1000 then '" +
        epoch_one.str() +
        "'::uuid end, case when i <= 1000 then now() + interval '1 hour' end"
        " from (select i, gen_random_uuid() as g from generate_series(1, 50000) as i) as x");
    REQUIRE(planned.due(100).size() == 100);
    REQUIRE(planned.due(1)[0].slice.slice == 1001);
    const auto rows_read = [](pqxx::transaction_base& transaction) {
        return transaction
            .exec(
                "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables"
                " where relid = 'pawl.slice'::regclass")[0][0]
            .as<std::int64_t>();
    };
    storage::Connection connection(planned.db.url());
    connection.transact([&](pqxx::transaction_base& transaction) {
        const std::int64_t before = rows_read(transaction);
        CHECK(storage::due_slices(transaction, "api", {}, epoch_one, 100).size() == 100);
        CHECK(rows_read(transaction) - before <= 1100);  // those on offer, and those asked for
    });
}
