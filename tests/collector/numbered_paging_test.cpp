#include "collector/numbered_paging.hpp"

#include <algorithm>
#include <set>

#include "collector/page_position.hpp"
#include "core/errors.hpp"
#include "core/random.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;

namespace {

constexpr const char* offsets = "{offset: {param: offset, limit_param: limit, limit: 5}}";
constexpr const char* counted_offsets = "{offset: {param: offset, limit_param: limit, limit: 5, total: $.total}}\n    records: $.items";
constexpr const char* counted_pages = "{page: {param: page, size_param: size, size: 5, last: $.pages}}\n    records: $.items";

std::shared_ptr<const core::SourceFile> keyless_list(const std::string& paginate) {
    return test::source_of("source: test\nbase_url: https://api.example.com\nstreams:\n  item:\n    path: /things\n    paginate: " +
                           paginate + "\n    emit: {table: item, set: {id: $.id}}\n");
}

/// An ordered list whose records come and go, as an API pages it.
class MovingList {
  public:
    explicit MovingList(int count) {
        for (int i = 0; i < count; ++i) ids_.push_back(10 * i);
    }
    std::vector<int>& ids() { return ids_; }

    std::string page(std::int64_t first, std::size_t size) const {
        std::string items;
        for (std::size_t i = 0; i < size && static_cast<std::size_t>(first) + i < ids_.size(); ++i)
            items += (i == 0 ? "" : ", ") + std::string("{\"id\": ") + std::to_string(ids_[static_cast<std::size_t>(first) + i]) + "}";
        const auto pages = (ids_.size() + size - 1) / size;
        return "{\"total\": " + std::to_string(ids_.size()) + ", \"pages\": " + std::to_string(pages) + ", \"items\": [" + items + "]}";
    }

  private:
    std::vector<int> ids_;
};

struct Walked {
    std::vector<int> seen;  ///< ids in the order they came
    std::vector<core::Shift> shifts;
    bool rewalk = false;
    int requests = 0;
};

constexpr std::size_t page_size = 5;

/// Walks `list` by follow_numbers alone; `meanwhile` happens between two pages.
Walked walk(const core::SourceFile& source, MovingList& list, const std::function<void(int)>& meanwhile) {
    const auto& stream = source.streams[0];
    const bool by_page = stream.paginate.kind == core::Pagination::Kind::page;
    Walked walked;
    std::optional<std::string> cursor;
    std::set<std::string> cursors;
    do {
        const auto number = cursor ? PagePosition::parse(*cursor).number : by_page ? 1 : 0;
        auto body = list.page(by_page ? (number - 1) * static_cast<std::int64_t>(page_size) : number, page_size);
        if (!stream.records) body = body.substr(body.find('['), body.size() - body.find('[') - 1);
        const auto document = core::JsonDocument::parse(body, {}, stream.paging_wanted.get());
        const auto whole = core::JsonDocument::parse(body);
        const auto items = stream.records ? whole.member(whole.root(), "items") : whole.root();
        for (auto item = whole.first_child(items); item != core::JsonDocument::none; item = whole.next(item))
            walked.seen.push_back(std::stoi(std::string(whole.raw(whole.member(item, "id")))));
        const Headers headers;
        PageRead page;
        page.cursor = cursor;
        page.headers = &headers;
        page.document = &document;
        const auto following = follow_numbers(stream, page);
        if (following.cursor) REQUIRE(cursors.insert(*following.cursor).second);  // else the ledger takes it for a cycle
        if (following.shift != core::Shift::none) walked.shifts.push_back(following.shift);
        walked.rewalk = following.rewalk;
        cursor = following.cursor;
        meanwhile(++walked.requests);
    } while (cursor && walked.requests < 1'000);
    return walked;
}

bool holds_all(const std::vector<int>& seen, const std::set<int>& wanted) {
    const std::set<int> found(seen.begin(), seen.end());
    return std::includes(found.begin(), found.end(), wanted.begin(), wanted.end());
}

std::set<int> set_of(const std::vector<int>& ids) { return {ids.begin(), ids.end()}; }

const auto nothing = [](int) {};

}  // namespace

TEST_CASE("a list by offset that stands still costs one record more a page", "[collector][paging]") {
    MovingList list(21);
    const auto source = test::source_paged(offsets);
    const auto walked = walk(*source, list, nothing);
    CHECK(holds_all(walked.seen, set_of(list.ids())));
    CHECK(walked.seen.size() == 21 + 5);  // pages begin at 0, 4, 8, 12, 16, 20
    CHECK(walked.requests == 6);
    CHECK(walked.shifts.empty());
    CHECK_FALSE(walked.rewalk);
    MovingList one(4);
    CHECK(walk(*source, one, nothing).requests == 2);
}

TEST_CASE("a record that goes before the next page makes a walk by offset step back", "[collector][paging]") {
    MovingList list(20);
    const auto source = test::source_paged(offsets);
    const auto walked = walk(*source, list, [&](int page) {
        if (page == 2) list.ids().erase(list.ids().begin(), list.ids().begin() + 3);
    });
    CHECK(holds_all(walked.seen, set_of(list.ids())));
    CHECK(walked.shifts == std::vector{core::Shift::reread});
    CHECK_FALSE(walked.rewalk);
}

TEST_CASE("a record that comes before the next page is told, and stored once by its key", "[collector][paging]") {
    MovingList list(20);
    const auto source = test::source_paged(offsets);
    const auto walked = walk(*source, list, [&](int page) {
        if (page == 2) list.ids().insert(list.ids().begin(), {1, 2});
    });
    CHECK(walked.shifts == std::vector{core::Shift::repeated});
    CHECK_FALSE(walked.rewalk);
}

TEST_CASE("without a key a list that moved is walked again", "[collector][paging]") {
    const auto source = keyless_list(counted_offsets);
    MovingList grown(20), shrunk(20), still(20);
    const auto more = walk(*source, grown, [&](int page) {
        if (page == 2) grown.ids().insert(grown.ids().begin(), 1);
    });
    CHECK(more.shifts == std::vector{core::Shift::repeated});
    CHECK(more.rewalk);
    const auto less = walk(*source, shrunk, [&](int page) {
        if (page == 2) shrunk.ids().erase(shrunk.ids().begin());
    });
    CHECK(less.shifts == std::vector{core::Shift::skipped});
    CHECK(less.rewalk);
    const auto same = walk(*source, still, nothing);
    CHECK(same.seen == still.ids());
    CHECK_FALSE(same.rewalk);
}

TEST_CASE("a number of pages that shrinks makes a walk by pages step back", "[collector][paging]") {
    MovingList list(21);
    const auto source = test::source_paged(counted_pages);
    const auto walked = walk(*source, list, [&](int page) {
        if (page == 3) list.ids().erase(list.ids().begin());
    });
    CHECK(holds_all(walked.seen, set_of(list.ids())));
    CHECK(walked.shifts == std::vector{core::Shift::reread});
    CHECK(walked.requests == 7);  // 1 2 3, 4 tells that a page is gone, 2 and 3 and 4 again
}

TEST_CASE("a last page that is gone while it is asked for is no end", "[collector][paging]") {
    MovingList list(21);
    const auto source = test::source_paged(counted_pages);
    const auto walked = walk(*source, list, [&](int page) {
        if (page == 4) list.ids().erase(list.ids().begin(), list.ids().begin() + 2);
    });
    CHECK(holds_all(walked.seen, set_of(list.ids())));
}

TEST_CASE("a total that falls without end is not run after", "[collector][paging]") {
    MovingList list(400);
    const auto source = test::source_paged(offsets);
    const auto walked = walk(*source, list, [&](int) {
        if (list.ids().size() > 60) list.ids().erase(list.ids().begin(), list.ids().begin() + 20);
    });
    CHECK(walked.requests < 200);
}

TEST_CASE("a list in another order for each request is not run after, and told", "[collector][paging]") {
    const auto source = test::source_paged(offsets);
    core::SeededRandom random(7);
    MovingList list(400);
    const auto walked = walk(*source, list, [&](int) {
        auto& ids = list.ids();
        for (std::size_t i = ids.size(); i > 1; --i) std::swap(ids[i - 1], ids[static_cast<std::size_t>(random.next() % i)]);
    });
    CHECK(walked.requests < 200);  // 100 would do
    CHECK(walked.rewalk);
}

TEST_CASE("a total that says nothing is none", "[collector][paging]") {
    const auto source = test::source_paged(counted_offsets);
    const Headers headers;
    const auto document = core::JsonDocument::parse(R"({"total": -1, "items": [{"id": 1}, {"id": 2}]})", {},
                                                    source->streams[0].paging_wanted.get());
    PageRead page;
    page.headers = &headers;
    page.document = &document;
    const auto following = follow_numbers(source->streams[0], page);
    REQUIRE(following.cursor);
    CHECK(PagePosition::parse(*following.cursor).number == 1);
}

TEST_CASE("whatever comes and goes, a walk by offset meets every record that stays", "[collector][paging][property]") {
    const auto source = test::source_paged(offsets);
    int moved = 0, rewalks = 0;
    for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
        core::SeededRandom random(seed);
        const auto below = [&](std::size_t bound) { return static_cast<std::size_t>(random.next() % bound); };
        MovingList list(static_cast<int>(below(60)));
        auto lasting = set_of(list.ids());
        const auto restless = below(4);
        int fresh = 100'001;
        const auto walked = walk(*source, list, [&](int page) {
            if (page > 60) return;
            for (std::size_t i = 0; i < below(1 + 2 * restless); ++i) {
                auto& ids = list.ids();
                const auto at = ids.begin() + static_cast<std::ptrdiff_t>(below(ids.size() + 1));
                if (random.next() % 2 == 0) {
                    ids.insert(at, fresh += 10);
                } else if (at != ids.end()) {
                    lasting.erase(*at);
                    ids.erase(at);
                }
            }
        });
        INFO("seed " << seed);
        REQUIRE(walked.requests < 1'000);
        if (!walked.rewalk) CHECK(holds_all(walked.seen, lasting));
        moved += walked.shifts.empty() ? 0 : 1;
        rewalks += walked.rewalk ? 1 : 0;
    }
    CHECK(moved > 500);
    CHECK(rewalks < 300);
}

TEST_CASE("a position keeps what it knows in its text", "[collector][paging]") {
    PagePosition position;
    position.number = 200;
    CHECK(position.str() == "200");
    position.size = 100;
    position.last = {0xfeedULL, 1};
    position.overlap = 1;
    position.total = 0;
    position.tries = 2;
    position.back = 4;
    position.reached = 9;
    position.repeated = position.skipped = true;
    CHECK(position.str() == "200;size=100;last=000000000000feed,0000000000000001;overlap=1;total=0;tries=2;back=4;reached=9;repeated;skipped");
    CHECK(PagePosition::parse(position.str()).str() == position.str());
    CHECK(PagePosition::parse("7;later").number == 7);
    for (const char* text : {"", "x", "7;size=x", "7;size=-1", "7;last=xyz", "7;last=1,2,3,4"})
        CHECK_THROWS_AS((void)PagePosition::parse(text), core::PermanentError);
}

TEST_CASE("a page that has not changed goes on as it did, but for what this walk has met", "[collector][paging]") {
    const auto source = keyless_list(counted_offsets);
    const auto following = follow_unchanged(source->streams[0], "5;repeated", "10;size=5");
    CHECK(following.cursor == "10;size=5;repeated");
    CHECK(follow_unchanged(source->streams[0], "5;repeated", std::nullopt).rewalk);
    CHECK_FALSE(follow_unchanged(source->streams[0], "5", std::nullopt).rewalk);
}
