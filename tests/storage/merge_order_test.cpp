// What a table holds in the end does not depend on the order in which workers commit, nor on when a dead page is replayed.
#include <algorithm>
#include <map>
#include <set>

#include "storage/dead_letters.hpp"
#include "tests/storage/pages.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/property.hpp"

using namespace pawl;
using storage::PageCommit;
using storage::Verdict;
using test::Chain;
using test::Store;

namespace {

constexpr int keys_in_play = 3;
const std::vector<std::string> tables_in_play{"thing", "latest", "filled"};  // overwrite, newest, fill_null

/// What a record says of one key; "" is null.
struct Said {
    int key = 0, version = 0;
    std::string name, more;
};

struct Served {
    std::size_t stream = 0;
    std::vector<Said> records;
    bool dies = false;     ///< becomes a dead letter, replayed at the very end
    Chain chain;
    core::Job job;
};

std::shared_ptr<core::SourceFile> three_tables() {
    std::vector<core::Stream> streams;
    for (const auto& table : tables_in_play) {
        auto stream = test::stream_named(table);
        stream.emits = {test::emit_of(table, {"id"}, {"id", "name", "more"})};
        streams.push_back(stream);
    }
    streams[1].emits[0].merge = core::Emit::Merge::newest;
    streams[1].emits[0].newest = core::Expression::compile("$.v");
    streams[2].emits[0].merge = core::Emit::Merge::fill_null;
    return test::source_of(streams);
}

std::string quoted_or_null(const std::string& text) { return text.empty() ? "null" : "\"" + text + "\""; }

std::string json_of(const std::vector<Said>& records) {
    std::string json;
    for (const auto& said : records)
        json += (json.empty() ? "[" : ",") + std::string("{\"id\":") + std::to_string(said.key) + ",\"v\":" + std::to_string(said.version) +
                ",\"name\":" + quoted_or_null(said.name) + ",\"more\":" + quoted_or_null(said.more) + "}";
    return json.empty() ? "[]" : json + "]";
}

std::vector<Served> draw_pages() {
    const auto text = [] { return *rc::gen::element<std::string>("", "a", "b"); };
    std::vector<Served> pages(static_cast<std::size_t>(*rc::gen::inRange(2, 9)));
    for (auto& page : pages) {
        page.stream = static_cast<std::size_t>(*rc::gen::inRange(0, 3));
        page.records.resize(static_cast<std::size_t>(*rc::gen::inRange(1, 4)));
        // Versions of two pages differ, or a page that only confirms a row would have to be written down in it.
        const auto page_version = 10 * (1 + static_cast<int>(&page - pages.data()) * 7 % 11);
        for (auto& said : page.records)
            said = {*rc::gen::inRange(0, keys_in_play), page_version + *rc::gen::inRange(0, 2), text(), text()};
        page.dies = *rc::gen::inRange(0, 6) == 0;
    }
    return pages;
}

/// By table and key: "name more".
using Contents = std::map<std::pair<std::string, int>, std::string>;

std::string shown(const Said& said) { return (said.name.empty() ? "-" : said.name) + " " + (said.more.empty() ? "-" : said.more); }

/// What must be there: of what was said, the latest request (overwrite) or the highest version, then the later page (newest).
Contents expected_of(const std::vector<Served>& pages) {
    Contents expected;
    std::map<std::pair<std::string, int>, std::tuple<std::int64_t, std::int64_t, std::size_t>> best;
    for (const auto& page : pages)
        for (std::size_t i = 0; page.stream != 2 && i < page.records.size(); ++i) {
            const auto& said = page.records[i];
            const std::pair place{tables_in_play[page.stream], said.key};
            const std::tuple rank{page.stream == 0 ? page.job.requested_at : said.version, core::page_id(page.job.slice, page.job.seq), i};
            if (expected.contains(place) && rank < best[place]) continue;
            best[place] = rank;
            expected[place] = shown(said);
        }
    return expected;
}

Contents found_in(Store& store) {
    Contents found;
    for (const auto& table : {tables_in_play[0], tables_in_play[1]})
        for (int key = 0; key < keys_in_play; ++key) {
            const auto row = store.sql("select coalesce(name, '-') || ' ' || coalesce(more, '-') from api." + table + " where id = " +
                                       std::to_string(key));
            if (!row.empty()) found[{table, key}] = row;
        }
    return found;
}

/// fill_null: a column has a value as soon as anyone gave one, and one that somebody gave.
bool is_filled(Store& store, const std::vector<Served>& pages) {
    for (int key = 0; key < keys_in_play; ++key)
        for (const char* column : {"name", "more"}) {
            std::set<std::string> given;
            for (const auto& page : pages)
                for (const auto& said : page.records)
                    if (page.stream == 2 && said.key == key) given.insert(column == std::string("name") ? said.name : said.more);
            given.erase("");
            const auto there = store.sql("select " + std::string(column) + " from api.filled where id = " + std::to_string(key));
            if (given.empty() ? !there.empty() : !given.contains(there)) return false;
        }
    return true;
}

class Library {
  public:
    Library() : letters_(store_.database().pool()) {
        for (const auto& table : tables_in_play) {  // all are there, whatever is drawn
            Chain chain = store_.open(*source_, table, "first");
            (void)store_.commit_one(source_, test::page_of(*source_->find(table), chain.next(true), R"([{"id":99,"name":"x","more":"x","v":1}])"));
        }
    }
    Store& store() { return store_; }

    void clear() { store_.sql("truncate api.thing, api.latest, api.filled; delete from pawl.dead_letter"); }

    /// Each page is a walk of its own, asked for at `at`.
    void open(Served& page, std::int64_t at) {
        page.chain = store_.open(*source_, tables_in_play[page.stream], std::to_string(++part_));
        page.job = page.chain.next(true, at);
    }
    void commit(const std::vector<Served>& pages, const std::vector<std::size_t>& order, std::size_t batch) {
        for (std::size_t at = 0; at < order.size(); at += batch) {
            std::vector<PageCommit> together;
            for (std::size_t i = at; i < std::min(order.size(), at + batch); ++i) together.push_back(commit_of(pages[order[i]], true));
            for (const auto& result : store_.commit(source_, std::move(together))) RC_ASSERT(result.verdict == Verdict::committed);
        }
    }
    void replay_dead(const std::vector<Served>& pages) {
        for (const auto& letter : store_.database().run(letters_.list({}, 0, 100))) {
            const auto page = std::find_if(pages.begin(), pages.end(), [&](const Served& one) { return one.job.slice == letter.slice; });
            std::shared_ptr<const core::SourceFile> file = source_;
            RC_ASSERT(store_.database().run(letters_.replay(file, letter.id, commit_of(*page, false))).verdict == Verdict::committed);
        }
    }

  private:
    PageCommit commit_of(const Served& page, bool may_die) {
        if (!may_die || !page.dies)
            return test::page_of(*source_->find(tables_in_play[page.stream]), page.job, json_of(page.records));
        PageCommit dead;
        dead.job = page.job;
        dead.dead_reason = "not valid JSON";
        return dead;
    }

    Store store_;
    storage::DeadLetters letters_;
    std::shared_ptr<core::SourceFile> source_ = three_tables();
    int part_ = 0;
};

}  // namespace

TEST_CASE("of two records of one version the later page's holds, whichever is committed first", "[page_store]") {
    for (const bool later_first : {false, true}) {
        Library library;
        std::vector<Served> pages(2);
        for (auto& page : pages) page.stream = 1;
        pages[0].records = {{1, 7, "old", ""}};
        pages[1].records = {{1, 7, "new", ""}};
        for (std::size_t i = 0; i < pages.size(); ++i) library.open(pages[i], 1'000 + static_cast<std::int64_t>(i));
        library.commit(pages, later_first ? std::vector<std::size_t>{1, 0} : std::vector<std::size_t>{0, 1}, 1);
        CHECK(library.store().sql("select name from api.latest where id = 1") == "new");
    }
}

TEST_CASE("tables hold the same, whatever order pages are committed and replayed in", "[page_store][property]") {
    Library library;
    test::check_property(60, [&] {
        auto pages = draw_pages();
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
            RC_LOG() << "page " << at << (pages[at].dies ? ", dead," : "") << " into " << tables_in_play[pages[at].stream] << ": "
                     << json_of(pages[at].records) << "\n";
        RC_ASSERT(found_in(library.store()) == expected_of(pages));
        RC_ASSERT(is_filled(library.store(), pages));
    });
}
