// storage/stream_reset.hpp and storage/stream_removal.hpp on a real catalogue.
#include "storage/known_streams.hpp"
#include "storage/pg_catalogue.hpp"
#include "storage/pg_verifier.hpp"
#include "storage/stream_removal.hpp"
#include "storage/stream_reset.hpp"
#include "tests/storage/pages.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using storage::StreamRemoval;
using storage::StreamReset;
using test::contains;

namespace {

using Source = std::shared_ptr<core::SourceFile>;

core::Stream into(const std::string& name, const std::string& table, std::vector<std::string> key = {"id"}) {
    core::Stream stream = test::stream_named(name);
    stream.emits = {test::emit_of(table, std::move(key), {"id", "name"})};
    return stream;
}

/// Streams `thing` and `other`: partitions a, b, c of each, one finished walk of two pages (a), one begun (b), one not begun
/// (c), a dead letter, a rejected record, validators.
struct Collected {
    test::Store store;
    Source source = test::source_of({into("thing", "thing"), into("other", "other")});
    storage::PgCatalogue catalogue{store.database().pool()};

    Collected() {
        std::shared_ptr<const core::SourceFile> file = source;
        (void)store.database().run(catalogue.register_source(file));
        store.sql("delete from pawl.partition");
        for (const std::string name : {"thing", "other"}) {
            walk(name, "a", true);
            walk(name, "b", false);
            (void)store.open(*source, name, "c");
        }
        store.sql(
            "insert into pawl.validator (partition_id, slice_id, key, page_id, last) select partition_id, "
            "coalesce(last_slice, 0), 'k', 1, true from pawl.partition;"
            "insert into pawl.rejected_record (source, stream, table_name, slice_id, seq, reason, record) select source, "
            "stream, stream, slice_id, 9, 'why', '{}' from pawl.slice where tip_seq > 0;"
            "insert into pawl.drift (source, table_name, column_name, new_type) values ('api', 'thing', 'x', 'text'), "
            "('api', 'other', 'x', 'text')");
    }
    void walk(const std::string& name, const std::string& part, bool to_the_end) {
        const core::Stream& stream = *source->find(name);
        auto chain = store.open(*source, name, part);
        const std::string row = R"("name":")" + part + R"("}])";
        (void)store.commit_one(source,
                               test::page_of(stream, chain.next(), R"([{"id":1)" + std::to_string(chain.slice) + "," + row));
        if (!to_the_end) return;
        storage::PageCommit dead;
        dead.job = chain.next();
        dead.dead_reason = "not valid JSON at byte 7";
        (void)store.commit_one(source, std::move(dead));
        (void)store.commit_one(
            source, test::page_of(stream, chain.next(true), R"([{"id":2)" + std::to_string(chain.slice) + "," + row));
    }
    template <typename T>
    T run(core::Task<T> task) {
        return store.database().run(std::move(task));
    }
    /// All that pawl has of a stream, in numbers.
    std::string left_of(const std::string& stream) {
        const std::string of = " where source = 'api' and stream = '" + stream + "')";
        const std::string mine = "(select slice_id from pawl.v_slice" + of;
        std::string sql = "select (select count(*) from pawl.partition" + of;
        for (const std::string table :
             {"slice", "slice_done", "stream_total", "outcome_total", "dead_letter", "rejected_record"})
            sql += ", (select count(*) from pawl." + table + of;
        return store.sql(sql + ", (select count(*) from pawl.page where slice_id in " + mine +
                         "), (select count(*) from "
                         "pawl.validator where partition_id in (select partition_id from pawl.partition" +
                         of + ")");
    }
    storage::VerifyReport verify() {
        storage::PgVerifier verifier(store.database().pool());
        std::shared_ptr<const core::SourceFile> file = source;
        return run(verifier.verify(file, "", {}));
    }
    /// Steps of a removal until it is done, or `stop` were made. True: it was done.
    bool remove(StreamRemoval& removal, const std::string& stream, int stop = 1'000) {
        std::optional<std::string> after;
        int made = 0;
        do {
            if (made++ == stop) return false;
            after = run(removal.retire("api", stream, after)).after;
        } while (after);
        while (made++ < stop) {
            auto step = run(removal.remove("api", stream, after));
            if (step.is_done) return true;
            after = std::move(step.after);
        }
        return false;
    }
};

}  // namespace

TEST_CASE("a reset cancels open walks and makes everything due without validators; what is stored stays", "[storage][reset]") {
    Collected all;
    const auto other = all.left_of("other");
    const auto open =
        all.store.sql("select string_agg(slice_id::text, ' ' order by slice_id) from pawl.slice where stream = 'thing'");
    all.store.sql("insert into pawl.partition (source, stream, part, state) values ('api', 'thing', 'gone', 'inactive')");
    StreamReset reset(all.store.database().pool());
    const auto step = all.run(reset.step("api", "thing", std::nullopt));
    CHECK(step.partitions == 3);
    CHECK_FALSE(step.after);
    REQUIRE(step.cancelled.size() == 2);
    CHECK(std::to_string(step.cancelled[0]) + " " + std::to_string(step.cancelled[1]) == open);
    CHECK(all.store.sql("select string_agg(part || ' ' || walking || ' ' || (next_due <= now()), ', ' order by part) from "
                        "pawl.partition where stream = 'thing' and state = 'active'") ==
          "a false true, b false true, c false true");
    CHECK(all.store.sql("select next_due is null from pawl.partition where part = 'gone'") == "t");
    CHECK(all.left_of("thing") == "4 0 3 1 2 1 1 4 0");
    CHECK(
        all.store.sql(
            "select count(*) from pawl.slice_done where stream = 'thing' and outcome = 'cancelled' and state = 'cancelled'") ==
        "2");
    CHECK(all.store.sql("select sum(slices) from pawl.outcome_total where outcome = 'cancelled'") == "2");
    CHECK(all.store.sql("select count(*) from api.thing") == "3");
    CHECK(all.left_of("other") == other);
    // Whoever was killed before Redis heard of it makes it known now.
    CHECK(all.run(reset.untold("api", "thing")).size() == 2);
    CHECK(all.run(all.catalogue.start_walks("api", {"thing"}, 10, core::SliceClass::live)) == 3);
    CHECK(all.store.sql("select min(walk) || ' ' || max(walk), max(tip_seq) from pawl.slice where stream = 'thing'") ==
          "2 2 0");
}

TEST_CASE("a reset that was broken off is begun anew, and goes batch by batch", "[storage][reset]") {
    Collected all;
    StreamReset reset(all.store.database().pool(), 2);
    const auto first = all.run(reset.step("api", "thing", std::nullopt));
    CHECK(first.partitions == 2);
    CHECK(first.after == "b");
    CHECK(all.store.sql("select string_agg(part, '' order by part) from pawl.partition where stream = 'thing' and walking") ==
          "c");
    std::optional<std::string> after;
    std::int64_t due = 0;
    do {
        const auto step = all.run(reset.step("api", "thing", after));
        due += step.partitions;
        after = step.after;
    } while (after);
    CHECK(due == 3);
    CHECK(all.store.sql("select count(*) from pawl.slice where stream = 'thing'") == "0");
    CHECK(all.store.sql("select sum(slices) from pawl.outcome_total where outcome = 'cancelled' and stream = 'thing'") == "2");
    CHECK(all.run(reset.step("api", "no such stream", std::nullopt)).partitions == 0);
}

TEST_CASE("a page that was fetched before a reset is told that its slice is cancelled", "[storage][reset]") {
    Collected all;
    auto chain = all.store.open(*all.source, "thing", "d");
    const auto page = chain.next(true);
    StreamReset reset(all.store.database().pool());
    (void)all.run(reset.step("api", "thing", std::nullopt));
    const auto result =
        all.store.commit_one(all.source, test::page_of(*all.source->find("thing"), page, R"([{"id":77,"name":"x"}])"));
    CHECK(result.verdict == storage::Verdict::cancelled);
    CHECK(all.store.sql("select count(*) from api.thing where id = 77") == "0");
}

TEST_CASE("forgetting removes one stream whole, leaves the others, and verify still counts the rows", "[storage][forget]") {
    Collected all;
    const auto other = all.left_of("other");
    all.store.sql("delete from pawl.rejected_record; delete from pawl.validator");
    const auto before = all.verify();
    StreamRemoval removal(all.store.database().pool());
    REQUIRE(all.remove(removal, "thing"));
    all.run(removal.remove_rest("api", {"thing"}));
    CHECK(all.left_of("thing") == "0 0 0 0 0 0 0 0 0");
    CHECK(all.left_of("other") == "3 2 1 1 1 1 0 4 0");
    CHECK(other == "3 2 1 1 1 1 1 4 3");
    CHECK(all.store.sql("select count(*) from pawl.page") == "4");
    CHECK(all.store.sql("select string_agg(table_name, ' ') from pawl.drift") == "other");
    CHECK(all.store.sql("select string_agg(stream || ' ' || kind, ', ' order by stream, kind) from pawl.spec") ==
          "other mapping, other request, thing mapping");
    CHECK(all.store.sql("select count(*) from api.thing") == "3");
    CHECK(all.store.sql("select body -> 'kept' from pawl.spec where stream = 'thing'") == "[3]");
    const auto after = all.verify();
    CHECK(before.findings.empty());
    for (const auto& finding : after.findings) FAIL_CHECK(finding.where + " " + finding.text);

    // Collected anew, the rows are there once, and the books agree again.
    std::shared_ptr<const core::SourceFile> file = all.source;
    (void)all.run(all.catalogue.register_source(file));
    all.store.sql("delete from pawl.partition where part = ''");
    all.walk("thing", "a", true);
    for (const auto& finding : all.verify().findings) FAIL_CHECK(finding.where + " " + finding.text);
}

TEST_CASE("a removal that is broken off after any step goes on, in steps of bounded size", "[storage][forget]") {
    Collected all;
    StreamRemoval::Bounds bounds{.partitions = 1, .slices = 1, .pages = 2};  // less than the pages of one walk
    StreamRemoval removal(all.store.database().pool(), bounds);
    int tries = 0;
    while (!all.remove(removal, "thing", 2 + tries)) {
        REQUIRE(++tries < 50);
        CHECK(all.store.sql("select count(*) from pawl.page g where not exists (select from pawl.v_slice s where s.slice_id = "
                            "g.slice_id)") == "0");
        CHECK(all.store.sql("select count(*) from pawl.v_slice s where not exists (select from pawl.partition p where "
                            "p.partition_id = s.partition_id)") == "0");
        CHECK(all.store.sql(
                  "select (select count(*) from api.thing) = (select coalesce((body -> 'kept' ->> 0)::int, 0) from pawl.spec "
                  "where stream = 'thing' and kind = 'mapping') + (select coalesce(sum(counts[2]), 0) from pawl.page g "
                  "join pawl.v_slice s using (slice_id) where s.stream = 'thing')") == "t");
    }
    CHECK(tries > 3);
    all.run(removal.remove_rest("api", {"thing"}));
    CHECK(all.left_of("thing") == "0 0 0 0 0 0 0 0 0");
}

TEST_CASE("tables are named with their rows and their other writers, and dropped all or none", "[storage][forget]") {
    Collected all;
    storage::KnownStreams known(all.store.database().pool());
    all.store.sql(
        "analyze api.thing; insert into pawl.spec (hash, kind, source, stream, body) values ('h', 'mapping', 'elsewhere', "
        "'copy', '{\"emits\":[{\"schema\":\"api\",\"table\":\"other\",\"key\":[]}]}')");
    const auto tables = all.run(known.tables("api", {"thing", "other"}));
    REQUIRE(tables.size() == 2);
    CHECK(tables[0].name() == "api.other");
    CHECK(tables[0].others == std::vector<std::string>{"elsewhere.copy"});
    CHECK_FALSE(tables[0].is_keyed);
    CHECK(tables[1].others.empty());
    CHECK(tables[1].rows == 3);
    CHECK(all.run(known.tables("api", {"thing"})).size() == 1);
    CHECK(all.run(known.sources()) == std::vector<std::string>{"api", "elsewhere"});
    CHECK(all.run(known.streams("api")) == std::vector<std::string>{"other", "thing"});
    const auto thing = all.run(known.stream("api", "thing"));
    CHECK(thing.partitions == 3);
    CHECK(thing.slices_open == 2);
    CHECK(thing.pages_open == 1);
    CHECK(thing.pages == 4);
    CHECK(thing.pages_per_walk == 3.0);
    CHECK(thing.dead_letters == 1);

    StreamRemoval removal(all.store.database().pool());
    all.store.sql("create view api.seen as select id from api.thing");
    CHECK(contains(test::message_of([&] { all.run(removal.drop_tables("api", {"thing", "other"}, tables)); }), "depend"));
    CHECK(all.store.sql("select to_regclass('api.other') is not null, to_regclass('api.thing') is not null") == "t t");
    all.store.sql("drop view api.seen");
    all.run(removal.drop_tables("api", {"thing"}, {tables[1]}));
    all.run(removal.drop_tables("api", {"thing"}, {tables[1]}));  // killed before it heard that it was done
    CHECK(all.store.sql("select to_regclass('api.thing') is null, to_regclass('api.other') is null") == "t f");
    CHECK(all.store.sql("select count(*) from pawl.spec where stream = 'thing' and kind = 'mapping'") == "0");
}

TEST_CASE("a whole source is forgotten with its configurations and tokens", "[storage][forget]") {
    Collected all;
    all.store.sql("insert into pawl.token (source, account, key_id) values ('api', 'me', 'k'), ('else', 'me', 'k')");
    StreamRemoval removal(all.store.database().pool());
    for (const std::string stream : {"thing", "other"}) REQUIRE(all.remove(removal, stream));
    all.run(removal.remove_rest("api", {"thing", "other"}));
    all.run(removal.remove_source("api"));
    CHECK(all.store.sql(
              "select (select count(*) from pawl.source), (select count(*) from pawl.source_epoch), (select count(*) from "
              "pawl.drift), (select string_agg(source, '') from pawl.token)") == "0 0 0 else");
    std::shared_ptr<const core::SourceFile> file = all.source;
    CHECK(all.run(all.catalogue.register_source(file)).is_new);
}
