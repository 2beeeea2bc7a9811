// What every adapter of storage/catalogue.hpp and storage/page_store.hpp does with streams that ask only for what is new.
#include "tests/storage/stores.hpp"

namespace pawl::test {

namespace {

using core::Incremental;
using core::Window;

/// Numbers from 0 to 30 in windows of ten.
Incremental tens() {
    Incremental tens;
    tens.kind = Incremental::Kind::window;
    tens.numeric = true;
    tens.start = 0;
    tens.end = 30;
    tens.step = 10;
    tens.from_into.query = "from";
    return tens;
}

Incremental since(const std::string& field = "$.id") {
    Incremental since;
    since.kind = Incremental::Kind::since;
    since.numeric = true;
    since.field = core::Expression::compile(field);
    since.into.query = "since";
    return since;
}

core::Stream items_of(Incremental incremental, std::vector<std::string> entries = {R"({"id": 1})"}) {
    core::Stream stream = items(std::move(entries));
    stream.incremental = std::move(incremental);
    return stream;
}

std::vector<Window> windows_of(const std::vector<DueSlice>& due) {
    std::vector<Window> windows;
    for (const auto& one : due) windows.push_back(one.slice.window);
    return windows;
}

template <typename Session>
void end(Session& session, const DueSlice& due, core::Outcome outcome = core::Outcome::ok, bool split = false,
         std::optional<std::int64_t> mark = std::nullopt) {
    auto chain = session.chain_of(due);
    auto job = chain.next(true);
    job.outcome = outcome;
    job.split = split;
    job.window = due.slice.window;
    auto page = outcome == core::Outcome::ok ? session.page(job) : PageCommit{job, {}, {}};
    page.rows.mark = mark;
    CHECK(session.commit(std::move(page)).verdict == Verdict::committed);
}

template <typename Session>
std::int64_t due_partitions(Session& session) {
    return session.run(session.stores().catalogue().remaining("api", {})).due_partitions;
}

}  // namespace

TEMPLATE_TEST_CASE("a walk of windows has a slice for each, and ends with the last of them", "[store_contract][incremental]",
                   PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items_of(tens())});
    CHECK(session.start() == 1);
    const auto due = session.due();
    CHECK(windows_of(due) == std::vector<Window>{{0, 10}, {10, 20}, {20, 30}});
    CHECK(due[0].slice.begun > 0);
    end(session, due[1]);
    CHECK(session.fall_due() == 0);
    end(session, due[0]);
    CHECK(session.fall_due() == 0);
    end(session, due[2]);
    CHECK(due_partitions(session) == 0);
    CHECK(session.fall_due() == 1);
    CHECK(session.start() == 1);  // nothing is new: it has ended at once
    CHECK(session.due().empty());
    CHECK(due_partitions(session) == 0);
    CHECK(session.fall_due() == 1);
}

TEMPLATE_TEST_CASE("windows go on from the mark, and from what comes late before it", "[store_contract][incremental]",
                   PAWL_STORES) {
    Session<TestType> session;
    auto grown = tens();
    session.register_source({items_of(grown)});
    session.start();
    for (const auto& due : session.due()) end(session, due);
    grown.end = 45;
    grown.lookback = 15;
    grown.newest_windows_first = true;
    session.register_source({items_of(grown)});
    CHECK(session.fall_due() == 1);
    CHECK(session.start() == 1);
    CHECK(windows_of(session.due()) == std::vector<Window>{{40, 45}, {30, 40}, {20, 30}, {15, 20}});
}

TEMPLATE_TEST_CASE("the mark stays before a window that did not end well", "[store_contract][incremental]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items_of(tens())});
    session.start();
    const auto due = session.due();
    end(session, due[2]);
    end(session, due[1], core::Outcome::failed);
    end(session, due[0]);
    session.fall_due();
    session.start();
    CHECK(windows_of(session.due()) == std::vector<Window>{{10, 20}, {20, 30}});
}

TEMPLATE_TEST_CASE("a window that meets the API's ceiling is walked in halves", "[store_contract][incremental]", PAWL_STORES) {
    Session<TestType> session;
    auto one = tens();
    one.end = 10;
    session.register_source({items_of(one)});
    session.start();
    end(session, session.due().at(0), core::Outcome::truncated, true);
    auto halves = session.due();
    CHECK(windows_of(halves) == std::vector<Window>{{0, 5}, {5, 10}});
    end(session, halves.at(0));
    end(session, halves.at(1), core::Outcome::truncated, true);
    halves = session.due();
    CHECK(windows_of(halves) == std::vector<Window>{{5, 7}, {7, 10}});
    end(session, halves.at(1));
    CHECK(session.fall_due() == 0);
    end(session, halves.at(0));
    CHECK(session.fall_due() == 1);
    CHECK(session.start() == 1);
    CHECK(session.due().empty());  // the mark is at the end: nothing failed
}

TEMPLATE_TEST_CASE("the mark of a partition moves to the largest of a walk that ended well", "[store_contract][incremental]",
                   PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items_of(since(), {R"({"id": 1})", R"({"id": 2})"})});
    const auto walk = [&](core::Outcome outcome, std::optional<std::int64_t> mark) {
        session.fall_due();
        session.start();
        std::map<std::string, std::optional<std::int64_t>> from;
        for (const auto& due : session.due()) {
            from[due.slice.part] = due.slice.window.lo;
            CHECK_FALSE(due.slice.window.hi);
            end(session, due, outcome, false, due.slice.part == "1" ? mark : std::nullopt);
        }
        return from;
    };
    using From = std::map<std::string, std::optional<std::int64_t>>;
    CHECK(walk(core::Outcome::ok, 7) == From{{"1", std::nullopt}, {"2", std::nullopt}});
    CHECK(walk(core::Outcome::truncated, 90) == From{{"1", 7}, {"2", std::nullopt}});
    CHECK(walk(core::Outcome::empty, std::nullopt) == From{{"1", 7}, {"2", std::nullopt}});
    CHECK(walk(core::Outcome::ok, 3) == From{{"1", 7}, {"2", std::nullopt}});
    CHECK(walk(core::Outcome::ok, 12) == From{{"1", 7}, {"2", std::nullopt}});
    CHECK(walk(core::Outcome::ok, 12) == From{{"1", 12}, {"2", std::nullopt}});
    // The mark of another field means nothing.
    session.register_source({items_of(since("$.version"), {R"({"id": 1})", R"({"id": 2})"})});
    CHECK(walk(core::Outcome::ok, 4) == From{{"1", std::nullopt}, {"2", std::nullopt}});
}

TEMPLATE_TEST_CASE("a mark grows page by page, and counts when the walk is over", "[store_contract][incremental]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items_of(since())});
    session.start();
    auto chain = session.chain_of(session.due().at(0));
    for (const std::int64_t mark : {5, 9, 2}) {
        auto page = session.page(chain.next(mark == 2));
        page.rows.mark = mark;
        CHECK(session.commit(std::move(page)).verdict == Verdict::committed);
    }
    session.fall_due();
    session.start();
    CHECK(session.due().at(0).slice.window.lo == 9);
}

TEMPLATE_TEST_CASE("windows of a stream below end where the parent row says", "[store_contract][incremental]", PAWL_STORES) {
    Session<TestType> session;
    auto below = children();
    below.incremental = tens();
    below.incremental->end.reset();
    below.incremental->end_value = core::Expression::compile("parent.name");
    below.incremental->inclusive = true;
    session.register_source({items({R"({"id": 1})"}), below});
    session.start();
    auto chain = session.chain_of(session.due().at(0));
    CHECK(session.commit(chain.next(), R"([{"id":1,"name":"14"}])").verdict == Verdict::committed);
    CHECK(session.start() == 1);
    const auto windows = [&] {
        std::vector<Window> found;
        for (const auto& due : session.due())
            if (due.slice.stream == "children") found.push_back(due.slice.window);
        return found;
    };
    CHECK(windows() == std::vector<Window>{{0, 10}, {10, 15}});
    for (const auto& due : session.due())
        if (due.slice.stream == "children") end(session, due);
    CHECK(session.commit(chain.next(true), R"([{"id":1,"name":"0x15"}])").verdict == Verdict::committed);
    CHECK(session.start() == 1);
    CHECK(windows() == std::vector<Window>{{15, 20}, {20, 22}});
}

}  // namespace pawl::test
