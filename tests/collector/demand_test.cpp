#include "collector/demand.hpp"

#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using storage::SliceSum;
using storage::SourceBacklog;

namespace {

std::shared_ptr<const core::SourceFile> github_like(const std::string& list = "[1, 2, 3]") {
    return test::source_of(
        "source: s\nbase_url: https://api.test\nstreams:\n"
        "  repos:\n    foreach: {list: " + list + ", as: id}\n    path: /repos/{id}\n"
        "    emit: {table: repo, key: id, set: {id: $.id, stars: $.stars}}\n"
        "  fans:\n    foreach: {stream: repos}\n    path: /fans/{id}\n    query: {per_page: 10}\n"
        "    paginate: {type: link, max_pages: 40}\n"
        "    emit: {table: person, key: id, set: {id: $.id}}\n"
        "  people:\n    foreach: {table: person}\n    path: /people/{id}\n"
        "    emit: {table: person, key: id, set: {id: $.id}}\n");
}

/// Slices all of which are told, `requests` together.
SliceSum told_sum(std::int64_t slices, std::int64_t requests, std::int64_t longest = 1) {
    return {slices, slices, requests, longest, 0};
}
SliceSum untold_sum(std::int64_t slices, std::int64_t pages = 0) { return {slices, 0, 0, 0, pages}; }

/// The streams of github_like, none with anything to do.
SourceBacklog nothing() {
    SourceBacklog backlog;
    for (const char* name : {"repos", "fans", "people"}) {
        backlog.streams.emplace_back();
        backlog.streams.back().stream = name;
    }
    return backlog;
}

}  // namespace

TEST_CASE("before the first run the file alone says what is known, and words what is not", "[collector][demand]") {
    const auto demands = demands_of(*github_like(), {}, nothing(), Round::next);
    REQUIRE(demands.size() == 3);
    CHECK(demands[0].slices == 3);
    CHECK(demands[0].requests == 3);
    CHECK(demands[0].unknown.empty());
    CHECK(demands[1].requests == 0);
    CHECK(demands[1].unknown == "not known before `repos` has run");
    CHECK(demands[2].requests == 0);
    CHECK(demands[2].unknown == "not known before `fans` has run");
    // What is there already asks for nothing before the next round.
    CHECK(demands_of(*github_like(), {}, nothing(), Round::present)[0].requests == 0);
    CHECK(demands_of(*github_like("[1, 1, 2]"), {}, nothing(), Round::next)[0].slices == 2);
}

TEST_CASE("unfinished work is gone on with, and keeps a new round back", "[collector][demand]") {
    auto backlog = nothing();
    backlog.streams[0].partitions = 3;
    backlog.streams[0].resting = told_sum(3, 3);
    backlog.streams[1].open = told_sum(5, 120, 40);
    backlog.streams[2].rows = told_sum(8, 8);
    const auto demands = demands_of(*github_like(), {}, backlog, Round::next);
    CHECK(demands[0].requests == 0);
    CHECK(demands[1].slices == 5);
    CHECK(demands[1].requests == 120);
    CHECK(demands[1].longest == 40);
    CHECK(demands[1].unknown.empty());  // its parent does not run
    CHECK(demands[2].requests == 8);
    CHECK(demands[2].unknown == "more come from `fans`");
}

TEST_CASE("where nothing is unfinished a new round begins with the roots", "[collector][demand]") {
    auto backlog = nothing();
    backlog.streams[0].partitions = 3;
    backlog.streams[0].resting = told_sum(3, 3);
    backlog.streams[1].resting = told_sum(5, 120, 40);
    const auto demands = demands_of(*github_like(), {}, backlog, Round::next);
    CHECK(demands[0].requests == 3);
    CHECK(demands[1].requests == 120);  // as its rows are seen again
    CHECK(demands[1].unknown.empty());
    CHECK(demands[1].note == "as many as before; new rows of `repos` come on top");
    CHECK(demands_of(*github_like(), {}, backlog, Round::present)[0].requests == 0);
    // An entry that the catalogue does not have is due at once, and is then all there is to do.
    const auto grown = demands_of(*github_like("[1, 2, 3, 4]"), {}, backlog, Round::next);
    CHECK(grown[0].requests == 1);
    CHECK(grown[1].requests == 0);
    CHECK(grown[1].unknown == "not known before `repos` has run");
}

TEST_CASE("streams that are named are all there is", "[collector][demand]") {
    auto backlog = nothing();
    backlog.streams.erase(backlog.streams.begin());
    backlog.streams.pop_back();
    backlog.streams[0].resting = told_sum(5, 120, 40);
    const auto demands = demands_of(*github_like(), {"fans"}, backlog, Round::next);
    REQUIRE(demands.size() == 1);
    CHECK(demands[0].requests == 120);
    CHECK(demands[0].unknown.empty());
    CHECK(demands[0].note.empty());
}

TEST_CASE("without a count walks are taken to be as long as they were, else it is said", "[collector][demand]") {
    auto backlog = nothing();
    auto& fans = backlog.streams[1];
    fans.open = untold_sum(10, 4);
    auto demand = demands_of(*github_like(), {}, backlog, Round::present)[1];
    CHECK(demand.requests == 10);
    CHECK(demand.unknown == "pages of a walk are not known before the first has ended");
    fans.ended_slices = 100;
    fans.ended_pages = 350;
    demand = demands_of(*github_like(), {}, backlog, Round::present)[1];
    CHECK(demand.requests == 31);  // 10 × 3.5, less the 4 that are there
    CHECK(demand.longest == 4);
    CHECK(demand.unknown.empty());
    CHECK(demand.note == "pages of a walk as on average before");
    fans.ended_pages = 1'000'000;  // never beyond max_pages
    CHECK(demands_of(*github_like(), {}, backlog, Round::present)[1].requests == 396);
}
