// What a table with history holds follows from what was said and when, not from the order in which workers commit it.
#include "storage/history_statement.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "storage/dead_letters.hpp"
#include "storage/pg_catalogue.hpp"
#include "storage/pg_verifier.hpp"
#include "tests/storage/pages.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/property.hpp"

using namespace pawl;
using storage::PageCommit;
using storage::Verdict;
using test::Chain;
using test::counts_of;
using test::page_of;
using test::Store;

namespace {

/// What a record says of one key; "" is null. `version`: µs, where the stream declares it.
struct Sighting {
    int key = 0, version = 0;
    std::string name, more;
};

struct Shown {
    std::size_t stream = 0;
    std::vector<Sighting> records;
    bool dies = false;  ///< becomes a dead letter, replayed at the very end
    core::Job job;
};

const std::vector<std::string> streams_in_play{"asked", "declared"};

core::Stream history_of(const std::string& name, bool declares) {
    auto stream = test::stream_named(name);
    stream.emits = {test::emit_of(name, {"id"}, {"id", "name", "more"})};
    stream.emits[0].merge = core::Emit::Merge::history;
    if (declares) stream.emits[0].newest = core::Expression::compile("$.v");
    return stream;
}

std::string page_text(const std::vector<Sighting>& records) {
    const auto text = [](const std::string& value) { return value.empty() ? "null" : "\"" + value + "\""; };
    std::string json;
    for (const auto& said : records)
        json += (json.empty() ? "[" : ",") + std::string("{\"id\":") + std::to_string(said.key) + ",\"v\":" + std::to_string(said.version) +
                ",\"name\":" + text(said.name) + ",\"more\":" + text(said.more) + "}";
    return json.empty() ? "[]" : json + "]";
}

/// The plain model: sort by moment, take the later of two that speak of one, leave out what says nothing new.
std::string rows_expected(const std::vector<Shown>& pages, std::size_t stream) {
    std::map<int, std::map<std::int64_t, std::pair<std::tuple<std::int64_t, std::size_t>, std::string>>> said;
    for (const auto& page : pages)
        for (std::size_t i = 0; page.stream == stream && i < page.records.size(); ++i) {
            const auto& record = page.records[i];
            const auto at = stream == 0 ? page.job.requested_at : record.version;
            const std::tuple rank{core::page_id(page.job.slice, page.job.seq), i};
            auto& place = said[record.key][at];
            if (place.second.empty() || place.first < rank) place = {rank, "(" + record.name + "," + record.more + ")"};
        }
    std::string rows;
    for (const auto& [key, moments] : said) {
        std::vector<std::pair<std::int64_t, std::string>> runs;
        for (const auto& [at, what] : moments)
            if (runs.empty() || runs.back().second != what.second) runs.emplace_back(at, what.second);
        for (std::size_t i = 0; i < runs.size(); ++i)
            rows += std::to_string(key) + runs[i].second + std::to_string(runs[i].first) + ".." +
                    (i + 1 < runs.size() ? std::to_string(runs[i + 1].first) : "") + " ";
    }
    return rows;
}

class Archive {
  public:
    Archive() : letters_(store_.database().pool()) {
        storage::PgCatalogue catalogue(store_.database().pool());
        std::shared_ptr<const core::SourceFile> source = source_;
        store_.database().run(catalogue.register_source(source));
        for (const auto& name : streams_in_play) {
            Shown seed;
            seed.stream = name == "asked" ? 0 : 1;
            seed.records = {{99, 1, "x", "x"}};
            open(seed, 10);
            commit({seed}, {0}, 1);
        }
        clear();
    }
    Store& store() { return store_; }
    /// Each page is a walk of its own, asked for at `at`.
    void open(Shown& page, std::int64_t at) {
        Chain chain = store_.open(*source_, streams_in_play[page.stream], std::to_string(++part_));
        page.job = chain.next(true, at);
    }
    void commit(const std::vector<Shown>& pages, const std::vector<std::size_t>& order, std::size_t batch) {
        for (std::size_t at = 0; at < order.size(); at += batch) {
            std::vector<PageCommit> together;
            for (std::size_t i = at; i < std::min(order.size(), at + batch); ++i) together.push_back(commit_of(pages[order[i]], true));
            for (const auto& result : store_.commit(source_, std::move(together))) {
                if (result.verdict != Verdict::committed) throw std::runtime_error(result.reason);
                for (const auto& c : result.emits)
                    if (c.read != c.inserted + c.updated + c.same + c.stale + c.duplicate) throw std::runtime_error("does not balance");
            }
        }
    }
    void replay_dead(const std::vector<Shown>& pages) {
        for (const auto& letter : store_.database().run(letters_.list({}, 0, 100))) {
            const auto page = std::find_if(pages.begin(), pages.end(), [&](const Shown& one) { return one.job.slice == letter.slice; });
            std::shared_ptr<const core::SourceFile> file = source_;
            if (store_.database().run(letters_.replay(file, letter.id, commit_of(*page, false))).verdict != Verdict::committed)
                throw std::runtime_error("not replayed");
        }
    }
    std::string rows(std::size_t stream) {
        return store_.sql(
            "select string_agg(id || '(' || coalesce(name, '') || ',' || coalesce(more, '') || ')' || "
            "(extract(epoch from valid_from) * 1000000)::bigint || '..' || "
            "coalesce(((extract(epoch from valid_to) * 1000000)::bigint)::text, '') || ' ', '' order by id, valid_from) from api." +
            streams_in_play[stream]);
    }
    std::vector<std::string> differences() {
        storage::PgVerifier verifier(store_.database().pool());
        std::vector<std::string> told;
        for (const auto& finding : store_.database().run(verifier.verify(source_, "", {})).findings)
            if (finding.where.starts_with("table") || finding.text.find("counts") != std::string::npos) told.push_back(finding.text);
        return told;
    }
    void clear() {
        store_.sql("delete from api.asked; delete from api.declared; delete from pawl.dead_letter; delete from pawl.page; "
                   "delete from pawl.slice; delete from pawl.slice_done; delete from pawl.rejected_record");
    }

  private:
    PageCommit commit_of(const Shown& page, bool may_die) {
        if (!may_die || !page.dies) return page_of(*source_->find(streams_in_play[page.stream]), page.job, page_text(page.records));
        PageCommit dead;
        dead.job = page.job;
        dead.dead_reason = "not valid JSON";
        return dead;
    }

    Store store_;
    storage::DeadLetters letters_;
    std::shared_ptr<core::SourceFile> source_ = test::source_of({history_of("asked", false), history_of("declared", true)});
    int part_ = 0;
};

std::vector<Shown> draw_history() {
    const auto text = [] { return *rc::gen::element<std::string>("", "a", "b"); };
    std::vector<Shown> pages(static_cast<std::size_t>(*rc::gen::inRange(2, 9)));
    for (auto& page : pages) {
        page.stream = static_cast<std::size_t>(*rc::gen::inRange(0, 2));
        page.records.resize(static_cast<std::size_t>(*rc::gen::inRange(1, 4)));
        // As with `newest`: moments of two pages differ, or a page that shows nothing new would have to be written down.
        const auto moment = 10 * (1 + static_cast<int>(&page - pages.data()) * 7 % 11);
        for (auto& said : page.records) said = {*rc::gen::inRange(0, 2), moment + *rc::gen::inRange(0, 3), text(), ""};
        page.dies = *rc::gen::inRange(0, 6) == 0;
    }
    return pages;
}

}  // namespace

TEST_CASE("a changed row ends where the new one begins, and an unchanged one is left as it is", "[history]") {
    Store store;
    const auto source = test::source_of({history_of("asked", false)});
    const core::Stream& stream = source->streams.front();
    const auto commit = [&](std::int64_t at, const std::string& json) {
        Chain chain = store.open(*source, "asked", std::to_string(at));
        return counts_of(store.commit_one(source, page_of(stream, chain.next(true, at), json)));
    };
    CHECK(commit(1'700'000'000'000'001, R"([{"id":1,"name":"a"},{"id":2,"name":"x"}])") == "2 2 0 0 0 0 0 0");
    store.sql("update api.asked set _pawl_loaded_at = 'epoch'");
    CHECK(commit(1'700'000'000'000'002, R"([{"id":1,"name":"a"},{"id":2,"name":"y"}])") == "2 1 0 1 0 0 0 0");
    CHECK(store.sql("select string_agg(concat_ws(' ', id, name, extract(epoch from valid_from), coalesce(extract(epoch from valid_to), 0), "
                    "_pawl_loaded_at = 'epoch'), '; ' order by id, valid_from) from api.asked") ==
          "1 a 1700000000.000001 0 t; 2 x 1700000000.000001 1700000000.000002 f; 2 y 1700000000.000002 0 f");
    CHECK(store.sql("select string_agg(name, ',' order by id) from api.asked where valid_to is null") == "a,y");
    CHECK(store.sql("select count(*) from pg_index where indrelid = 'api.asked'::regclass and indisunique") == "2");
}

TEST_CASE("moments far from now arrive exactly", "[history]") {
    Store store;
    const auto source = test::source_of({history_of("declared", true)});
    Chain chain = store.open(*source, "declared");
    const std::vector<std::int64_t> moments{-62'135'596'800'000'000, -1, 0, 253'402'300'799'999'999};
    std::string json;
    for (std::size_t i = 0; i < moments.size(); ++i)
        json += (i == 0 ? "[" : ",") + std::string(R"({"id":1,"name":")") + std::to_string(i) + R"(","v":)" + std::to_string(moments[i]) + "}";
    CHECK(counts_of(store.commit_one(source, page_of(source->streams[0], chain.next(true), json + "]"))) == "4 4 0 0 0 0 0 0");
    CHECK(store.sql("select string_agg((extract(epoch from valid_from) * 1000000)::bigint::text, ' ' order by valid_from) from api.declared") ==
          "-62135596800000000 -1 0 253402300799999999");
}

TEST_CASE("five pages of one key make the same rows in each of their 120 orders", "[history][property]") {
    Archive library;
    const std::vector<std::vector<std::string>> stories{{"a", "b", "a", "a", "b"}, {"a", "a", "b", "a", "a"}};
    for (const auto& story : stories) {
        std::vector<std::size_t> order(story.size());
        std::iota(order.begin(), order.end(), 0);
        do {
            library.clear();
            std::vector<Shown> pages(story.size());
            for (std::size_t i = 0; i < pages.size(); ++i) {
                pages[i].records = {{1, 0, story[i], ""}};
                library.open(pages[i], 1'000 + 10 * static_cast<std::int64_t>(i));
            }
            library.commit(pages, order, 1);
            REQUIRE(library.rows(0) == rows_expected(pages, 0));
            if (test::cases_divisor > 1 && order[0] > 0) break;  // a fifth of them, where each takes so long
        } while (std::next_permutation(order.begin(), order.end()));
        CHECK(library.differences().empty());
    }
}

TEST_CASE("a table with history is the same, whatever order pages are committed and replayed in, and the ledger balances",
          "[history][property]") {
    Archive library;
    test::check_property(100, [&] {
        auto pages = draw_history();
        library.clear();
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < pages.size(); ++i) {  // Fisher and Yates, so that rapidcheck can make it smaller
            order.push_back(i);
            std::swap(order.back(), order[*rc::gen::inRange<std::size_t>(0, order.size())]);
        }
        for (std::size_t i = 0; i < pages.size(); ++i) library.open(pages[i], 1'000 + static_cast<std::int64_t>(i));
        library.commit(pages, order, *rc::gen::inRange<std::size_t>(1, 4));
        library.replay_dead(pages);
        for (std::size_t at = 0; at < pages.size(); ++at)  // what rapidcheck tells of a failing case
            RC_LOG() << "page " << at << (pages[at].dies ? ", dead," : "") << " into " << streams_in_play[pages[at].stream] << ": "
                     << page_text(pages[at].records) << "\n";
        for (const std::size_t stream : {0, 1}) RC_ASSERT(library.rows(stream) == rows_expected(pages, stream));
        RC_ASSERT(library.differences() == std::vector<std::string>{});
    });
}

TEST_CASE("a row that is unchanged for long keeps a bounded number of sightings, and ends where it must", "[history]") {
    Archive library;
    std::vector<Shown> pages(40);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < pages.size(); ++i) {
        pages[i].records = {{1, 0, i == 39 ? "b" : "a", ""}};
        library.open(pages[i], 1'000 + static_cast<std::int64_t>(i));
        order.push_back(i);
    }
    library.commit(pages, order, 1);
    CHECK(library.rows(0) == "1(a,)1000..1039 1(b,)1039.. ");
    CHECK(library.store().sql("select array_length(_pawl_sightings, 1), _pawl_sightings[1][1], _pawl_sightings[16][1] from api.asked "
                              "where name = 'a'") == "16 1000 1038");
    std::vector<Shown> late(1);
    late[0].records = {{1, 0, "c", ""}};
    library.open(late[0], 1'030);  // beside 1'030: the later page counts
    library.commit(late, {0}, 1);
    CHECK(library.rows(0) == "1(a,)1000..1030 1(c,)1030..1031 1(a,)1031..1039 1(b,)1039.. ");
    CHECK(library.differences().empty());
}

TEST_CASE("a row that is absent ends, and is a new one when it is back", "[history]") {
    Store store;
    auto stream = history_of("asked", false);
    stream.emits[0].absent = core::Emit::Absent::mark;
    const auto source = test::source_of({stream});
    const auto walk = [&](std::int64_t at, const std::string& json) {
        Chain chain = store.open(*source, "asked");
        return counts_of(store.commit_one(source, page_of(source->streams[0], chain.next(true, at), json)));
    };
    const auto rows = [&] {
        return store.sql("select string_agg(concat_ws(' ', id, name, (extract(epoch from valid_from) * 1000000)::bigint, "
                         "coalesce((extract(epoch from valid_to) * 1000000)::bigint::text, '-')), '; ' order by id, valid_from) from api.asked");
    };
    CHECK(walk(1'000, R"([{"id":1,"name":"a"},{"id":2,"name":"x"}])") == "2 2 0 0 0 0 0 0");
    CHECK(walk(2'000, R"([{"id":2,"name":"x"}])") == "1 0 0 1 0 0 0 0");
    CHECK(rows() == "1 a 1000 2000; 2 x 1000 -");
    CHECK(walk(3'000, R"([{"id":2,"name":"x"}])") == "1 0 0 1 0 0 0 0");
    CHECK(rows() == "1 a 1000 2000; 2 x 1000 -");
    CHECK(walk(4'000, R"([{"id":1,"name":"a"}])") == "1 1 0 0 0 0 0 0");
    CHECK(rows() == "1 a 1000 2000; 1 a 4000 -; 2 x 1000 4000");
    Chain other = store.open(*source, "asked", "another");  // late pages, of another partition: before, and within the gap
    (void)store.commit_one(source, page_of(source->streams[0], other.next(false, 1'500), R"([{"id":1,"name":"b"}])"));
    (void)store.commit_one(source, page_of(source->streams[0], other.next(false, 2'500), R"([{"id":1,"name":"c"}])"));
    (void)store.commit_one(source, page_of(source->streams[0], other.next(false, 3'500), R"([{"id":1,"name":"a"}])"));
    CHECK(rows() == "1 a 1000 1500; 1 b 1500 2000; 1 c 2500 3500; 1 a 3500 -; 2 x 1000 4000");
}
