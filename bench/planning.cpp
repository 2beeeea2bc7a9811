// How many partitions a second are planned, and what that takes, with COUNT of them: rows of a table become partitions, and those
// due get a slice, which is offered to Redis and marked. Steps as the planner makes them, a thousand at a time, one after the other.
// Starts a Postgres and a Redis of its own.
#include <fmt/format.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <string>

#include "core/random.hpp"
#include "core/source_parser.hpp"
#include "core/telemetry.hpp"
#include "queue/redis_address.hpp"
#include "queue/redis_connection.hpp"
#include "queue/redis_frontiers.hpp"
#include "storage/migrate.hpp"
#include "storage/pg_catalogue.hpp"
#include "tests/support/inline_offload.hpp"
#include "tests/support/private_postgres.hpp"
#include "tests/support/private_redis.hpp"
#include "tests/support/run_task.hpp"

namespace {

using namespace pawl;
using Clock = std::chrono::steady_clock;

constexpr std::size_t step = 1'000;
constexpr std::chrono::minutes quiet{10};

constexpr const char* source_text = R"(
source: many
base_url: http://127.0.0.1
streams:
  seeds: {path: /seeds, emit: {table: item, each: "$[*]", key: id, set: {id: $.id}}}
  items: {foreach: {table: item, key: id}, path: "/item/{id}", emit: {table: found, key: id, set: {id: parent.id}}}
)";

double seconds_since(Clock::time_point began) { return std::chrono::duration<double>(Clock::now() - began).count(); }

void measure(long count) {
    test::PrivatePostgres postgres(test::PrivatePostgres::Options{.fsync = true});
    test::PrivateRedis redis;
    boost::asio::io_context io;
    core::SeededRandom random(1);
    core::CountingTelemetry telemetry;
    const auto database = postgres.new_database();
    storage::Connection connection(database);
    const auto instance = storage::migrate(connection).instance;
    (void)test::psql(database, "create schema many; create table many.item (id bigint primary key); insert into many.item select "
                               "generate_series(1, " + std::to_string(count) + "); analyze many.item");
    storage::PgCatalogue catalogue(std::make_shared<storage::ConnectionPool>(database, std::make_shared<test::InlineOffload>()));
    queue::RedisOptions options;
    options.address = queue::parse_redis_url(redis.socket_url());
    auto redis_connection = std::make_shared<queue::RedisConnection>(io.get_executor(), options, random);
    queue::RedisFrontiers frontiers(redis_connection, "many", telemetry, random, std::size_t{1} << 30);
    const auto run = [&](auto task) { return test::run_task(io, std::move(task), std::chrono::minutes(10)); };

    const auto source = std::make_shared<const core::SourceFile>(core::parse_source_text(source_text, "many.yaml", {}));
    (void)run(catalogue.hold_planner_lock("many"));
    (void)run(catalogue.register_source(source));
    const auto epoch = run(frontiers.adopt(instance, false, queue::Frontiers::Past::none)).epoch;

    auto began = Clock::now();
    std::int64_t added = 0;
    for (std::optional<std::string> after;;) {
        const auto found = run(catalogue.scan_table(source, "items", after, step, core::SliceClass::live));
        added += found.added;
        after = found.after;
        if (!after) break;
    }
    const auto scan_seconds = seconds_since(began);

    double plan_seconds = 0;
    std::int64_t offered = 0;
    while (offered < count) {
        began = Clock::now();
        (void)run(catalogue.start_walks("many", {"items"}, step, core::SliceClass::live));
        auto due = run(catalogue.due_slices("many", {"items"}, epoch, step));
        if (due.empty()) throw std::runtime_error("nothing is due");
        std::vector<queue::Offer> offers;
        std::vector<core::SliceId> ids;
        for (auto& one : due) {
            ids.push_back(one.slice.slice);
            offers.push_back({.slice = std::move(one.slice), .tip = std::move(one.tip)});
        }
        (void)run(frontiers.offer(std::move(offers)));
        run(catalogue.mark_offered(ids, epoch, quiet));
        plan_seconds += seconds_since(began);
        offered += static_cast<std::int64_t>(ids.size());
        run(frontiers.forget(std::move(ids)));  // collectors take them: not a part of planning
    }
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    fmt::print("| {} | {:.0f} | {:.0f} | {:.0f} | {} |\n", added, static_cast<double>(added) / scan_seconds,
               static_cast<double>(offered) / plan_seconds, static_cast<double>(offered) / (scan_seconds + plan_seconds), used.ru_maxrss / 1024);
}

}  // namespace

int main(int count, char** words) {
    try {
        fmt::print("| partitions | rows made partitions, a second | slices begun, offered and marked, a second | both, a second | MiB at most |\n"
                   "|---|---|---|---|---|\n");
        if (count > 1) measure(std::atol(words[1]));
        else
            for (const long partitions : {1'000L, 10'000L, 100'000L, 1'000'000L}) measure(partitions);
    } catch (const std::exception& error) {
        fmt::print(stderr, "{}\n", error.what());
        return 1;
    }
}
