#include <algorithm>

#include "storage/pg_catalogue.hpp"
#include "storage/pg_verifier.hpp"
#include "tests/storage/database.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using storage::FrontierFact;
using storage::VerifyReport;

namespace {

/// A catalogue and a ledger as the writer leaves them, put there by SQL so that each test can
/// damage one thing. Slice 1: finished, three pages. Slice 2: open, two pages. Slice 3: finished by
/// a dead letter. Each good page read four records: two inserted, one the same, one rejected.
struct Ledger {
    test::Database db;
    std::shared_ptr<const core::SourceFile> source;

    Ledger() {
        core::Stream stream = test::stream_named("items");
        stream.foreach_.kind = core::Foreach::Kind::list;
        stream.foreach_.factors = {{{R"({"id": 1})", R"({"id": 2})", R"({"id": 3})"}, std::nullopt, ""}};
        source = test::source_of({stream});
        storage::PgCatalogue catalogue(db.pool());
        db.run(catalogue.register_source(source));
        db.run(catalogue.start_walks("api", {}, 10, core::SliceClass::backfill));
        db.sql(
            "create schema api; create table api.items (id bigint generated always as identity);"
            " update pawl.slice set genesis = md5(slice_id || '/0')::uuid, tip_link = md5(slice_id "
            "|| '/0')::uuid");
        for (int seq = 1; seq <= 3; ++seq) add_page(1, seq, seq == 3);
        for (int seq = 1; seq <= 2; ++seq) add_page(2, seq, false);
        add_dead_page();
        finish();
    }

    VerifyReport verify(std::vector<FrontierFact> frontiers = {}, const std::string& stream = "") {
        storage::PgVerifier verifier(db.pool());
        return db.run(verifier.verify(source, stream, std::move(frontiers)));
    }

  private:
    void insert_page(int slice, int seq, bool last, const std::string& outcome,
                     const std::string& counts) {
        const std::string s = std::to_string(slice), n = std::to_string(seq),
                          before = std::to_string(seq - 1);
        db.sql(
            "insert into pawl.page (slice_id, seq, link, prev, cursor_hash, cursor_out, outcome, "
            "status, mapping_hash,"
            " counts, requested_at, fetched_at) values (" +
            s + ", " + n + ", md5('" + s + "/" + n + "')::uuid, md5('" + s + "/" + before +
            "')::uuid, sha256('" + (seq == 1 ? "" : "c" + before) + "'), " +
            (last ? "null" : "'c" + n + "'") + ", '" + outcome + "', 200, '" +
            source->streams[0].mapping_hash + "', '" + counts +
            "', now(), now());"
            " update pawl.slice set tip_seq = " +
            n + ", tip_link = md5('" + s + "/" + n + "')::uuid, tip_cursor = " +
            (last ? "null" : "'c" + n + "'") + " where slice_id = " + s);
    }
    void add_page(int slice, int seq, bool last) {
        insert_page(slice, seq, last, "ok", "{4,2,0,1,0,0,1,0}");
        const std::string s = std::to_string(slice), n = std::to_string(seq);
        db.sql(
            "update pawl.slice set records = records + 4, inserted = inserted + 2, same = same + "
            "1, rejected = rejected"
            " + 1 where slice_id = " +
            s +
            "; insert into api.items default values; insert into api.items default"
            " values; insert into pawl.rejected_record (source, stream, table_name, slice_id, seq, "
            "reason, record)"
            " values ('api', 'items', 'items', " +
            s + ", " + n + ", 'no key', '{}')");
    }
    void add_dead_page() {
        insert_page(3, 1, true, "dead", "{}");
        db.sql(
            "insert into pawl.dead_letter (source, stream, part, slice_id, seq, reason, status, "
            "envelope, body)"
            " values ('api', 'items', '3', 3, 1, 'not JSON', 200, '{}', '')");
    }
    void finish() {
        db.sql(
            "update pawl.slice set state = 'done', outcome = case slice_id when 1 then 'ok' else "
            "'dead' end,"
            " finished_at = now() where slice_id in (1, 3);"
            " with ended as (delete from pawl.slice where state = 'done' returning *)"
            " insert into pawl.slice_done select * from ended;"
            " update pawl.partition set walking = false where partition_id in"
            " (select partition_id from pawl.slice_done)");
    }
};

bool tells(const VerifyReport& report, const std::string& where, const std::string& text) {
    return std::any_of(
        report.findings.begin(), report.findings.end(), [&](const storage::Finding& finding) {
            return test::contains(finding.where, where) && test::contains(finding.text, text);
        });
}

std::string all_of(const VerifyReport& report) {
    std::string text;
    for (const auto& finding : report.findings) text += finding.where + ": " + finding.text + "\n";
    return text;
}

}  // namespace

TEST_CASE("an undamaged ledger is clean, and its size is told", "[storage][verifier]") {
    Ledger ledger;
    const auto report = ledger.verify();
    INFO(all_of(report));
    CHECK(report.clean());
    CHECK(report.findings.empty());
    CHECK(report.slices == 3);
    CHECK(report.pages == 6);
    CHECK(report.records == 20);
    CHECK(report.tables == 1);
    CHECK(report.dead_letters == 1);
    CHECK(ledger.verify({}, "items").clean());
    CHECK(ledger.verify({}, "other").slices == 0);
}

TEST_CASE("every kind of damage is found where it is", "[storage][verifier]") {
    struct Damage {
        std::string sql, where, text;
    };
    const auto damage = GENERATE(values<Damage>({
        {"delete from pawl.page where slice_id = 1 and seq = 2", "api.items slice 1 page 3",
         "follows page 1"},
        {"delete from pawl.page where slice_id = 1 and seq = 1", "api.items slice 1 page 2",
         "follows page 0"},
        {"delete from pawl.page where slice_id = 1 and seq = 3", "slice 1 page 3",
         "the last page in the ledger is 2"},
        {"update pawl.page set link = gen_random_uuid() where slice_id = 1 and seq = 2",
         "slice 1 page 3", "as the page before it"},
        {"update pawl.page set prev = gen_random_uuid() where slice_id = 2 and seq = 1",
         "slice 2 page 1", "as the page before it"},
        {"update pawl.page set link = gen_random_uuid() where slice_id = 2 and seq = 2",
         "slice 2 page 2", "is the tip with link"},
        {"update pawl.page set cursor_out = 'other' where slice_id = 1 and seq = 1",
         "slice 1 page 2", "another cursor"},
        {"update pawl.slice set tip_cursor = null where slice_id = 2", "slice 2 page 2",
         "cursor of the next page"},
        {"update pawl.slice set tip_seq = 1 where slice_id = 2", "slice 2 page 1",
         "the last page in the ledger is 2"},
        {"update pawl.page set counts[3] = 1 where slice_id = 1 and seq = 1", "slice 1 page 1",
         "read 4 records"},
        {"update pawl.page set counts = '{4,2,1}' where slice_id = 1 and seq = 1", "slice 1 page 1",
         "has 3 counts"},
        {"update pawl.slice_done set inserted = 7 where slice_id = 1", "slice 1",
         "its pages add up to {12,6,0,3,0,0,3}"},
        {"delete from pawl.rejected_record where slice_id = 2 and seq = 1", "slice 2 page 1",
         "counts 1 rejected records, but 0 are kept"},
        {"delete from api.items where id = 1", "table api.items",
         "has 9 rows, but the ledger inserted 10"},
        {"insert into api.items default values", "table api.items", "has 11 rows"},
        {"drop table api.items", "table api.items", "has 0 rows"},
        {"delete from pawl.dead_letter", "slice 3 page 1", "its dead letter is missing"},
        {"update pawl.page set outcome = 'ok' where slice_id = 3", "slice 3 page 1",
         "is not dead in the ledger"},
        {"update pawl.page set mapping_hash = null where slice_id = 1 and seq = 1",
         "slice 1 page 1", "which is not known"},
        {"insert into pawl.slice_done select * from pawl.slice", "slice 2",
         "both open and finished"},
        {"update pawl.slice set state = 'stuck'", "slice 2",
         "has state stuck among the open slices"},
        {"update pawl.partition set walking = false", "slice 2",
         "its partition is not being walked"},
        {"delete from pawl.partition where walking", "slice 2", "does not exist"},
        {"update pawl.partition set walking = true", "api.items", "partition '1' is being walked"},
        {"delete from pawl.slice_done where slice_id = 1", "api slice 1 page 1",
         "its slice is not in the catalogue"},
    }));
    Ledger ledger;
    ledger.db.sql(damage.sql);
    const auto report = ledger.verify();
    INFO(damage.sql << "\n" << all_of(report));
    CHECK_FALSE(report.clean());
    CHECK(tells(report, damage.where, damage.text));
}

TEST_CASE("rows that a later page deleted are not missed", "[storage][verifier]") {
    Ledger ledger;
    ledger.db.sql(
        "update pawl.page set counts[8] = 3 where slice_id = 1 and seq = 3;"
        " delete from api.items where id <= 3");
    CHECK(ledger.verify().clean());
}

TEST_CASE("a replayed dead letter is no difference", "[storage][verifier]") {
    Ledger ledger;
    ledger.db.sql(
        "update pawl.dead_letter set state = 'replayed'; update pawl.page set outcome = 'ok' where "
        "slice_id = 3");
    const auto report = ledger.verify();
    INFO(all_of(report));
    CHECK(report.clean());
    CHECK(report.dead_letters == 0);
}

TEST_CASE("what Redis lacks is told and explained", "[storage][verifier]") {
    Ledger ledger;
    const auto told = [&](FrontierFact fact) {
        const auto report = ledger.verify({fact});
        CHECK(report.clean());
        REQUIRE(report.findings.size() == 1);
        return report.findings[0].text;
    };
    CHECK(test::contains(told({2, -1, 0}), "1 open slices are not in Redis"));
    CHECK(test::contains(told({2, 1, 0}), "Redis has it at page 1, the ledger at 2"));
    CHECK(test::contains(told({2, 5, 1}), "pages 3 to 5 were fetched, 1 of them are on the queue"));
    CHECK(ledger.verify({{2, 5, 3}}).findings.empty());
    CHECK(ledger.verify({{2, 2, 0}}).findings.empty());
    CHECK(ledger.verify({{1, 9, 0}}).findings.empty());  // finished meanwhile
}

TEST_CASE("a thousand findings are told and the rest is counted", "[storage][verifier]") {
    Ledger ledger;
    ledger.db.sql(
        "insert into pawl.slice_done (slice_id, partition_id, source, stream, walk, request_hash, "
        "class, parent,"
        " state, tip_seq, genesis, tip_link, records, inserted, updated, same, stale, duplicate, "
        "rejected, dead,"
        " created_at, outcome) select i, 1, 'api', 'items', i, 'h', 1, '{}', 'done', 0, g, g, 1, "
        "1, 0, 0, 0, 0, 0,"
        " 0, now(), 'ok' from (select i, gen_random_uuid() as g from generate_series(100, 1599) as "
        "i) as x");
    const auto report = ledger.verify();
    CHECK_FALSE(report.clean());
    CHECK(report.findings.size() == 1000);
    CHECK(report.findings_left_out == 500);
}

TEST_CASE("open slices are told, those on offer first", "[storage][verifier]") {
    Ledger ledger;
    storage::PgVerifier verifier(ledger.db.pool());
    CHECK(ledger.db.run(verifier.open_slices("api", 10)) == std::vector<core::SliceId>{2});
    ledger.db.sql(
        "insert into pawl.slice (partition_id, source, stream, walk, request_hash, genesis, "
        "tip_link,"
        " offered_epoch) select 9, 'api', 'items', 1, 'h', g, g, g from (select gen_random_uuid() "
        "as g) as x");
    CHECK(ledger.db.run(verifier.open_slices("api", 1)) == std::vector<core::SliceId>{4});
    CHECK(ledger.db.run(verifier.open_slices("other", 10)).empty());
}

TEST_CASE("walks that read another number of records than expected are told, and are no difference",
          "[storage][verifier]") {
    Ledger ledger;
    ledger.db.sql("update pawl.partition p set last_slice = d.slice_id from pawl.slice_done d where d.partition_id = p.partition_id");
    const auto told = [&](const std::string& count, double tolerance) {
        auto stream = ledger.source->streams[0];
        stream.expect = core::Expect{core::Expression::compile(count), tolerance, 0};
        ledger.source = test::source_of({stream});
        const auto report = ledger.verify();
        CHECK(report.clean());
        return all_of(report);
    };
    CHECK(told("12", 0) == "");  // the walk that a dead letter ended says nothing
    CHECK(told("list.id", 0.01) ==
          "api.items: 1 of 1 finished walks read another number of records than `expect` says, by more than 1 %; the "
          "furthest: 12 instead of 1\n");
    CHECK(told("13", 0.1) == "");
    CHECK(told("list.absent", 0) == "");
    ledger.db.sql("update pawl.page set outcome = 'not_modified', counts = '{}' where slice_id = 1 and seq = 2");
    CHECK(all_of(ledger.verify()).find("expect") == std::string::npos);
}
