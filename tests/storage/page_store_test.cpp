#include "storage/page_store.hpp"

#include <cstdlib>
#include <thread>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "tests/storage/pages.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/private_postgres.hpp"

using namespace pawl;
using storage::PageCommit;
using storage::Verdict;
using test::Chain;
using test::counts_of;
using test::page_of;
using test::Store;

namespace {

using Source = std::shared_ptr<core::SourceFile>;

/// Stream `thing` into table `thing` (id, name), and whatever `change` makes of it.
Source things(const std::function<void(core::Stream&)>& change = {}) {
    core::Stream stream = test::thing_stream();
    if (change) change(stream);
    return test::source_of({stream});
}

template <typename... Page>
std::vector<PageCommit> batch_of(Page... pages) {
    std::vector<PageCommit> batch;
    (batch.push_back(std::move(pages)), ...);
    return batch;
}

const core::Stream& first(const Source& source) { return source->streams.front(); }

std::string verdicts_of(const std::vector<storage::PageResult>& results) {
    std::string out;
    for (const auto& result : results)
        out += (out.empty() ? "" : " ") + std::string(storage::to_string(result.verdict));
    return out;
}

}  // namespace

TEST_CASE("a page that comes next is stored with its rows, its ledger row and the moved tip",
          "[page_store]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing");
    const auto result = store.commit_one(
        source,
        page_of(first(source), chain.next(), R"([{"id":1,"name":"a"},{"id":2,"name":"b"}])"));
    CHECK(result.verdict == Verdict::committed);
    CHECK(counts_of(result) == "2 2 0 0 0 0 0 0");
    CHECK(store.sql("select count(*), min(name), max(name) from api.thing") == "2 a b");
    CHECK(store.sql("select tip_seq, tip_cursor, records, inserted, tip_link = '" +
                    chain.link.str() + "' from pawl.slice") == "1 page 2 2 2 t");
    CHECK(store.sql("select seq, outcome, counts, cursor_out from pawl.page") ==
          "1 ok {2,2,0,0,0,0,0,0} page 2");
    CHECK(store.sql("select (select pg_typeof(id) from api.thing limit 1), count(*) from api.thing "
                    "where _pawl_page >> 20 = " +
                    std::to_string(chain.slice)) == "bigint 2");
    CHECK(store.sql("select pages, records, inserted from pawl.stream_total where writer = 0") ==
          "1 2 2");
}

TEST_CASE("the last page ends the slice and its partition's walk", "[page_store]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing");
    core::Job one = chain.next(), two = chain.next(true);
    one.validator_key = "k";
    one.etag = "\"e\"";
    const auto results =
        store.commit(source, batch_of(page_of(first(source), one, R"([{"id":1,"name":"a"}])"),
                                      page_of(first(source), two, R"([{"id":2,"name":"b"}])")));
    CHECK(verdicts_of(results) == "committed committed");
    CHECK(store.sql("select count(*) from pawl.slice") == "0");
    CHECK(
        store.sql("select state, outcome, tip_seq, finished_at is not null from pawl.slice_done") ==
        "done ok 2 t");
    CHECK(store.sql(
              "select walking, last_outcome, last_slice, next_due is null from pawl.partition") ==
          "f ok " + std::to_string(chain.slice) + " t");
    CHECK(store.sql("select outcome, slices from pawl.outcome_total") == "ok 1");
    CHECK(store.sql("select etag, page_id from pawl.validator") ==
          "\"e\" " + std::to_string(core::page_id(chain.slice, 1)));

    Chain again = store.open(*source, "thing");
    core::Job unchanged = again.next(true);
    unchanged.outcome = core::Outcome::not_modified;
    unchanged.status = 304;
    unchanged.validator_key = "k";
    unchanged.confirms = core::page_id(chain.slice, 1);
    PageCommit page;
    page.job = unchanged;
    CHECK(store.commit_one(source, std::move(page)).verdict == Verdict::committed);
    CHECK(store.sql("select outcome from pawl.slice_done order by slice_id desc") ==
          "not_modified");
    CHECK(store.sql("select count(*), min(etag), min(page_id) from pawl.validator") ==
          "1 \"e\" " + std::to_string(core::page_id(chain.slice, 1)));
}

TEST_CASE("a terminal outcome without a body is the slice's outcome", "[page_store]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing");
    PageCommit page;
    page.job = chain.next(true);
    page.job.outcome = core::Outcome::gone;
    page.job.status = 404;
    CHECK(store.commit_one(source, std::move(page)).verdict == Verdict::committed);
    CHECK(store.sql("select outcome from pawl.slice_done") == "gone");
    CHECK(store.sql("select outcome, status from pawl.page") == "gone 404");
}

TEST_CASE("pages that do not come next change nothing and are told apart", "[page_store]") {
    Store store;
    const Source source = things();
    const auto page = [&](const core::Job& job) {
        return page_of(first(source), job, R"([{"id":1,"name":"x"}])");
    };
    Chain chain = store.open(*source, "thing");
    Chain elsewhere = chain;
    const core::Job one = chain.next(), two = chain.next(), three = chain.next();
    CHECK(store.commit_one(source, page(one)).verdict == Verdict::committed);
    const std::string before = store.sql("select tip_seq, tip_link, records from pawl.slice");

    CHECK(store.commit_one(source, page(one)).verdict == Verdict::duplicate);
    const core::Job other_one = elsewhere.next(), other_two = elsewhere.next();
    CHECK(store.commit_one(source, page(other_one)).verdict == Verdict::superseded);
    CHECK(store.commit_one(source, page(other_two)).verdict == Verdict::fork);
    CHECK(store.commit_one(source, page(three)).verdict == Verdict::gap);
    core::Job stranger = two;
    stranger.slice = 999'999;
    CHECK(store.commit_one(source, page(stranger)).verdict == Verdict::unknown);
    CHECK(store.sql("select tip_seq, tip_link, records from pawl.slice") == before);
    CHECK(store.sql("select count(*) from pawl.page") == "1");

    store.sql("update pawl.slice set state = 'cancelled'");
    CHECK(store.commit_one(source, page(two)).verdict == Verdict::cancelled);
    store.sql("update pawl.slice set state = 'open'");
    CHECK(store.commit_one(source, page(two)).verdict == Verdict::committed);
}

TEST_CASE("a finished slice takes no more pages", "[page_store]") {
    Store store;
    const Source source = things();
    const auto page = [&](const core::Job& job) {
        return page_of(first(source), job, R"([{"id":1,"name":"x"}])");
    };
    Chain chain = store.open(*source, "thing");
    const core::Job only = chain.next(true), more = chain.next();
    CHECK(verdicts_of(store.commit(source, batch_of(page(only), page(more)))) ==
          "committed finished");
    CHECK(verdicts_of(store.commit(source, batch_of(page(only), page(more)))) ==
          "duplicate finished");
}

TEST_CASE("a cursor that comes back is a cycle: the slice is stuck, nothing is a dead letter",
          "[page_store]") {
    Store store;
    const Source source = things();
    const auto page = [&](const core::Job& job, int id) {
        return page_of(first(source), job, R"([{"id":)" + std::to_string(id) + R"(,"name":"x"}])");
    };
    Chain chain = store.open(*source, "thing"), other = store.open(*source, "thing", "2");
    const core::Job one = chain.next(), two = chain.next();
    core::Job three = chain.next();
    three.cursor = two.cursor;
    const auto results = store.commit(
        source, batch_of(page(one, 1), page(two, 2), page(three, 3), page(other.next(), 4)));
    CHECK(verdicts_of(results) == "committed committed stuck committed");
    CHECK(store.sql("select state, outcome, tip_seq from pawl.slice_done") == "stuck stuck 2");
    CHECK(store.sql("select walking, last_outcome from pawl.partition where part = ''") ==
          "f stuck");
    CHECK(store.sql("select count(*) from pawl.dead_letter") == "0");
    CHECK(store.sql("select string_agg(id::text, ',' order by id) from api.thing") == "1,2,4");
    CHECK(store.commit_one(source, page(chain.next(), 5)).verdict == Verdict::stuck);
}

TEST_CASE("one slice of a batch that fails does not hold the others up", "[page_store]") {
    Store store;
    const Source source = things();
    Chain good = store.open(*source, "thing", "1"), forked = store.open(*source, "thing", "2");
    core::SystemRandom random;
    core::Job fork = forked.next();
    fork.previous = core::Link::random(random);
    const core::Job one = good.next(), two = good.next();
    const auto results = store.commit(
        source,
        batch_of(page_of(first(source), fork, R"([{"id":9,"name":"no"}])"),
                 page_of(first(source), one, R"([{"id":1,"name":"a"}])"),
                 page_of(first(source), two, R"([{"id":2,"name":"b"},{"id":1,"name":"c"}])")));
    CHECK(verdicts_of(results) == "fork committed committed");
    CHECK(counts_of(results[1]) == "1 0 0 0 0 1 0 0");
    CHECK(counts_of(results[2]) == "2 2 0 0 0 0 0 0");
    CHECK(store.sql("select string_agg(id || name, ',' order by id) from api.thing") == "1c,2b");
}

TEST_CASE("a dead letter keeps the job and moves the tip past it", "[page_store]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing");
    PageCommit dead;
    dead.job = chain.next();
    dead.job.body = core::compress("not json");
    dead.dead_reason = "the body is not JSON";
    const auto results = store.commit(
        source, batch_of(std::move(dead),
                         page_of(first(source), chain.next(true), R"([{"id":1,"name":"a"}])")));
    CHECK(verdicts_of(results) == "committed committed");
    CHECK(store.sql("select seq, outcome from pawl.page order by seq") == "1 dead");
    CHECK(store.sql("select reason, state, octet_length(body) from pawl.dead_letter") ==
          "the body is not JSON dead " + std::to_string(core::compress("not json").size()));
    CHECK(store.sql("select outcome, dead from pawl.slice_done") == "ok 1");
    const core::Job again =
        core::Job::decode(store.sql("select envelope from pawl.dead_letter"), "");
    CHECK(again.seq == 1);
}

TEST_CASE("bad records are rejected one by one and the counts balance", "[page_store]") {
    Store store;
    const Source source = things([](core::Stream& stream) {
        stream.emits = {test::emit_of("thing", {"id"}, {"id", "name"})};
        stream.emits[0].columns[1].value = core::Expression::compile("$.name as bigint");
    });
    Chain chain = store.open(*source, "thing");
    const std::string key(3'000, 'k');
    auto page =
        page_of(first(source), chain.next(),
                R"([{"id":"a","name":1},{"id":"b","name":"x"},{"id":"c","name":{}},{"id":")" + key +
                    R"(","name":2},{"id":"a","name":3}])");
    page.rows.emits[0].rejected.push_back({"key is null", R"({"id":null})"});
    ++page.rows.emits[0].read;
    const auto result = store.commit_one(source, std::move(page));
    CHECK(result.verdict == Verdict::committed);
    CHECK(counts_of(result) == "6 1 0 0 0 1 4 0");
    CHECK(store.sql("select id, name from api.thing") == "a 3");
    CHECK(store.sql("select count(*), count(*) filter (where reason like 'column name:%does not "
                    "fit bigint'), "
                    "count(*) filter (where reason like 'the key is 3000 bytes%') from "
                    "pawl.rejected_record") == "4 2 1");
}

TEST_CASE("an older page never overwrites a newer one, whatever order they come in",
          "[page_store]") {
    Store store;
    const Source source = things();
    const auto page = [&](Chain& chain, std::int64_t at, const std::string& name) {
        return page_of(first(source), chain.next(false, at),
                       R"([{"id":1,"name":")" + name + R"("}])");
    };
    int part = 0;
    std::vector<int> order{1, 2, 3};
    // Contents A, B, A at times 1, 2, 3; the last is always A at 3, also when B comes after it.
    do {
        store.sql("drop table if exists api.thing");
        for (const int at : order) {
            Chain chain = store.open(*source, "thing", std::to_string(++part));
            CHECK(store.commit_one(source, page(chain, at, at == 2 ? "B" : "A")).verdict ==
                  Verdict::committed);
        }
        INFO("order " << order[0] << order[1] << order[2]);
        CHECK(store.sql("select name, _pawl_version from api.thing") == "A 3");
    } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("unchanged rows keep their time of loading and advance their version", "[page_store]") {
    Store store;
    const Source source = things();
    Chain one = store.open(*source, "thing", "1"), two = store.open(*source, "thing", "2"),
          three = store.open(*source, "thing", "3");
    (void)store.commit_one(source,
                           page_of(first(source), one.next(false, 10), R"([{"id":1,"name":"A"}])"));
    const std::string before = store.sql("select _pawl_loaded_at, _pawl_page from api.thing");
    CHECK(counts_of(store.commit_one(
              source, page_of(first(source), two.next(false, 30), R"([{"id":1,"name":"A"}])"))) ==
          "1 0 0 1 0 0 0 0");
    CHECK(store.sql("select _pawl_loaded_at, _pawl_page from api.thing") == before);
    CHECK(store.sql("select _pawl_version from api.thing") == "30");
    CHECK(counts_of(store.commit_one(
              source, page_of(first(source), three.next(false, 20), R"([{"id":1,"name":"B"}])"))) ==
          "1 0 0 0 1 0 0 0");
    CHECK(store.sql("select name from api.thing") == "A");
}

TEST_CASE("fill_null fills what is null and erases nothing", "[page_store]") {
    Store store;
    const Source source = things([](core::Stream& stream) {
        stream.emits.push_back(test::emit_of("thing", {"id"}, {"id", "name", "more"}));
        stream.emits[1].merge = core::Emit::Merge::fill_null;
    });
    Chain chain = store.open(*source, "thing");
    (void)store.commit_one(source, page_of(first(source), chain.next(),
                                           R"([{"id":1,"name":"rich"},{"id":2,"name":null}])"));
    const auto result = store.commit_one(
        source,
        page_of(
            first(source), chain.next(),
            R"([{"id":1,"name":"stub"},{"id":2,"name":null,"more":7},{"id":3},{"id":2,"name":"late"},{"id":3}])",
            1));
    CHECK(counts_of(result, 1) == "5 1 1 1 0 2 0 0");
    CHECK(
        store.sql(
            "select string_agg(concat_ws(' ', id, name, more), ', ' order by id) from api.thing") ==
        "1 rich, 2 late 7, 3");
    CHECK(store.sql("select count(*) from api.thing where _pawl_version is not null") == "2");
}

TEST_CASE("newest compares the rows' own versions", "[page_store]") {
    Store store;
    const Source source =
        things([](core::Stream& stream) { stream.emits[0].merge = core::Emit::Merge::newest; });
    Chain chain = store.open(*source, "thing");
    (void)store.commit_one(source,
                           page_of(first(source), chain.next(),
                                   R"([{"id":1,"name":"v5","v":5},{"id":1,"name":"v4","v":4}])"));
    const auto result = store.commit_one(
        source, page_of(first(source), chain.next(),
                        R"([{"id":1,"name":"v3","v":3},{"id":2,"name":"x","v":1}])"));
    CHECK(counts_of(result) == "2 1 0 0 1 0 0 0");
    CHECK(store.sql("select string_agg(name, ',' order by id) from api.thing") == "v5,x");
}

TEST_CASE("several emits into one table own what they set", "[page_store]") {
    Store store;
    core::Stream names = test::stream_named("names"), stars = test::stream_named("stars");
    names.emits = {test::emit_of("thing", {"id"}, {"id", "name"})};
    stars.emits = {test::emit_of("thing", {"id"}, {"id", "stars"})};
    const Source source = test::source_of({names, stars});
    Chain of_names = store.open(*source, "names"), of_stars = store.open(*source, "stars");
    const auto results = store.commit(
        source,
        batch_of(
            page_of(source->streams[1], of_stars.next(false, 20), R"([{"id":1,"stars":5}])"),
            page_of(source->streams[0], of_names.next(false, 10), R"([{"id":1,"name":"a"}])")));
    CHECK(verdicts_of(results) == "committed committed");
    CHECK(store.sql("select name, stars, _pawl_version, _pawl_version_stars from api.thing") ==
          "a 5 10 20");
}

TEST_CASE("replace_by deletes what a walk no longer sees, also when the answer is empty",
          "[page_store]") {
    Store store;
    const Source source = things([](core::Stream& stream) {
        stream.emits = {test::emit_of("topic", {"repo", "name"}, {"repo", "name"})};
        stream.emits[0].replace_by = {"repo"};
    });
    const auto page = [&](const core::Job& job, const std::string& json) {
        PageCommit made = page_of(first(source), job, json);
        core::Value repo;
        repo.kind = core::Value::Kind::number;
        repo.text = "7";
        made.rows.emits[0].replace_values = {repo};
        return made;
    };
    Chain walk1 = store.open(*source, "thing");
    const core::Job a = walk1.next(), b = walk1.next(true);
    (void)store.commit(source, batch_of(page(a, R"([{"repo":7,"name":"x"},{"repo":7,"name":"y"}])"),
                                        page(b, R"([{"repo":7,"name":"z"}])")));
    store.sql("insert into api.topic (repo, name, _pawl_page) values (8, 'other', 1)");
    CHECK(store.sql("select count(*) from api.topic") == "4");  // page 2 did not delete page 1

    Chain walk2 = store.open(*source, "thing");
    CHECK(counts_of(store.commit_one(
              source, page(walk2.next(true), R"([{"repo":7,"name":"y"}])"))) == "1 0 0 1 0 0 0 2");
    CHECK(store.sql("select string_agg(name, ',' order by name) from api.topic") == "other,y");

    Chain walk3 = store.open(*source, "thing");
    CHECK(counts_of(store.commit_one(source, page(walk3.next(true), "[]"))) == "0 0 0 0 0 0 0 1");
    CHECK(store.sql("select string_agg(name, ',') from api.topic") == "other");
}

TEST_CASE("an absent row is marked with the walk's time, whatever its merge, until it is seen again", "[page_store]") {
    using Merge = core::Emit::Merge;
    const auto merge = GENERATE(Merge::overwrite, Merge::newest, Merge::fill_null);
    Store store;
    const Source source = things([&](core::Stream& stream) {
        stream.emits = {test::emit_of("topic", {"id"}, {"repo", "id", "name"})};
        stream.emits.front().merge = merge;
        stream.emits.front().absent = core::Emit::Absent::mark;
        stream.emits.front().replace_by = {"repo"};
        if (merge == Merge::newest) stream.emits.front().newest = core::Expression::compile("$.v");
    });
    const auto page = [&](core::Job job, const std::string& rows, const std::string& repo) {
        PageCommit commit = page_of(first(source), std::move(job), rows);
        commit.rows.emits[0].replace_values = {{core::Value::Kind::number, std::nullopt, commit.rows.arena->keep(repo)}};
        return commit;
    };
    const auto marked = [&] {
        return store.sql("select string_agg(id || '@' || (extract(epoch from _pawl_deleted_at) * 1000000)::bigint, ' ' order by id) "
                         "from api.topic where _pawl_deleted_at is not null");
    };
    const std::string one = R"({"repo":1,"id":1,"name":"a","v":5})", two = R"({"repo":1,"id":2,"name":"b","v":5})";
    Chain walk = store.open(*source, "thing", "1"), other = store.open(*source, "thing", "2");
    (void)store.commit_one(source, page(walk.next(true, 1'000), "[" + one + "," + two + "]", "1"));
    (void)store.commit_one(source, page(other.next(true, 1'001), R"([{"repo":2,"id":3,"name":"c","v":5}])", "2"));
    CHECK(marked() == "");
    walk = store.open(*source, "thing", "1");
    const core::Job early = walk.next(false, 2'000), late = walk.next(true, 2'010);
    (void)store.commit_one(source, page(early, "[" + two + "]", "1"));
    CHECK(marked() == "");
    const auto last = store.commit_one(source, page(late, "[]", "1"));
    CHECK(counts_of(last) == "0 0 0 0 0 0 0 0");
    CHECK(marked() == "1@2010");
    CHECK(store.commit_one(source, page(late, "[]", "1")).verdict == Verdict::duplicate);
    walk = store.open(*source, "thing", "1");  // an older version of the row shows that it is there
    const auto back = store.commit_one(source, page(walk.next(true, 3'000), R"([{"repo":1,"id":1,"name":"a","v":4}])", "1"));
    CHECK(counts_of(back) == (merge == Merge::newest ? "1 0 0 0 1 0 0 0" : "1 0 0 1 0 0 0 0"));
    CHECK(marked() == "2@3000");
    walk = store.open(*source, "thing", "1");
    core::Job empty = walk.next(true, 4'000);
    empty.outcome = core::Outcome::empty;
    (void)store.commit_one(source, page(empty, "[]", "1"));
    CHECK(marked() == "1@4000 2@3000");
    walk = store.open(*source, "thing", "1");
    core::Job moved = walk.next(true, 5'000);
    moved.rewalk = true;
    (void)store.commit_one(source, page(moved, "[" + two + "]", "1"));
    CHECK(marked() == "1@4000");
    CHECK(store.sql("select sum(inserted), sum(rejected) from pawl.slice_done") == "3 0");
}

TEST_CASE("a keyless table is replaced at the end of each walk of its partition", "[page_store]") {
    Store store;
    const Source source =
        things([](core::Stream& stream) { stream.emits = {test::emit_of("event", {}, {"what"})}; });
    Chain walk1 = store.open(*source, "thing", "1"), other = store.open(*source, "thing", "2");
    const core::Job a = walk1.next(), b = walk1.next(true);
    const auto results = store.commit(
        source, batch_of(page_of(first(source), a, R"([{"what":"x"},{"what":"x"}])"),
                         page_of(first(source), b, R"([{"what":"y"},{"what":null}])"),
                         page_of(first(source), other.next(true), R"([{"what":"kept"}])")));
    CHECK(counts_of(results[0]) == "2 2 0 0 0 0 0 0");
    CHECK(counts_of(results[1]) == "2 2 0 0 0 0 0 0");
    CHECK(store.sql("select count(*), count(distinct _pawl_seq) from api.event") == "5 2");
    Chain walk2 = store.open(*source, "thing", "1");
    CHECK(counts_of(store.commit_one(source, page_of(first(source), walk2.next(true),
                                                     R"([{"what":"z"}])"))) == "1 1 0 0 0 0 0 4");
    CHECK(store.sql("select string_agg(what, ',' order by what) from api.event") == "kept,z");
}

TEST_CASE("an appended record is a row for each page that holds it, and the ledger balances", "[page_store]") {
    Store store;
    const Source source = things([](core::Stream& stream) {
        stream.emits = {test::emit_of("event", {}, {"what"})};
        stream.emits.front().merge = core::Emit::Merge::append;
    });
    for (int walk = 1; walk <= 2; ++walk) {
        Chain chain = store.open(*source, "thing", "1");
        const core::Job one = chain.next(), two = chain.next(true);
        const auto results = store.commit(source, batch_of(page_of(first(source), one, R"([{"what":"x"},{"what":"x"}])"),
                                                           page_of(first(source), two, R"([{"what":"y"}])")));
        CHECK(counts_of(results[0]) == "2 2 0 0 0 0 0 0");
        CHECK(counts_of(results[1]) == "1 1 0 0 0 0 0 0");
        CHECK(store.commit_one(source, page_of(first(source), two, R"([{"what":"y"}])")).verdict == Verdict::duplicate);
    }
    CHECK(store.sql("select string_agg(what, ',' order by what), count(distinct _pawl_slice) from api.event") == "x,x,x,x,y,y 2");
    CHECK(store.sql("select sum(inserted) from pawl.slice_done") == "6");
}

TEST_CASE("a walk that ends at a ceiling or by an expired cursor replaces a keyless table too", "[page_store]") {
    Store store;
    const Source source = things([](core::Stream& stream) { stream.emits = {test::emit_of("event", {}, {"what"})}; });
    const auto cut = [&](Chain& walk) {
        core::Job job = walk.next(true);
        job.outcome = core::Outcome::truncated;
        job.rewalk = true;
        return page_of(first(source), job, "[]");
    };
    Chain walk1 = store.open(*source, "thing", "1");
    const core::Job one = walk1.next();
    (void)store.commit(source, batch_of(page_of(first(source), one, R"([{"what":"x"}])"), cut(walk1)));
    CHECK(store.sql("select string_agg(what, ',' order by what) from api.event") == "x");
    CHECK(store.sql("select next_due is not null, rewalks from pawl.partition") == "t 1");
    Chain walk2 = store.open(*source, "thing", "1");
    (void)store.commit_one(source, page_of(first(source), walk2.next(), R"([{"what":"x"},{"what":"y"}])"));
    CHECK(store.sql("select string_agg(what, ',' order by what) from api.event") == "x,x,y");
    const auto result = store.commit_one(source, cut(walk2));
    CHECK(result.emits.at(0).deleted == 1);
    CHECK(store.sql("select string_agg(what, ',' order by what) from api.event") == "x,y");
    Chain walk3 = store.open(*source, "thing", "1");
    core::Job failed = walk3.next(true);
    failed.outcome = core::Outcome::failed;
    (void)store.commit_one(source, page_of(first(source), failed, "[]"));
    CHECK(store.sql("select string_agg(what, ',' order by what) from api.event") == "x,y");
}

TEST_CASE("parent rows make their children's partitions in the same transaction", "[page_store]") {
    Store store;
    core::Stream parent = test::stream_named("repos"), child = test::stream_named("stars");
    parent.emits = {test::emit_of("repo", {"id"}, {"id", "stars"})};
    child.foreach_.kind = core::Foreach::Kind::stream;
    child.foreach_.stream = "repos";
    child.foreach_.where = "stars > 0";
    child.parent_columns = {"id"};
    const Source source = test::source_of({parent, child});
    Chain chain = store.open(*source, "repos");
    (void)store.commit_one(source, page_of(source->streams[0], chain.next(true),
                                           R"([{"id":1,"stars":5},{"id":2,"stars":0}])"));
    CHECK(store.sql(
              "select part, state, walking, parent from pawl.partition where stream = 'stars'") ==
          "1 active t {\"id\": 1}");
    CHECK(store.sql("select count(*), min(parent::text) from pawl.slice where stream = 'stars'") ==
          "1 {\"id\": 1}");
}

TEST_CASE("children inherit the class of the slice that read their parent", "[page_store]") {
    Store store;
    const bool keyless = GENERATE(false, true);
    core::Stream parent = test::stream_named("repos"), child = test::stream_named("stars");
    parent.emits = {test::emit_of(
        "repo", keyless ? std::vector<std::string>{} : std::vector<std::string>{"id"}, {"id"})};
    child.foreach_.kind = core::Foreach::Kind::stream;
    child.foreach_.stream = "repos";
    child.foreach_.key_columns = {"id"};
    const Source source = test::source_of({parent, child});
    Chain backfill = store.open(*source, "repos", "1"), live = store.open(*source, "repos", "2");
    store.sql("update pawl.slice set class = 0 where slice_id = " + std::to_string(live.slice));
    std::vector<PageCommit> pages;
    pages.push_back(page_of(source->streams[0], backfill.next(true), R"([{"id":1},{"id":2}])"));
    pages.push_back(page_of(source->streams[0], live.next(true), R"([{"id":3}])"));
    for (const auto& result : store.commit(source, std::move(pages)))
        CHECK(result.verdict == Verdict::committed);
    CHECK(store.sql("select string_agg(part || ':' || class, ' ' order by part) from pawl.slice "
                    "join pawl.partition using (partition_id)") == "1:2 2:2 3:0");
}

TEST_CASE("two writers on the same keys keep every row and balance their counts", "[page_store][threads]") {
    Store store;
    const Source source = things();
    constexpr int rounds = 12, writers = 2, keys = 200;
    std::vector<Chain> chains;
    for (int writer = 0; writer < writers; ++writer)
        chains.push_back(store.open(*source, "thing", std::to_string(writer)));
    std::vector<std::string> problems(writers);
    std::vector<std::thread> threads;
    for (int writer = 0; writer < writers; ++writer)
        threads.emplace_back([&, writer] {
            storage::PgPageStore mine({store.database().url(), writers},
                                      std::make_shared<test::InlineOffload>());
            boost::asio::io_context io;
            for (int round = 0; round < rounds; ++round) {
                std::string json = "[";
                for (int i = 0; i < keys; ++i)
                    json += (i > 0 ? "," : "") + std::string(R"({"id":)") +
                            std::to_string((i * 37 + round) % keys) + R"(,"name":")" +
                            std::to_string(i % 3 == 0 ? round / 4 : writer) + "\"}";
                auto batch = std::make_shared<std::vector<PageCommit>>();
                batch->push_back(page_of(
                    first(source), chains[static_cast<std::size_t>(writer)].next(), json + "]"));
                const auto result = test::run_task(io, mine.commit(writer, source, batch)).at(0);
                const auto& c = result.verdict == Verdict::committed
                                    ? result.emits.at(0)
                                    : storage::PageResult::Counts{};
                if (c.read != keys ||
                    c.read != c.inserted + c.updated + c.same + c.stale + c.duplicate + c.rejected)
                    problems[static_cast<std::size_t>(writer)] +=
                        std::string(storage::to_string(result.verdict)) + " ";
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(problems == std::vector<std::string>(writers));
    CHECK(store.sql("select count(*) from api.thing") == std::to_string(keys));
    CHECK(store.sql("select sum(inserted) from pawl.slice") == std::to_string(keys));
    CHECK(store.sql("select tip_seq, (select tip_seq from pawl.slice order by 1 limit 1) from "
                    "pawl.slice") == "12 12");
}

TEST_CASE("a backend that is killed is told as transient, and the same batch goes in later",
          "[page_store][threads]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing");
    (void)store.commit_one(source,
                           page_of(first(source), chain.next(), R"([{"id":1,"name":"a"}])"));
    const core::Job two = chain.next();
    const auto page = [&] { return page_of(first(source), two, R"([{"id":2,"name":"b"}])"); };
    // The table is locked, so the writer waits in the middle of its transaction, and is killed
    // there.
    std::thread killer([&] {
        test::psql(
            store.database().url(),
            "begin; lock table api.thing; do $$ begin for i in 1..400 loop perform pg_sleep(0.01); "
            "perform pg_stat_clear_snapshot(); exit when (select count(pg_terminate_backend(pid)) "
            "from pg_stat_activity "
            "where wait_event_type = 'Lock' and datname = current_database()) > 0; end loop; end "
            "$$; rollback");
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    CHECK_THROWS_AS(store.commit_one(source, page()), core::TransientError);
    killer.join();
    CHECK(store.sql("select tip_seq from pawl.slice") == "1");
    CHECK(store.commit_one(source, page()).verdict == Verdict::committed);
    CHECK(store.commit_one(source, page()).verdict == Verdict::duplicate);
    CHECK(store.sql("select count(*) from api.thing") == "2");
}

TEST_CASE("wherever a commit breaks off, the same batch sent again is stored once",
          "[page_store]") {
    for (const std::string point : {"after_begin", "after_upsert", "after_cas", "before_commit",
                                    "after_commit_sent", "after_commit", "in_ddl"}) {
        Store store;
        const Source source = things();
        Chain chain = store.open(*source, "thing");
        const core::Job one = chain.next();
        const auto page = [&] { return page_of(first(source), one, R"([{"id":1,"name":"a"}])"); };
        ::setenv("PAWL_FAILPOINTS", (point + "=throw").c_str(), 1);
        core::arm_failpoints_from_environment();
        INFO(point);
        CHECK_THROWS_AS(store.commit_one(source, page()), core::TransientError);
        ::setenv("PAWL_FAILPOINTS", "", 1);
        core::arm_failpoints_from_environment();
        const auto verdict = store.commit_one(source, page()).verdict;
        const bool was_sent = point == "after_commit_sent" || point == "after_commit";
        CHECK(verdict == (was_sent ? Verdict::duplicate : Verdict::committed));
        CHECK(store.sql("select count(*), (select count(*) from pawl.page), (select tip_seq from "
                        "pawl.slice) from api.thing") == "1 1 1");
    }
}

TEST_CASE("what the database refuses for its own sake is found by halving", "[page_store]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing", "1"), other = store.open(*source, "thing", "2");
    (void)store.commit_one(source,
                           page_of(first(source), chain.next(), R"([{"id":1,"name":"a"}])"));
    store.sql("alter table api.thing add check (name <> 'bad')");
    const core::Job good = chain.next(), bad = chain.next(), after = chain.next(),
                    apart = other.next();
    const auto results =
        store.commit(source, batch_of(page_of(first(source), good, R"([{"id":2,"name":"b"}])"),
                                      page_of(first(source), bad, R"([{"id":3,"name":"bad"}])"),
                                      page_of(first(source), after, R"([{"id":4,"name":"d"}])"),
                                      page_of(first(source), apart, R"([{"id":5,"name":"e"}])")));
    CHECK(verdicts_of(results) == "committed unstorable gap committed");
    CHECK(test::contains(results[1].reason, "violates check constraint"));
    CHECK(store.sql("select string_agg(id::text, ',' order by id) from api.thing") == "1,2,5");
    PageCommit dead = page_of(first(source), bad, "[]");
    dead.dead_reason = results[1].reason;
    CHECK(verdicts_of(store.commit(
              source, batch_of(std::move(dead),
                               page_of(first(source), after, R"([{"id":4,"name":"d"}])")))) ==
          "committed committed");
}
