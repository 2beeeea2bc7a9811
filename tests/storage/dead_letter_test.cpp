#include "storage/dead_letters.hpp"

#include <thread>

#include "tests/storage/pages.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using storage::DeadLetters;
using storage::PageCommit;
using storage::Verdict;
using test::Chain;
using test::page_of;
using test::Store;

namespace {

using Source = std::shared_ptr<core::SourceFile>;

Source things(const std::function<void(core::Stream&)>& change = {}) {
    core::Stream stream = test::thing_stream();
    if (change) change(stream);
    core::Stream below = test::stream_named("below");
    below.foreach_.kind = core::Foreach::Kind::stream;
    below.foreach_.stream = "thing";
    below.parent_columns = {"id"};
    return test::source_of({stream, below});
}

PageCommit dead(const core::Job& job) {
    PageCommit page;
    page.job = job;
    page.dead_reason = "not valid JSON at byte 7";
    return page;
}

/// What a fixed mapping makes of the page now.
PageCommit mended(const Source& source, const core::Job& job, const std::string& rows) {
    return page_of(source->streams.front(), job, rows);
}

struct Letters {
    explicit Letters(Store& store) : store_(store), letters_(store.database().pool()) {}

    std::vector<storage::DeadLetter> list(storage::DeadLetterChoice choice = {}) {
        return store_.database().run(letters_.list(std::move(choice), 0, 100));
    }
    storage::PageResult replay(const Source& source, std::int64_t id, PageCommit page) {
        std::shared_ptr<const core::SourceFile> file = source;
        return store_.database().run(letters_.replay(file, id, std::move(page)));
    }
    std::optional<core::Job> job(std::int64_t id) { return store_.database().run(letters_.job(id)); }
    std::int64_t drop(std::vector<std::int64_t> ids) { return store_.database().run(letters_.drop(std::move(ids))); }

  private:
    Store& store_;
    DeadLetters letters_;
};

const std::string books =
    "select s.state, s.outcome, s.records, s.inserted, s.dead, (select string_agg(outcome, '+' order by seq) from pawl.page), "
    "(select sum(dead) from pawl.stream_total), (select sum(records) from pawl.stream_total) from pawl.v_slice s "
    "where s.stream = 'thing'";

}  // namespace

TEST_CASE("dead letters are listed by what they are chosen by, and keep the whole job", "[dead_letters]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing");
    auto job = chain.next();
    job.body = std::string("\x28\xb5\x2f\xfd\0\x01", 6);
    job.url = "https://api/things?page=1";
    (void)store.commit_one(source, dead(job));
    Letters letters(store);
    const auto all = letters.list();
    REQUIRE(all.size() == 1);
    CHECK(all[0].stream == "thing");
    CHECK(all[0].seq == 1);
    CHECK(all[0].url == "https://api/things?page=1");
    CHECK(all[0].bytes == 6);
    CHECK(letters.list({.reason = "VALID json"}).size() == 1);
    CHECK(letters.list({.reason = "other"}).empty());
    CHECK(letters.list({.stream = "below"}).empty());
    CHECK(letters.list({.ids = {all[0].id + 1}}).empty());
    const auto kept = letters.job(all[0].id);
    REQUIRE(kept);
    CHECK(kept->body == job.body);
    CHECK(kept->encode_envelope() == job.encode_envelope());
    CHECK_FALSE(letters.job(all[0].id + 1));
}

TEST_CASE("a replayed page is stored once, with its rows, children and books", "[dead_letters]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing");
    const auto one = chain.next(), two = chain.next(true);
    (void)store.commit_one(source, dead(one));
    (void)store.commit_one(source, mended(source, two, R"([{"id":9,"name":"z"}])"));
    CHECK(store.sql(books) == "done ok 1 1 1 dead+ok 1 1");
    Letters letters(store);
    const auto id = letters.list().at(0).id;
    const std::string rows = R"([{"id":1,"name":"a"},{"id":2,"name":"b"}])";
    CHECK(letters.replay(source, id, mended(source, one, rows)).verdict == Verdict::committed);
    CHECK(store.sql("select count(*), min(name) from api.thing") == "3 a");
    CHECK(store.sql(books) == "done ok 3 3 0 ok+ok 0 3");
    CHECK(store.sql("select count(*) from pawl.slice where stream = 'below'") == "3");
    CHECK(letters.list().empty());
    CHECK(letters.list({.only_dead = false}).at(0).state == "replayed");
    CHECK(letters.replay(source, id, mended(source, one, rows)).verdict == Verdict::duplicate);
    CHECK(store.sql(books) == "done ok 3 3 0 ok+ok 0 3");
    CHECK(store.sql("select count(*) from pawl.slice where stream = 'below'") == "3");
}

TEST_CASE("a walk that ended as dead is ok once its last page is replayed", "[dead_letters]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing");
    const auto only = chain.next(true);
    (void)store.commit_one(source, dead(only));
    CHECK(store.sql(books) == "done dead 0 0 1 dead 1 0");
    Letters letters(store);
    CHECK(letters.replay(source, letters.list().at(0).id, mended(source, only, R"([{"id":1,"name":"a"}])")).verdict ==
          Verdict::committed);
    CHECK(store.sql(books) == "done ok 1 1 0 ok 0 1");
    CHECK(store.sql("select string_agg(outcome || ' ' || slices, ', ' order by outcome) from (select outcome, sum(slices) as "
                    "slices from pawl.outcome_total where stream = 'thing' group by 1) as t") == "dead 0, ok 1");
    CHECK(store.sql("select last_outcome from pawl.partition where stream = 'thing'") == "ok");
}

TEST_CASE("a replayed page overwrites nothing newer", "[dead_letters]") {
    Store store;
    const Source source = things();
    Chain old_walk = store.open(*source, "thing", "1"), new_walk = store.open(*source, "thing", "2");
    const auto early = old_walk.next(true, 100);
    (void)store.commit_one(source, dead(early));
    (void)store.commit_one(source, mended(source, new_walk.next(true, 200), R"([{"id":1,"name":"new"}])"));
    Letters letters(store);
    const auto result = letters.replay(source, letters.list().at(0).id,
                                       mended(source, early, R"([{"id":1,"name":"old"},{"id":2,"name":"only here"}])"));
    CHECK(test::counts_of(result) == "2 1 0 0 1 0 0 0");
    CHECK(store.sql("select string_agg(name, ',' order by id) from api.thing") == "new,only here");
}

TEST_CASE("what a newer walk has replaced as a whole is not brought back", "[dead_letters]") {
    Store store;
    const Source source = things([](core::Stream& stream) { stream.emits.front().key.clear(); });
    Chain first_walk = store.open(*source, "thing");
    const auto early = first_walk.next(true);
    (void)store.commit_one(source, dead(early));
    Chain second_walk = store.open(*source, "thing");
    (void)store.commit_one(source, mended(source, second_walk.next(true), R"([{"id":1,"name":"b"}])"));
    Letters letters(store);
    const auto id = letters.list().at(0).id;
    CHECK(letters.replay(source, id, mended(source, early, R"([{"id":1,"name":"a"}])")).verdict == Verdict::superseded);
    CHECK(store.sql("select string_agg(name, ',') from api.thing") == "b");
    CHECK(letters.list().size() == 1);
}

TEST_CASE("a page that is appended late is appended once, whatever walks came since", "[dead_letters]") {
    Store store;
    const Source source = things([](core::Stream& stream) {
        stream.emits.front().key.clear();
        stream.emits.front().merge = core::Emit::Merge::append;
    });
    Chain first_walk = store.open(*source, "thing");
    const auto early = first_walk.next(true);
    (void)store.commit_one(source, dead(early));
    Chain second_walk = store.open(*source, "thing");
    (void)store.commit_one(source, mended(source, second_walk.next(true), R"([{"id":1,"name":"b"}])"));
    Letters letters(store);
    const auto id = letters.list().at(0).id;
    CHECK(letters.replay(source, id, mended(source, early, R"([{"id":1,"name":"a"}])")).verdict == Verdict::committed);
    CHECK(letters.replay(source, id, mended(source, early, R"([{"id":1,"name":"a"}])")).verdict == Verdict::duplicate);
    CHECK(store.sql("select string_agg(name, ',' order by name) from api.thing") == "a,b");
}

TEST_CASE("two that replay the same letter at once store it once", "[dead_letters][threads]") {
    Store store;
    const Source source = things([](core::Stream& stream) { stream.emits.front().key.clear(); });
    Chain chain = store.open(*source, "thing");
    const auto job = chain.next();
    (void)store.commit_one(source, dead(job));
    const auto id = Letters(store).list().at(0).id;
    std::vector<std::thread> threads;
    std::atomic<int> committed = 0, late = 0;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&] {
            storage::BatchWriter writer({store.database().url(), 1'000, core::Millis(60'000)}, std::make_shared<storage::Tables>());
            auto page = mended(source, job, R"([{"id":1,"name":"a"}])");
            const auto result = writer.replay(*source, id, page);
            ++(result.verdict == Verdict::committed ? committed : late);
        });
    for (auto& thread : threads) thread.join();
    CHECK(committed == 1);
    CHECK(late == 1);
    CHECK(store.sql("select count(*) from api.thing") == "1");
}

TEST_CASE("what is dropped is not stored, and what still cannot be stored stays dead", "[dead_letters]") {
    Store store;
    const Source source = things();
    Chain chain = store.open(*source, "thing");
    const auto one = chain.next(), two = chain.next();
    (void)store.commit_one(source, dead(one));
    (void)store.commit_one(source, dead(two));
    Letters letters(store);
    const auto all = letters.list();
    REQUIRE(all.size() == 2);
    CHECK(letters.drop({all[0].id}) == 1);
    CHECK(letters.drop({all[0].id}) == 0);
    CHECK(letters.replay(source, all[0].id, mended(source, one, R"([{"id":1,"name":"a"}])")).verdict == Verdict::duplicate);
    (void)store.commit_one(source, mended(source, chain.next(), R"([{"id":5,"name":"x"}])"));
    store.sql("alter table api.thing add constraint short check (length(name) < 3)");
    const auto result = letters.replay(source, all[1].id, mended(source, two, R"([{"id":1,"name":"too long"}])"));
    CHECK(result.verdict == Verdict::unstorable);
    CHECK(letters.list().size() == 1);
    CHECK(store.sql("select count(*) from api.thing") == "1");
}
