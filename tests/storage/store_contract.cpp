// What every adapter of storage/catalogue.hpp and storage/page_store.hpp does: Postgres, and the store in memory that the
// simulation runs on. Walks that ask only for what is new: incremental_contract.cpp.
#include <nlohmann/json.hpp>

#include "tests/storage/stores.hpp"

namespace pawl::test {

TEMPLATE_TEST_CASE("partitions of a list are walked once they are registered, and not twice", "[store_contract]",
                   PAWL_STORES) {
    Session<TestType> session;
    const auto first = session.register_source({items({R"({"id": 5})", R"({"id": "a/b"})"}), stream_named("whole")});
    CHECK(first.may_plan);
    CHECK(first.cancelled.empty());
    CHECK(session.start() == 3);
    CHECK(session.start() == 0);
    std::map<std::string, std::string> parts;
    for (const auto& due : session.due()) {
        parts[due.slice.stream + ":" + due.slice.part] = due.slice.list;
        CHECK(due.tip.seq == 0);
        CHECK_FALSE(due.tip.cursor);
        CHECK_FALSE(due.slice.revisit);
    }
    CHECK(parts == std::map<std::string, std::string>{{"items:5", R"({"id": 5})"}, {"items:a/b", R"({"id": "a/b"})"}, {"whole:", "{}"}});
    const auto again = session.register_source({items({R"({"id": 5})", R"({"id": "a/b"})"}), stream_named("whole")});
    CHECK(again.epoch == first.epoch);
    CHECK(again.instance == first.instance);
    CHECK(again.cancelled.empty());
    CHECK(session.start() == 0);
}

TEMPLATE_TEST_CASE("lists and ranges are combined, and known by their keys", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    auto stream = items({R"({"id": 5})", R"({"id": "x"})"});
    core::Foreach::Factor range;
    range.range = core::NumberRange{"n", 10, 14, 3};
    auto alone = stream_named("numbers");
    alone.foreach_.kind = core::Foreach::Kind::list;
    alone.foreach_.factors = {range};
    stream.foreach_.factors.push_back(range);
    session.register_source({stream, alone});
    CHECK(session.start() == 6);
    std::map<std::string, nlohmann::json> parts;
    for (const auto& due : session.due()) parts[due.slice.stream + ":" + due.slice.part] = nlohmann::json::parse(due.slice.list);
    using Json = nlohmann::json;
    CHECK(parts == std::map<std::string, Json>{{"numbers:10", Json{{"n", 10}, {"end", 12}}},
                                               {"numbers:13", Json{{"n", 13}, {"end", 14}}},
                                               {"items:[\"5\", \"10\"]", Json{{"id", 5}, {"n", 10}, {"end", 12}}},
                                               {"items:[\"5\", \"13\"]", Json{{"id", 5}, {"n", 13}, {"end", 14}}},
                                               {"items:[\"x\", \"10\"]", Json{{"id", "x"}, {"n", 10}, {"end", 12}}},
                                               {"items:[\"x\", \"13\"]", Json{{"id", "x"}, {"n", 13}, {"end", 14}}}});
    session.register_source({stream, alone});
    CHECK(session.start() == 0);
}

TEMPLATE_TEST_CASE("rows are combined with the entries of a list", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    auto below = children();
    below.foreach_.factors = {{{R"({"kind": "a"})", R"({"kind": "b"})"}, std::nullopt, ""}};
    session.register_source({items({R"({"id": 1})"}), below});
    session.start();
    auto chain = session.chain_of(session.due().at(0));
    CHECK(session.commit(chain.next(), R"([{"id":7,"name":"s"}])").verdict == Verdict::committed);
    CHECK(session.commit(chain.next(true), R"([{"id":7,"name":"s"}])").verdict == Verdict::committed);
    std::map<std::string, std::string> parts;
    for (const auto& due : session.due())
        if (due.slice.stream == "children") parts[due.slice.part] = due.slice.list;
    CHECK(parts == std::map<std::string, std::string>{{R"(["7", "a"])", R"({"kind": "a"})"}, {R"(["7", "b"])", R"({"kind": "b"})"}});
}

TEMPLATE_TEST_CASE("each walk has a genesis of its own, and starting is bounded", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    std::vector<std::string> entries;
    for (int i = 0; i < 12; ++i) entries.push_back(R"({"id": )" + std::to_string(i) + "}");
    session.register_source({items(entries)});
    CHECK(session.start(5) == 5);
    CHECK(session.start(5) == 5);
    CHECK(session.start(5) == 2);
    std::set<core::Link> links;
    for (const auto& due : session.due()) links.insert(due.tip.link);
    CHECK(links.size() == 12);
    CHECK(session.due(4).size() == 4);
}

TEMPLATE_TEST_CASE("a changed request cancels its open slices and asks again", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})"})});
    REQUIRE(session.start() == 1);
    const auto before = session.due().at(0).slice.slice;
    const auto changed = session.register_source({items({R"({"id": 1})"}, "2")});
    CHECK(changed.cancelled == std::vector<core::SliceId>{before});
    CHECK(session.tips({before}).empty());
    CHECK(session.start() == 1);
    CHECK(session.due().at(0).slice.request_hash == stream_named("items", "2").request_hash);
}

TEMPLATE_TEST_CASE("a list entry that is gone is asked for no more, one that is back is", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})", R"({"id": 2})"})});
    session.register_source({items({R"({"id": 2})"})});
    REQUIRE(session.start() == 1);
    CHECK(session.due().at(0).slice.part == "2");
    session.register_source({items({R"({"id": 1})", R"({"id": 2})"})});
    CHECK(session.start() == 1);
}

TEMPLATE_TEST_CASE("slices are offered by class, and again only when silent or in another epoch", "[store_contract]",
                   PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})", R"({"id": 2})", R"({"id": 3})"})});
    session.start(1, SliceClass::backfill);
    session.start(1, SliceClass::on_demand);
    session.start(1, SliceClass::live);
    const auto due = session.due();
    REQUIRE(due.size() == 3);
    CHECK(due[0].slice.slice_class == SliceClass::live);
    CHECK(due[1].slice.slice_class == SliceClass::on_demand);
    CHECK(due[2].slice.slice_class == SliceClass::backfill);
    session.run(session.stores().catalogue().mark_offered({due[0].slice.slice, due[1].slice.slice}, epoch_one, core::Millis(60'000)));
    CHECK(session.due().size() == 1);
    CHECK(session.due(100, epoch_two).size() == 3);
    CHECK(session.run(session.stores().catalogue().remaining("api", {})).offered == 2);
    session.run(session.stores().catalogue().mark_offered({due[0].slice.slice}, epoch_one, core::Millis(-1)));
    CHECK(session.due().size() == 2);
}

TEMPLATE_TEST_CASE("pages move the tip one by one, and the last ends the walk", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})"})});
    session.start();
    auto chain = session.chain_of(session.due().at(0));
    session.run(session.stores().catalogue().mark_offered({chain.slice}, epoch_one, core::Millis(-1)));
    CHECK(session.due().size() == 1);
    const auto one = chain.next();
    CHECK(session.commit(one, R"([{"id":1,"name":"a"},{"id":2,"name":"b"}])").verdict == Verdict::committed);
    const auto tips = session.tips({chain.slice});
    REQUIRE(tips.size() == 1);
    CHECK(tips[0].seq == 1);
    CHECK(tips[0].link == one.link);
    CHECK(tips[0].cursor == one.next_cursor);
    CHECK(session.due().empty());  // it was offered, and its tip has just moved
    CHECK(session.run(session.stores().catalogue().remaining("api", {})).open_slices == 1);
    CHECK(session.fall_due() == 0);
    CHECK(session.commit(chain.next(true)).verdict == Verdict::committed);
    CHECK(session.tips({chain.slice}).empty());
    CHECK(session.run(session.stores().catalogue().remaining("api", {})).open_slices == 0);
    CHECK(session.start() == 0);
    CHECK(session.fall_due() == 1);
    CHECK(session.fall_due() == 0);
    CHECK(session.start() == 1);
    const auto next = session.due().at(0);
    CHECK(next.slice.revisit);
    CHECK(next.slice.slice != chain.slice);
}

TEMPLATE_TEST_CASE("a walk whose list moved is done again, three times in a row at most", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})"})});
    const auto walk = [&](bool moved) {
        CHECK(session.start() == 1);
        auto chain = session.chain_of(session.due().at(0));
        auto job = chain.next(true);
        job.shift = moved ? core::Shift::skipped : core::Shift::none;
        job.rewalk = moved;
        CHECK(session.commit(job).verdict == Verdict::committed);
        return session.run(session.stores().catalogue().remaining("api", {})).due_partitions;
    };
    for (int i = 0; i < 3; ++i) CHECK(walk(true) == 1);
    CHECK(walk(true) == 0);
    CHECK(session.fall_due() == 1);
    CHECK(walk(true) == 1);
    CHECK(walk(false) == 0);
}

TEMPLATE_TEST_CASE("pages that do not come next change nothing and are told apart", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})"})});
    session.start();
    auto chain = session.chain_of(session.due().at(0));
    auto elsewhere = chain;
    const auto one = chain.next(), two = chain.next(), three = chain.next();
    CHECK(session.commit(two).verdict == Verdict::gap);
    CHECK(session.commit(one).verdict == Verdict::committed);
    CHECK(session.commit(one).verdict == Verdict::duplicate);
    const auto other_one = elsewhere.next(), other_two = elsewhere.next();
    CHECK(session.commit(other_one).verdict == Verdict::superseded);
    CHECK(session.commit(other_two).verdict == Verdict::fork);
    CHECK(session.commit(three).verdict == Verdict::gap);
    auto stranger = two;
    stranger.slice = 999'999;
    CHECK(session.commit(stranger).verdict == Verdict::unknown);
    CHECK(session.tips({chain.slice}).at(0).seq == 1);
    CHECK(session.commit(two).verdict == Verdict::committed);
    CHECK(session.commit(three).verdict == Verdict::committed);
    const auto last = chain.next(true), beyond = chain.next();
    CHECK(session.commit(last).verdict == Verdict::committed);
    CHECK(session.commit(beyond).verdict == Verdict::finished);
    CHECK(session.commit(last).verdict == Verdict::duplicate);
}

TEMPLATE_TEST_CASE("a cursor that comes back ends the walk as stuck", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})"})});
    session.start();
    auto chain = session.chain_of(session.due().at(0));
    const auto one = chain.next(), two = chain.next();
    auto three = chain.next();
    three.cursor = two.cursor;
    CHECK(session.commit(one).verdict == Verdict::committed);
    CHECK(session.commit(two).verdict == Verdict::committed);
    CHECK(session.commit(three).verdict == Verdict::stuck);
    CHECK(session.tips({chain.slice}).empty());
    CHECK(session.commit(chain.next()).verdict == Verdict::stuck);
    CHECK(session.fall_due() == 1);
}

TEMPLATE_TEST_CASE("a dead letter moves the tip past its page", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})"})});
    session.start();
    auto chain = session.chain_of(session.due().at(0));
    PageCommit dead;
    dead.job = chain.next();
    dead.dead_reason = "not JSON";
    CHECK(session.commit(std::move(dead)).verdict == Verdict::committed);
    CHECK(session.tips({chain.slice}).at(0).seq == 1);
    CHECK(session.commit(chain.next(true)).verdict == Verdict::committed);
}

TEMPLATE_TEST_CASE("rows are counted as what they did, and an older page overwrites nothing", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})", R"({"id": 2})", R"({"id": 3})"})});
    session.start();
    const auto due = session.due();
    std::vector<Chain> chains;
    for (const auto& one : due) chains.push_back(session.chain_of(one));
    const auto counts = [&](Chain& chain, std::int64_t at, const std::string& json) {
        return counts_of(session.commit(chain.next(false, at), json));
    };
    CHECK(counts(chains[0], 20, R"([{"id":1,"name":"a"},{"id":2,"name":"b"},{"id":1,"name":"c"}])") == "3 2 0 0 0 1 0 0");
    CHECK(counts(chains[1], 30, R"([{"id":1,"name":"c"},{"id":2,"name":"z"}])") == "2 0 1 1 0 0 0 0");
    CHECK(counts(chains[2], 10, R"([{"id":1,"name":"old"},{"id":3,"name":"d"}])") == "2 1 0 0 1 0 0 0");
}

TEMPLATE_TEST_CASE("a row that a whole walk does not show takes its children out of the round until it is back", "[store_contract]",
                   PAWL_STORES) {
    const auto absent = GENERATE(core::Emit::Absent::mark, core::Emit::Absent::remove);
    const auto merge = GENERATE(core::Emit::Merge::overwrite, core::Emit::Merge::fill_null, core::Emit::Merge::history);
    const bool keeps = merge == core::Emit::Merge::history;
    if (keeps && absent == core::Emit::Absent::remove) return;
    Session<TestType> session;
    auto stream = items({});
    stream.foreach_ = {};
    stream.emits.front().absent = absent;
    stream.emits.front().merge = merge;
    session.register_source({stream, children()});
    const auto deletes = absent == core::Emit::Absent::remove;
    const auto end_children = [&] {
        session.start();
        for (const auto& due : session.due())
            if (due.slice.stream == "children") CHECK(session.commit(session.chain_of(due).next(true), "[]").verdict == Verdict::committed);
    };
    const auto begin = [&] {
        session.fall_due();
        session.start();
        for (const auto& due : session.due())
            if (due.slice.stream == "items") return session.chain_of(due);
        FAIL("the walk does not begin");
        return Chain{};
    };
    const auto children_asked = [&] {
        end_children();
        const auto count = session.run(session.stores().catalogue().fall_due("api", {"children"}));
        end_children();
        return count;
    };
    auto walk = begin();
    CHECK(counts_of(session.commit(walk.next(), R"([{"id":7,"name":"x"}])")) == "1 1 0 0 0 0 0 0");
    CHECK(counts_of(session.commit(walk.next(true), R"([{"id":8,"name":"y"}])")) == "1 1 0 0 0 0 0 0");
    CHECK(children_asked() == 2);
    walk = begin();
    CHECK(counts_of(session.commit(walk.next(), R"([{"id":8,"name":"y"}])")) == "1 0 0 1 0 0 0 0");
    CHECK(children_asked() == 2);  // the walk is not over
    CHECK(counts_of(session.commit(walk.next(true), "[]")) == (deletes ? "0 0 0 0 0 0 0 1" : "0 0 0 0 0 0 0 0"));
    CHECK(children_asked() == 1);
    walk = begin();
    CHECK(counts_of(session.commit(walk.next(true), R"([{"id":7,"name":"x"},{"id":8,"name":"y"}])")) ==
          (deletes || keeps ? "2 1 0 1 0 0 0 0" : "2 0 0 2 0 0 0 0"));
    CHECK(children_asked() == 2);
    for (const auto outcome : {core::Outcome::truncated, core::Outcome::failed, core::Outcome::gone}) {
        walk = begin();
        auto job = walk.next(true);
        job.outcome = outcome;
        session.commit(job, "[]");
        CHECK(children_asked() == 2);
    }
    walk = begin();  // what stood on a page that died is not absent
    PageCommit dead;
    dead.job = walk.next();
    dead.dead_reason = "not JSON";
    session.commit(std::move(dead));
    session.commit(walk.next(true), "[]");
    CHECK(children_asked() == 2);
    walk = begin();
    auto job = walk.next(true);
    job.outcome = core::Outcome::empty;
    session.commit(job, "[]");
    CHECK(children_asked() == 0);
}

TEMPLATE_TEST_CASE("with history a page finds its place among those before and after it", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    auto stream = items({R"({"id": 1})", R"({"id": 2})", R"({"id": 3})"});
    stream.emits.front().merge = core::Emit::Merge::history;
    session.register_source({stream});
    session.start();
    const auto due = session.due();
    std::vector<Chain> chains;
    for (const auto& one : due) chains.push_back(session.chain_of(one));
    const auto counts = [&](std::size_t chain, std::int64_t at, const std::string& name) {
        return counts_of(session.commit(chains[chain].next(false, at), R"([{"id":1,"name":")" + name + "\"}]"));
    };
    CHECK(counts(0, 100, "a") == "1 1 0 0 0 0 0 0");
    CHECK(counts(0, 200, "a") == "1 0 0 1 0 0 0 0");
    CHECK(counts(0, 300, "b") == "1 1 0 0 0 0 0 0");
    CHECK(counts(1, 150, "c") == "1 1 0 0 0 0 0 -1");  // a, c, a again from 200, b
    CHECK(counts(1, 180, "a") == "1 1 0 0 0 0 0 1");   // that again from 180
    CHECK(counts(1, 250, "b") == "1 1 0 0 0 0 0 1");
    CHECK(counts(2, 50, "b") == "1 1 0 0 0 0 0 0");
    CHECK(counts(2, 400, "b") == "1 0 0 1 0 0 0 0");
    CHECK(counts(2, 400, "d") == "1 1 0 0 0 0 0 0");  // of one moment the later page
    CHECK(counts(0, 400, "e") == "1 0 0 0 1 0 0 0");
    CHECK(counts_of(session.commit(chains[0].next(false, 500), R"([{"id":1,"name":"x"},{"id":2,"name":"y"},{"id":1,"name":"d"}])")) ==
          "3 1 0 1 0 1 0 0");
}

TEMPLATE_TEST_CASE("appended records stay, whatever later walks read", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    auto stream = items({R"({"id": 1})"});
    stream.emits.front().key.clear();
    stream.emits.front().merge = core::Emit::Merge::append;
    session.register_source({stream});
    const std::string page = R"([{"id":1,"name":"a"},{"id":1,"name":"a"}])";
    for (int walk = 0; walk < 3; ++walk) {
        session.start();
        auto chain = session.chain_of(session.due().at(0));
        const auto job = chain.next(true);
        CHECK(counts_of(session.commit(job, page)) == "2 2 0 0 0 0 0 0");
        CHECK(session.commit(job, page).verdict == Verdict::duplicate);
        session.fall_due();
    }
}

TEMPLATE_TEST_CASE("rows become partitions of the stream below in their page's transaction, each once", "[store_contract]",
                   PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})"}), children()});
    session.start(100, SliceClass::live);
    auto chain = session.chain_of(session.due().at(0));
    CHECK(session.commit(chain.next(), R"([{"id":7,"name":"x"},{"id":8,"name":"y"},{"id":7,"name":"x"}])").verdict == Verdict::committed);
    std::map<std::string, DueSlice> below;
    for (const auto& due : session.due())
        if (due.slice.stream == "children") below[due.slice.part] = due;
    REQUIRE(below.size() == 2);
    CHECK(below["7"].slice.slice_class == SliceClass::live);  // live begets live
    CHECK(below["8"].slice.parent.find("\"y\"") != std::string::npos);
    CHECK(session.commit(chain.next(true), R"([{"id":8,"name":"y"},{"id":9,"name":"z"}])").verdict == Verdict::committed);
    std::int64_t count = 0;
    for (const auto& due : session.due()) count += due.slice.stream == "children" ? 1 : 0;
    CHECK(count == 3);
}

TEMPLATE_TEST_CASE("validators are those of the last finished walk", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    session.register_source({items({R"({"id": 1})"})});
    session.start();
    auto chain = session.chain_of(session.due().at(0));
    auto first = chain.next();
    first.validator_key = "k";
    first.etag = "\"v1\"";
    CHECK(session.commit(first).verdict == Verdict::committed);
    CHECK(session.run(session.stores().catalogue().validators(chain.partition)).empty());  // under way
    CHECK(session.commit(chain.next(true)).verdict == Verdict::committed);
    const auto known = session.run(session.stores().catalogue().validators(chain.partition));
    REQUIRE(known.size() == 1);
    CHECK(known[0].key == "k");
    CHECK(known[0].etag == "\"v1\"");
    CHECK(known[0].page_id == core::page_id(chain.slice, 1));
    CHECK(known[0].next_cursor == first.next_cursor);
    CHECK_FALSE(known[0].last);
}

TEMPLATE_TEST_CASE("a schedule is kept to the microsecond, and one process plans", "[store_contract]", PAWL_STORES) {
    Session<TestType> session;
    auto& catalogue = session.stores().catalogue();
    session.register_source({items({R"({"id": 1})"})});
    CHECK_FALSE(session.run(catalogue.last_schedule("api")));
    const core::WallTime at{core::Micros(1'692'714'765'123'456)};
    session.run(catalogue.note_schedule("api", at));
    CHECK(session.run(catalogue.last_schedule("api")) == at);
    {
        const auto other = session.stores().another();
        CHECK(session.run(catalogue.hold_planner_lock("api")));
        CHECK(session.run(catalogue.hold_planner_lock("api")));
        CHECK_FALSE(session.run(other->hold_planner_lock("api")));
        session.run(catalogue.release_planner_lock("api"));
        CHECK(session.run(other->hold_planner_lock("api")));
        CHECK_FALSE(session.run(catalogue.hold_planner_lock("api")));
    }
    // A lock ends with its session, and that when the server has noticed.
    CHECK(eventually(std::chrono::seconds(10), [&] { return session.run(catalogue.hold_planner_lock("api")); }));
}

}  // namespace pawl::test
