#include "storage/pg_catalogue.hpp"
#include "storage/pg_progress.hpp"
#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;

namespace {

struct Told {
    test::Database db;
    storage::PgProgress progress{db.pool()};
    std::shared_ptr<const core::SourceFile> source;

    Told() {
        core::Stream stream = test::stream_named("items");
        stream.foreach_.kind = core::Foreach::Kind::list;
        stream.foreach_.factors = {{{R"({"id": 1})", R"({"id": 2})", R"({"id": 3})"}, std::nullopt, ""}};
        source = test::source_of({stream, test::stream_named("whole")});
        storage::PgCatalogue catalogue(db.pool());
        db.run(catalogue.register_source(source));
        db.run(catalogue.start_walks("api", {}, 2, core::SliceClass::backfill));
    }
    void end_slice(int slice, const std::string& outcome) {
        db.sql("update pawl.slice set state = 'done', outcome = '" + outcome +
               "', finished_at = now() where slice_id = " + std::to_string(slice) +
               "; with ended as (delete from pawl.slice where state = 'done' returning *)"
               " insert into pawl.slice_done select * from ended");
    }
    void add_page(int slice, int seq, int status, const std::string& counts) {
        db.sql(
            "insert into pawl.page (slice_id, seq, link, prev, cursor_hash, outcome, status, "
            "mapping_hash, counts,"
            " requested_at, fetched_at) values (" +
            std::to_string(slice) + ", " + std::to_string(seq) +
            ", gen_random_uuid(), gen_random_uuid(), sha256('" + std::to_string(seq) +
            "'), 'ok', " + std::to_string(status) + ", '" + source->streams[0].mapping_hash +
            "', '" + counts + "', now(), now())");
    }
};

}  // namespace

TEST_CASE("progress adds up the totals of all writers", "[storage][progress]") {
    Told told;
    told.db.sql(
        "insert into pawl.stream_total values ('api', 'items', 0, 3, 30, 20, 5, 1, 0, '2026-01-02 "
        "03:04:05+00'),"
        " ('api', 'items', 1, 2, 20, 10, 5, 2, 1, '2026-01-01 00:00:00+00');"
        " insert into pawl.outcome_total values ('api', 'items', 'ok', 0, 4), ('api', 'items', "
        "'ok', 1, 3),"
        " ('api', 'items', 'gone', 1, 1);"
        " insert into pawl.dead_letter (source, stream, part, slice_id, seq, state, reason, "
        "status, envelope, body)"
        " values ('api', 'items', '', 1, 1, 'dead', '', 0, '', ''), ('api', 'items', '', 1, 2, "
        "'replayed', '', 0, '',"
        " '')");
    const auto streams = told.db.run(told.progress.streams("api"));
    REQUIRE(streams.size() == 2);
    const auto& items = streams[0];
    CHECK(items.stream == "items");
    CHECK(items.partitions == 3);
    CHECK(items.partitions_due == 1);
    CHECK(items.slices_open == 2);
    CHECK(items.pages == 5);
    CHECK(items.records == 50);
    CHECK(items.inserted == 30);
    CHECK(items.updated == 10);
    CHECK(items.rejected == 3);
    CHECK(items.dead_letters == 1);
    CHECK(items.slices_by_outcome == std::map<std::string, std::int64_t>{{"gone", 1}, {"ok", 7}});
    REQUIRE(items.last_commit.has_value());
    CHECK(core::format_utc(*items.last_commit) == "2026-01-02T03:04:05.000000Z");
    CHECK(streams[1].stream == "whole");
    CHECK(streams[1].partitions_due == 1);
    CHECK_FALSE(streams[1].last_commit.has_value());
    CHECK(told.db.run(told.progress.streams("")).size() == 2);
    CHECK(told.db.run(told.progress.streams("other")).empty());
}

TEST_CASE("rows of a table are what its pages inserted and did not delete", "[storage][progress]") {
    Told told;
    told.add_page(1, 1, 200, "{5,4,0,1,0,0,0,0}");
    told.add_page(1, 2, 200, "{5,3,2,0,0,0,0,2}");
    told.end_slice(1, "ok");
    told.add_page(2, 1, 200, "{1,1,0,0,0,0,0,0}");
    const auto tables = told.db.run(told.progress.tables("api"));
    REQUIRE(tables.size() == 1);
    CHECK(tables[0].source == "api");
    CHECK(tables[0].table == "api.items");
    CHECK(tables[0].rows == 6);
}

TEST_CASE("problems name the partition and say why", "[storage][progress]") {
    Told told;
    told.add_page(1, 1, 503, "{}");
    told.end_slice(1, "failed");
    told.add_page(2, 1, 404, "{}");
    told.end_slice(2, "gone");
    told.db.sql(
        "insert into pawl.rejected_record (source, stream, table_name, slice_id, seq, reason, "
        "record)"
        " select 'api', 'items', 'items', 1, i, 'no key', '{}' from generate_series(1, 3) as i");
    const auto problems = told.db.run(told.progress.problems("api", 10));
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].stream == "items");
    CHECK(
        problems[0].part ==
        told.db.sql("select part from pawl.partition p join pawl.slice_done d using (partition_id)"
                    " where d.slice_id = 1"));
    CHECK(problems[0].outcome == core::Outcome::failed);
    CHECK(problems[0].reason == "HTTP 503");
    CHECK(problems[1].count == 3);
    CHECK(problems[1].reason == "rejected for table items: no key");
    told.db.sql("update pawl.page set reason = 'the server kept failing' where slice_id = 1");
    CHECK(told.db.run(told.progress.problems("", 1))[0].reason == "the server kept failing");
    CHECK(told.db.run(told.progress.problems("other", 10)).empty());
}
