#include "storage/pg_catalogue.hpp"
#include "storage/pg_progress.hpp"
#include "storage/pg_verifier.hpp"
#include "tests/storage/pages.hpp"
#include "tests/support/catch.hpp"

// The catalogue, the writer and verify, together: what the writer commits to slices that the
// catalogue planned must be clean to verify, and what it finishes must be due again.

using namespace pawl;
using test::Chain;
using test::page_of;

namespace {

/// Stream `thing` with `label`s that are replaced as a whole, and a child `detail` for things with
/// stars.
std::shared_ptr<core::SourceFile> ledger_things() {
    core::Stream thing = test::stream_named("thing");
    thing.emits = {test::emit_of("thing", {"id"}, {"id", "name", "stars"})};
    core::Stream detail = test::stream_named("detail");
    detail.foreach_.kind = core::Foreach::Kind::stream;
    detail.foreach_.stream = "thing";
    detail.foreach_.where = "stars > 0";
    detail.parent_columns = {"id", "name"};
    detail.emits = {test::emit_of("detail", {"id"}, {"id", "note"})};
    return test::source_of({thing, detail});
}

struct Pipeline {
    test::Store store;
    std::shared_ptr<core::SourceFile> source;
    storage::PgCatalogue catalogue{store.database().pool()};

    explicit Pipeline(std::shared_ptr<core::SourceFile> chosen = ledger_things())
        : source(std::move(chosen)) {
        std::shared_ptr<const core::SourceFile> file = source;
        store.database().run(catalogue.register_source(file));
        store.database().run(catalogue.start_walks("api", {}, 100, core::SliceClass::live));
    }

    /// Open slices of `stream`, as a collector would go on with them.
    std::vector<Chain> open(const std::string& stream) {
        std::vector<Chain> chains;
        for (const auto& due :
             store.database().run(catalogue.due_slices("api", {}, core::Token{}, 100))) {
            if (due.slice.stream != stream) continue;
            Chain chain;
            chain.slice = due.slice.slice;
            chain.partition = due.slice.partition;
            chain.stream = stream;
            chain.seq = due.tip.seq;
            chain.link = due.tip.link;
            chain.cursor = due.tip.cursor.value_or("");
            chains.push_back(chain);
        }
        return chains;
    }
    void commit(Chain& chain, const std::string& json, bool last) {
        const auto result =
            store.commit_one(source, page_of(*source->find(chain.stream), chain.next(last), json));
        INFO(result.reason);
        REQUIRE(result.verdict == storage::Verdict::committed);
    }
    storage::VerifyReport verify() {
        storage::PgVerifier verifier(store.database().pool());
        return store.database().run(verifier.verify(source, "", {}));
    }
};

std::string findings_of(const storage::VerifyReport& report) {
    std::string text;
    for (const auto& finding : report.findings) text += finding.where + ": " + finding.text + "\n";
    return text;
}

}  // namespace

TEST_CASE("what was planned and committed is clean to verify at every step",
          "[storage][committed_ledger]") {
    Pipeline pipeline;
    auto chains = pipeline.open("thing");
    REQUIRE(chains.size() == 1);
    pipeline.commit(
        chains[0],
        R"([{"id":1,"name":"a","stars":3},{"id":2,"name":"b","stars":0},{"id":1,"name":"c","stars":4}])",
        false);
    auto report = pipeline.verify();
    INFO(findings_of(report));
    CHECK(report.findings.empty());
    REQUIRE(pipeline.open("detail").size() == 1);  // of thing 1, in the transaction of its page

    auto resumed = pipeline.open("thing");
    pipeline.commit(resumed[0], R"([{"id":2,"name":"b","stars":9},{"id":4,"name":"x","stars":1}])",
                    true);
    auto details = pipeline.open("detail");
    REQUIRE(details.size() == 3);
    for (Chain& detail : details) pipeline.commit(detail, R"([{"id":7,"note":"n"}])", true);
    report = pipeline.verify();
    INFO(findings_of(report));
    CHECK(report.findings.empty());
    CHECK(report.slices == 4);
    CHECK(report.pages == 5);
    CHECK(report.records == 8);
    CHECK(report.tables == 2);
    const auto left = pipeline.store.database().run(pipeline.catalogue.remaining("api", {}));
    CHECK(left.open_slices + left.due_partitions == 0);
}

TEST_CASE("dead and rejected pages are accounted for, and a finished stream falls due again",
          "[storage][committed_ledger]") {
    Pipeline pipeline;
    auto chains = pipeline.open("thing");
    pipeline.commit(chains[0],
                    R"([{"id":1,"name":"a","stars":0},{"id":null,"name":"no key","stars":0}])",
                    false);
    storage::PageCommit dead = page_of(*pipeline.source->find("thing"), chains[0].next(true), "[]");
    dead.dead_reason = "not readable";
    REQUIRE(pipeline.store.commit_one(pipeline.source, std::move(dead)).verdict ==
            storage::Verdict::committed);
    const auto report = pipeline.verify();
    INFO(findings_of(report));
    CHECK(report.findings.empty());
    CHECK(report.dead_letters == 1);
    auto& db = pipeline.store.database();
    storage::PgProgress progress(db.pool());
    const auto problems = db.run(progress.problems("api", 10));
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].outcome == core::Outcome::dead);
    CHECK(problems[0].reason == "not readable");
    CHECK(db.sql("select string_agg(coalesce(reason, '-'), ' ' order by seq) from pawl.page") ==
          "- not readable");
    CHECK(db.run(progress.tables("api")).at(0).rows == 1);
    CHECK(db.run(pipeline.catalogue.fall_due("api", {"thing"})) == 1);
    CHECK(db.run(pipeline.catalogue.start_walks("api", {}, 10, core::SliceClass::live)) == 1);
    CHECK(pipeline.verify().findings.empty());
}

TEST_CASE("how a walk ended is told in words with the problem", "[storage][committed_ledger]") {
    Pipeline pipeline;
    auto chains = pipeline.open("thing");
    core::Job job = chains[0].next(true);
    job.outcome = core::Outcome::failed;
    job.status = 400;
    job.reason = "HTTP 400: no such field";
    storage::PageCommit failed;
    failed.job = std::move(job);
    REQUIRE(pipeline.store.commit_one(pipeline.source, std::move(failed)).verdict ==
            storage::Verdict::committed);
    storage::PgProgress progress(pipeline.store.database().pool());
    const auto problems = pipeline.store.database().run(progress.problems("api", 10));
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].reason == "HTTP 400: no such field");
}

TEST_CASE("a record without any column is rejected and kept", "[storage][committed_ledger]") {
    core::Stream note = test::stream_named("note");
    core::Emit emit;
    emit.table = "note";
    emit.infer = true;
    note.emits = {emit};
    Pipeline pipeline(test::source_of({note}));
    auto chains = pipeline.open("note");
    REQUIRE(chains.size() == 1);
    pipeline.commit(chains[0], "[{}, {}]", true);
    auto& db = pipeline.store.database();
    CHECK(db.sql("select count(*), min(reason) from pawl.rejected_record") ==
          "2 no column has a value");
    const auto report = pipeline.verify();
    INFO(findings_of(report));
    CHECK(report.findings.empty());
}
