#include <nlohmann/json.hpp>

#include "app/one_shot.hpp"
#include "app/progress_line.hpp"
#include "app/server_address.hpp"
#include "app/suggestion.hpp"
#include "app/text_table.hpp"
#include "tests/support/catch.hpp"

namespace pawl::app {

namespace {

using namespace std::chrono_literals;

queue::LimitView limit_of(const std::string& owner, std::int64_t remaining, double reset) {
    queue::LimitView view;
    view.name = "core";
    view.owner = owner;
    view.limit = 100;
    view.remaining = remaining;
    view.reset_seconds = reset;
    return view;
}

Snapshot snapshot_of(std::int64_t pages, std::int64_t open, std::int64_t done) {
    Snapshot snapshot;
    snapshot.source = "hn";
    storage::StreamProgress stream;
    stream.stream = "story";
    stream.pages = pages;
    stream.records = pages * 10;
    stream.slices_open = open;
    stream.slices_by_outcome = {{"ok", done}, {"failed", 2}};
    snapshot.streams.push_back(stream);
    return snapshot;
}

core::SteadyTime at(std::chrono::seconds seconds) { return core::SteadyTime(seconds); }

}  // namespace

TEST_CASE("passwords never leave an address", "[address]") {
    CHECK(without_password("postgresql://me:secret@host:5432/db?sslmode=require") ==
          "postgresql://me@host:5432/db?sslmode=require");
    CHECK(without_password("postgresql://host/db?user=me&password=secret&x=1") ==
          "postgresql://host/db?user=me&password=***&x=1");
    CHECK(without_password("host=h password='a b\\'c' user=me") == "host=h password=*** user=me");
    CHECK(without_password("redis://:secret@127.0.0.1:6379/1") == "redis://@127.0.0.1:6379/1");
    CHECK(without_password("redis://me:p@ss@127.0.0.1") == "redis://me@127.0.0.1");
    CHECK(without_password("unix:///run/redis.sock") == "unix:///run/redis.sock");
}

TEST_CASE("it waits for quota only when nobody can pay", "[waits]") {
    Snapshot snapshot;
    snapshot.quota = {limit_of("a", 0, 50), limit_of("b", 3, 10)};
    CHECK(what_it_waits_for(snapshot).empty());
    snapshot.quota[1].remaining = 0;
    CHECK(what_it_waits_for(snapshot) ==
          std::vector<std::string>{"quota 'core' of all 2 owners, next in 10 s"});
    snapshot.quota.push_back(
        limit_of("", 100, 0));  // requests without credentials do not help those with
    CHECK(what_it_waits_for(snapshot).size() == 1);
    snapshot.quota[0].remaining = 1;
    snapshot.quota[0].blocked = true;
    CHECK(what_it_waits_for(snapshot).size() == 1);
}

TEST_CASE("a queue near its bound is told", "[waits]") {
    Snapshot snapshot;
    snapshot.queue_bytes_max = 1'000;
    snapshot.queue.bytes = 900;
    CHECK(what_it_waits_for(snapshot).empty());
    snapshot.queue.bytes_reserved = 90;
    CHECK(what_it_waits_for(snapshot).size() == 1);
}

TEST_CASE("progress counts from the first look, and keeps its numbers while Postgres is away",
          "[progress]") {
    ProgressLine line(at(0s), {});
    line.update(at(0s), {snapshot_of(100, 50, 10)});
    line.update(at(10s), {snapshot_of(200, 40, 20)});
    CHECK(line.gained().pages == 100);
    CHECK(line.now().slices_lost == 2);
    CHECK(line.text().starts_with(
        "10 s · 100 pages (10/s) · 1,000 records (100/s) · 40 of 62 slices left, about 40 s"));
    Snapshot away;
    away.source = "hn";
    away.postgres_error = "gone";
    line.update(at(12s), {away});
    CHECK(line.gained().pages == 100);
    CHECK(line.text().find("waits for Postgres: gone") != std::string::npos);
    CHECK(line.json()["pages"] == 100);
}

TEST_CASE("the command to resume repeats what was asked, without passwords", "[progress]") {
    Invocation invocation;
    invocation.command = "backfill";
    invocation.names = {"github", "repos"};
    invocation.settings = {{"local", "true"}, {"redis.url", "redis://:secret@h"}, {"drain", "5 s"}};
    CHECK(command_to_resume(invocation) ==
          "pawl backfill github repos --set 'drain=5 s' --local --redis …");
}

TEST_CASE("tables line up by characters, numbers to the right", "[table]") {
    TextTable table({"name", "count"});
    table.add({"é", "1,234"});
    table.add({"long\nname", "7"});
    CHECK(table.text() == "name       count\né          1,234\nlong name      7\n");
    CHECK(grouped(-1'234'567) == "-1,234,567");
    CHECK(duration_text(75) == "1 min 15 s");
    CHECK(bytes_text(1'536) == "1.5 KiB");
}

TEST_CASE("a suggestion is close, or there is none", "[suggestion]") {
    CHECK(nearest("statsu", {"status", "sync"}) == "status");
    CHECK_FALSE(nearest("frobnicate", {"status", "sync"}).has_value());
}

}  // namespace pawl::app
