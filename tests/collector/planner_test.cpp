#include "collector/planner.hpp"

#include <boost/asio/co_spawn.hpp>

#include "core/telemetry.hpp"
#include "tests/collector/fakes.hpp"
#include "tests/collector/sources.hpp"
#include "tests/support/catch.hpp"

using namespace pawl;
using namespace pawl::collector;
using namespace std::chrono_literals;
using queue::OfferAnswer;

namespace {

const std::string with_table =
    "source: test\n"
    "base_url: https://api.example.com\n"
    "streams:\n"
    "  item: {foreach: {list: [1], as: id}, path: \"/things/{id}\", key: id}\n"
    "  user: {foreach: {table: item, key: id}, path: \"/users/{id}\", key: id}\n";

struct PlannerBench {
    boost::asio::io_context io;
    test::VirtualTime time;
    test::FakeFrontiers frontiers;
    test::FakeCatalogue catalogue;
    core::CountingTelemetry telemetry;
    core::SeededRandom random{5};
    std::unique_ptr<Planner> planner;
    bool ended = false;
    std::string failure;

    explicit PlannerBench(PlannerOptions options = {},
                   std::shared_ptr<const core::SourceFile> source = nullptr) {
        if (!source) source = test::source_of(with_table);
        catalogue.registration.instance = core::Token::random(random);
        PlannerPorts ports{frontiers, catalogue, time, telemetry};
        planner = std::make_unique<Planner>(source, ports, std::move(options));
    }
    void start() {
        boost::asio::co_spawn(io, planner->run(), [this](std::exception_ptr error) {
            ended = true;
            try {
                if (error) std::rethrow_exception(error);
            } catch (const std::exception& caught) {
                failure = caught.what();
            }
        });
    }
    template <typename Done>
    void until(Done done) {
        time.run(io, done);
    }
    void pass(core::Micros duration) {
        const auto end = time.passed() + duration;
        until([&] { return time.passed() >= end || ended; });
    }
    void stop() {
        planner->stop();
        until([&] { return ended; });
    }
    storage::DueSlice due(core::SliceId slice) {
        storage::DueSlice made;
        made.slice.slice = made.tip.slice = slice;
        made.tip.link = core::Link::random(random);
        return made;
    }
};

PlannerOptions once() {
    PlannerOptions options;
    options.mode = PlanMode::once;
    return options;
}

}  // namespace

TEST_CASE("no more slices are offered than may wait", "[collector][plan]") {
    queue::FrontierTotals totals;
    totals.of(core::SliceClass::live) = 990;
    totals.of(core::SliceClass::backfill) = 7;
    CHECK(offers_wanted(totals, core::SliceClass::live, 1'000) == 10);
    CHECK(offers_wanted(totals, core::SliceClass::backfill, 1'000) ==
          500);  // as many as one call takes
    totals.of(core::SliceClass::live) = 1'500;
    CHECK(offers_wanted(totals, core::SliceClass::live, 1'000) == 0);
}

TEST_CASE("a pass over the tables is settled when it found nothing", "[collector][plan]") {
    ScanPasses passes({"a", "b"});
    CHECK_FALSE(passes.settled());
    passes.saw({.after = "x", .added = 0});
    CHECK(passes.after() == "x");
    CHECK(passes.stream() == "a");
    passes.saw({.after = std::nullopt, .added = 1});
    CHECK(passes.stream() == "b");
    passes.saw({});
    CHECK_FALSE(passes.settled());  // something was found on the way
    passes.saw({});
    passes.saw({});
    CHECK(passes.settled());
    passes.disturb();
    CHECK_FALSE(passes.settled());
    passes.saw({});
    passes.disturb();  // in the middle of a pass
    passes.saw({});
    CHECK_FALSE(passes.settled());
    CHECK(ScanPasses({}).settled());
}

TEST_CASE("the roots of a schedule are the streams whose partitions the file names",
          "[collector][plan]") {
    const auto source = test::source_of(with_table);
    CHECK(root_streams(*source, {}) == std::vector<std::string>{"item"});
    CHECK(root_streams(*source, {"user"}) == std::vector<std::string>{"user"});
    CHECK(scanned_streams(*source) == std::vector<std::string>{"user"});
}

TEST_CASE("due partitions become slices, and slices are offered, within the bound",
          "[collector][planner]") {
    PlannerOptions options;
    options.offers_max = 8;
    PlannerBench bench(options);
    bench.catalogue.startable = 20;
    bench.start();
    bench.pass(30s);
    CHECK(bench.frontiers.offered.size() == 8);
    for (auto& [slice, frontier] : bench.frontiers.frontiers) frontier.waiting = false;  // leased
    bench.pass(30s);
    CHECK(bench.frontiers.offered.size() == 16);
    for (auto& [slice, frontier] : bench.frontiers.frontiers) frontier.waiting = false;
    bench.pass(30s);
    CHECK(bench.frontiers.offered.size() == 20);
    CHECK(bench.telemetry.total(core::Metric::seeds, "offered") == 20);
    bench.stop();
}

TEST_CASE("a Redis without our keys is adopted, and everything unfinished falls due",
          "[collector][planner]") {
    PlannerBench bench;
    bench.start();
    bench.pass(5s);
    REQUIRE(bench.frontiers.known);
    CHECK(bench.frontiers.known->instance == bench.catalogue.registration.instance);
    CHECK(bench.frontiers.adopted_past == queue::Frontiers::Past::unknown);
    const auto first = bench.catalogue.epoch_asked;
    bench.frontiers.known.reset();  // wiped
    bench.pass(5s);
    CHECK(bench.catalogue.epoch_asked != first);
    CHECK(bench.catalogue.epoch_asked == bench.frontiers.known->epoch);
    bench.stop();
}

TEST_CASE("a source that nobody registered before begins with full budgets", "[collector][planner]") {
    PlannerBench bench;
    bench.catalogue.registration.is_new = true;
    bench.start();
    bench.pass(5s);
    CHECK(bench.frontiers.adopted_past == queue::Frontiers::Past::none);
    bench.stop();
}

TEST_CASE("a Redis of another catalogue is refused, unless we are told to adopt it",
          "[collector][planner]") {
    for (const bool adopt : {false, true}) {
        PlannerOptions options;
        options.adopt_redis = adopt;
        PlannerBench bench(options);
        bench.frontiers.known = queue::Frontiers::Instance{core::Token::random(bench.random),
                                                           core::Token::random(bench.random)};
        bench.start();
        bench.pass(5s);
        CHECK(bench.ended == !adopt);
        if (adopt) {
            CHECK(bench.frontiers.known->instance == bench.catalogue.registration.instance);
            bench.stop();
        } else {
            CHECK(bench.failure.find("--adopt-redis") != std::string::npos);
            CHECK(bench.frontiers.offered.empty());
        }
    }
}

TEST_CASE("a tip that was read too early is read again", "[collector][planner]") {
    PlannerBench bench;
    const auto due = bench.due(5);
    bench.catalogue.due = {due};
    auto tip = due.tip;
    tip.seq = 3;
    tip.link = core::Link::random(bench.random);
    bench.catalogue.tips = {tip};
    bench.frontiers.answers = {OfferAnswer::behind, OfferAnswer::chained};
    bench.start();
    bench.pass(5s);
    REQUIRE(bench.frontiers.offered.size() == 2);
    CHECK(bench.frontiers.offered[1].tip.seq == 3);
    CHECK_FALSE(bench.frontiers.offered[1].force);
    bench.stop();
}

TEST_CASE("a tip that stays behind is believed: Postgres was set back", "[collector][planner]") {
    PlannerBench bench;
    const auto due = bench.due(5);
    bench.catalogue.due = {due};
    bench.catalogue.tips = {due.tip};
    bench.frontiers.answers = {OfferAnswer::behind, OfferAnswer::behind, OfferAnswer::reseeded};
    bench.start();
    bench.pass(5s);
    REQUIRE(bench.frontiers.offered.size() == 3);
    CHECK(bench.frontiers.offered[2].force);
    bench.stop();
}

TEST_CASE("a slice that is not open any more is not offered again", "[collector][planner]") {
    PlannerBench bench;
    bench.catalogue.due = {bench.due(5)};
    bench.frontiers.answers = {OfferAnswer::behind};
    bench.start();
    bench.pass(5s);
    CHECK(bench.frontiers.offered.size() == 1);
    bench.stop();
}

TEST_CASE("cancelled slices are forgotten in Redis", "[collector][planner]") {
    PlannerBench bench;
    for (core::SliceId slice = 1; slice <= 1'200; ++slice)
        bench.catalogue.registration.cancelled.push_back(slice);
    bench.start();
    bench.pass(5s);
    CHECK(bench.frontiers.forgotten.size() == 1'200);
    bench.stop();
}

TEST_CASE("one of several planners plans, the others wait for its lock", "[collector][planner]") {
    PlannerBench bench;
    bench.catalogue.lock = false;
    bench.catalogue.startable = 1;
    bench.start();
    bench.pass(30s);
    CHECK_FALSE(bench.planner->planning());
    CHECK(bench.catalogue.registered == 0);
    bench.catalogue.lock = true;
    bench.pass(5s);
    CHECK(bench.planner->planning());
    CHECK(bench.catalogue.registered == 1);
    CHECK(bench.frontiers.offered.size() == 1);
    bench.stop();
}

TEST_CASE("an older configuration plans nothing", "[collector][planner]") {
    PlannerBench bench;
    bench.catalogue.registration.may_plan = false;
    bench.catalogue.startable = 1;
    bench.start();
    bench.pass(30s);
    CHECK(bench.frontiers.offered.empty());
    CHECK(bench.catalogue.fell_due.empty());
    bench.stop();
}

TEST_CASE("planning waits for Redis and Postgres", "[collector][planner]") {
    PlannerBench bench;
    bench.catalogue.down = true;
    bench.catalogue.startable = 1;
    bench.start();
    bench.pass(10s);
    bench.catalogue.down = false;
    bench.frontiers.down = true;
    bench.pass(10s);
    CHECK(bench.frontiers.offered.empty());
    bench.frontiers.down = false;
    bench.pass(5s);
    CHECK(bench.frontiers.offered.size() == 1);
    bench.stop();
}

TEST_CASE("the schedule fires at the start of a new source, then when it is time",
          "[collector][planner]") {
    const auto source = test::source_of(with_table + "schedule: {every: 6h}\n");
    PlannerBench bench({}, source);
    bench.start();
    bench.pass(1min);
    REQUIRE(bench.catalogue.fell_due.size() == 1);
    CHECK(bench.catalogue.fell_due[0] == std::vector<std::string>{"item"});
    bench.pass(5h);
    CHECK(bench.catalogue.fell_due.size() == 1);
    bench.pass(1h);
    CHECK(bench.catalogue.fell_due.size() == 2);
    bench.stop();
}

TEST_CASE("sync ends when nothing is due, nothing open, and the tables hold nothing new",
          "[collector][planner]") {
    PlannerBench bench(once());
    bench.start();
    bench.pass(1ms);
    CHECK(bench.catalogue.fell_due.size() == 1);
    bench.catalogue.left.open_slices = 2;
    bench.pass(10s);
    CHECK_FALSE(bench.planner->drained());
    bench.catalogue.left.open_slices = 0;
    bench.catalogue.scans = {{.after = "5", .added = 0}, {.after = std::nullopt, .added = 3}};
    bench.catalogue.left.due_partitions = 3;
    bench.pass(3s);
    CHECK_FALSE(bench.planner->drained());
    bench.catalogue.left.due_partitions = 0;
    bench.pass(5s);
    CHECK(bench.planner->drained());
    CHECK(bench.catalogue.fell_due.size() == 1);
    bench.stop();
}

TEST_CASE("only the streams that were named are started and offered, in the class asked for",
          "[collector][planner]") {
    PlannerOptions options = once();
    options.streams = {"user"};
    options.slice_class = core::SliceClass::backfill;
    PlannerBench bench(options);
    bench.catalogue.startable = 2;
    bench.start();
    bench.pass(5s);
    CHECK(bench.catalogue.streams_asked == std::vector<std::string>{"user"});
    CHECK(bench.catalogue.class_scanned == core::SliceClass::backfill);
    CHECK(bench.frontiers.offered.size() == 2);
    bench.stop();
}

TEST_CASE("a sync that was broken off goes on with what it left", "[collector][planner]") {
    PlannerBench bench(once());
    bench.catalogue.left.open_slices = 2;
    bench.start();
    bench.pass(5s);
    CHECK(bench.catalogue.fell_due.empty());
    bench.catalogue.left.open_slices = 0;
    bench.pass(5s);
    CHECK(bench.planner->drained());
    bench.stop();
}

TEST_CASE("a first collection by `backfill` is not asked for again by the schedule", "[collector][planner]") {
    PlannerBench bench(once());
    bench.catalogue.left.due_partitions = 2;  // of a source that was registered just now
    bench.start();
    bench.pass(5s);
    REQUIRE(bench.catalogue.fired_at.has_value());
    bench.stop();

    PlannerBench service;
    service.catalogue.fired_at = bench.catalogue.fired_at;
    service.start();
    service.pass(10min);
    CHECK(service.catalogue.fell_due.empty());
    service.stop();
}

TEST_CASE("rows that a broken-off run had not yet made partitions of are a rest too", "[collector][planner]") {
    PlannerBench bench(once());
    bench.catalogue.on_scan = [&] { bench.catalogue.left.open_slices = 2; };  // the first step finds new rows
    bench.start();
    bench.pass(5s);
    CHECK(bench.catalogue.fell_due.empty());
    CHECK_FALSE(bench.planner->drained());
    bench.stop();
}

TEST_CASE("rows that only fall due again do not stand in the way of a new round", "[collector][planner]") {
    PlannerBench bench(once());
    bench.catalogue.on_scan = [&] { bench.catalogue.left.due_partitions = 2; };
    bench.start();
    bench.pass(5s);
    CHECK(bench.catalogue.fell_due.size() == 1);
    bench.stop();
}

TEST_CASE("what another process finished meanwhile is not asked for again", "[collector][planner]") {
    PlannerBench bench(once());
    bench.catalogue.lock = false;
    bench.start();
    bench.pass(30s);
    CHECK_FALSE(bench.planner->drained());
    bench.catalogue.lock = true;
    bench.pass(5s);
    CHECK(bench.planner->drained());
    CHECK(bench.catalogue.fell_due.empty());
    bench.stop();
}

TEST_CASE("a changed source file is registered anew", "[collector][planner]") {
    PlannerBench bench;
    bench.start();
    bench.pass(5s);
    CHECK(bench.catalogue.registered == 1);
    bench.planner->reload(test::source_of(with_table));
    bench.pass(5s);
    CHECK(bench.catalogue.registered == 2);
    bench.stop();
}
