#include "storage/pg_backlog.hpp"

#include "storage/pg_catalogue.hpp"
#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using core::SliceClass;

namespace {

/// A stream over rows of `people` by scanning.
core::Stream scan_of(const std::string& where) {
    core::Stream stream = test::stream_named("details");
    stream.foreach_.kind = core::Foreach::Kind::table;
    stream.foreach_.table = "people";
    stream.foreach_.where = where;
    stream.parent_columns = {"fans"};
    return stream;
}

/// A list of entries with a count, ten records a page.
core::Stream counted_list(std::vector<std::string> entries) {
    core::Stream stream = test::stream_named("items");
    stream.foreach_.kind = core::Foreach::Kind::list;
    stream.foreach_.factors = {{std::move(entries), std::nullopt, ""}};
    stream.paginate.kind = core::Pagination::Kind::link;
    stream.paginate.max_pages = 5;
    stream.expect = core::Expect{core::Expression::compile("list.n"), 0.01, 10};
    return stream;
}

struct Waiting {
    test::Database db;
    storage::PgCatalogue catalogue{db.pool()};
    std::shared_ptr<const core::SourceFile> source;

    explicit Waiting(std::vector<core::Stream> streams) : source(test::source_of(std::move(streams))) {
        db.run(catalogue.register_source(source));
    }
    std::int64_t start(std::size_t limit = 100) {
        return db.run(catalogue.start_walks("api", {}, limit, SliceClass::backfill));
    }
    storage::SourceBacklog read(std::vector<std::string> streams = {}) {
        storage::PgBacklog backlog(db.pool());
        return db.run(backlog.backlog(source, std::move(streams), core::Millis(0)));
    }
    void finish_all() {
        db.sql("with gone as (delete from pawl.slice returning *) insert into pawl.slice_done select * from gone;"
               " update pawl.slice_done set state = 'done', outcome = 'ok', finished_at = now();"
               " update pawl.partition set walking = false, next_due = null, last_finished = now()");
    }
};

}  // namespace

TEST_CASE("before the first migration there is no backlog", "[storage][backlog]") {
    Waiting waiting({counted_list({R"({"n": 1})"})});
    waiting.db.sql("drop schema pawl cascade");
    const auto backlog = waiting.read();
    REQUIRE(backlog.streams.size() == 1);
    CHECK(backlog.streams[0].open.slices + backlog.streams[0].due.slices + backlog.streams[0].partitions == 0);
    CHECK_FALSE(backlog.latency_seconds);
}

TEST_CASE("what is due and open is counted by what it is expected to take", "[storage][backlog]") {
    Waiting waiting({counted_list({R"({"n": 7, "id": 1})", R"({"n": 7, "id": 2})", R"({"n": 31, "id": 3})",
                                   R"({"n": 900, "id": 4})", R"({"id": 5, "n": null})"}),
                     test::stream_named("whole")});
    auto backlog = waiting.read();
    REQUIRE(backlog.streams.size() == 2);
    auto items = backlog.streams[0];
    CHECK(items.open.slices == 0);
    CHECK(items.due.slices == 5);
    CHECK(items.due.told == 4);
    CHECK(items.due.told_requests == 1 + 1 + 4 + 5);  // within max_pages
    CHECK(items.due.told_longest == 5);
    CHECK(items.partitions == 5);
    CHECK(backlog.streams[1].due.told_requests == 1);  // one page, without `expect`
    REQUIRE(waiting.start() == 6);
    // Two pages of the fourth are there, and one of the fifth.
    waiting.db.sql("update pawl.slice s set tip_seq = 2 from pawl.partition p where p.partition_id = s.partition_id"
                   " and p.list ->> 'id' = '4'");
    waiting.db.sql("update pawl.slice s set tip_seq = 1 from pawl.partition p where p.partition_id = s.partition_id"
                   " and p.list ->> 'id' = '5'");
    waiting.db.sql("insert into pawl.stream_total (source, stream, writer, pages) values ('api', 'items', 0, 20),"
                   " ('api', 'items', 1, 13); insert into pawl.outcome_total values ('api', 'items', 'ok', 0, 4),"
                   " ('api', 'items', 'gone', 1, 1), ('api', 'items', 'cancelled', -1, 50)");
    backlog = waiting.read({"items"});
    REQUIRE(backlog.streams.size() == 1);
    items = backlog.streams[0];
    CHECK(items.due.slices == 0);
    CHECK(items.open.slices == 5);
    CHECK(items.open.told_requests == 1 + 1 + 4 + 3);
    CHECK(items.open.told_longest == 4);
    CHECK(items.open.untold_pages == 1);
    CHECK(items.ended_slices == 5);
    CHECK(items.ended_pages == 30);
    // Another request: those slices will be cancelled, and asked for from the start.
    waiting.db.sql("update pawl.slice set request_hash = 'old'");
    CHECK(waiting.read({"items"}).streams[0].open.told_requests == 1 + 1 + 4 + 5);
}

TEST_CASE("what rests is looked for only where nothing is left, and by refresh", "[storage][backlog]") {
    auto stream = counted_list({R"({"n": 25, "id": 1})", R"({"n": 5, "id": 2})"});
    stream.refresh = std::chrono::hours(1);
    Waiting waiting({stream});
    waiting.start(1);
    CHECK(waiting.read().streams[0].resting.slices == 0);
    waiting.start();
    waiting.finish_all();
    CHECK(waiting.read().streams[0].resting.slices == 0);
    waiting.db.sql("update pawl.partition set last_finished = now() - interval '2 hours'");
    const auto rested = waiting.read().streams[0].resting;
    CHECK(rested.slices == 2);
    CHECK(rested.told_requests == 4);
}

TEST_CASE("rows that the next scan makes due are counted, and no others", "[storage][backlog]") {
    auto stream = scan_of("fans is not null");
    stream.paginate.kind = core::Pagination::Kind::link;
    stream.expect = core::Expect{core::Expression::compile("parent.fans"), 0.01, 10};
    Waiting waiting({stream});
    CHECK(waiting.read().streams[0].rows.slices == 0);  // no table yet
    waiting.db.sql("create schema if not exists api; create table api.people (id bigint primary key);"
                   " insert into api.people values (1)");
    CHECK(waiting.read().streams[0].rows.slices == 0);  // no column yet
    waiting.db.sql("alter table api.people add column fans bigint; delete from api.people;"
                   " insert into api.people select i, i * 10 from generate_series(1, 6) as i;"
                   " insert into api.people values (7, null)");
    auto rows = waiting.read().streams[0].rows;
    CHECK(rows.slices == 6);
    CHECK(rows.told_requests == 1 + 2 + 3 + 4 + 5 + 6);
    const auto scan = waiting.db.run(
        waiting.catalogue.scan_table(waiting.source, "details", std::nullopt, 4, SliceClass::backfill));
    CHECK(scan.added == 4);
    const auto backlog = waiting.read().streams[0];
    CHECK(backlog.rows.slices == 2);
    CHECK(backlog.open.slices == 4);
    CHECK(backlog.open.told_requests == 1 + 2 + 3 + 4);
}

TEST_CASE("latency is that of the pages of the last slices", "[storage][backlog]") {
    Waiting waiting({counted_list({R"({"n": 1})"})});
    waiting.start();
    waiting.finish_all();
    CHECK_FALSE(waiting.read().latency_seconds);
    waiting.db.sql(
        "insert into pawl.page (slice_id, seq, link, prev, cursor_hash, outcome, status, requested_at, fetched_at)"
        " select slice_id, i, gen_random_uuid(), gen_random_uuid(), sha256(i::text::bytea), 'ok',"
        " case when i < 3 then 200 else 0 end, now(), now() + i * interval '200 ms'"
        " from pawl.slice_done, generate_series(1, 3) as i");
    CHECK(waiting.read().latency_seconds == 0.3);
}
