// Hours of faults at a low rate, while one process that nobody touches must neither grow nor keep what it opened. By hand:
// PAWL_SOAK_MINUTES=120 build/test_end_to_end "[soak]" prints a line every ten minutes, and the account at the end.
#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <thread>

#include "tests/end_to_end/accounts.hpp"
#include "tests/end_to_end/crew.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/forwarder.hpp"

using namespace pawl::test;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr int requests_per_second = 3;

/// As many pages of stargazers of each of 15 repositories as make about `minutes` of requests: five users a page, one request each.
std::string stargazer_pages(int minutes) { return std::to_string(std::max(4, minutes * 60 * requests_per_second / (15 * 6))); }

/// What must stay flat, at one moment.
struct Footprint {
    double rss_mib = 0;         ///< of the process that nobody touches
    int descriptors = 0;        ///< its open files and sockets
    double redis_mib = 0;       ///< what Redis holds
    int queued = 0, pending = 0;
    int dead_rows = 0;          ///< of pawl's own tables, not yet vacuumed
    double bytes_per_page = 0;  ///< of the database
};

double rss_mib(pid_t pid) {
    std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
    long size = 0, resident = 0;
    statm >> size >> resident;
    return static_cast<double>(resident) * 4096 / (1 << 20);
}

int descriptors(pid_t pid) {
    const std::filesystem::directory_iterator open("/proc/" + std::to_string(pid) + "/fd");
    return static_cast<int>(std::distance(begin(open), end(open)));
}

/// The numbers behind `name` in a reply of redis-cli, added up.
long sum_of(const std::string& reply, const std::string& name) {
    long sum = 0;
    for (auto at = reply.find(name); at != std::string::npos; at = reply.find(name, at + 1)) sum += std::atol(reply.c_str() + at + name.size());
    return sum;
}

Footprint footprint(World& world, pid_t steady) {
    Footprint found{.rss_mib = rss_mib(steady), .descriptors = descriptors(steady)};
    found.redis_mib = static_cast<double>(sum_of(world.redis().command({"INFO", "memory"}), "used_memory:")) / (1 << 20);
    for (int shard = 0; shard < 16; ++shard) {
        const auto key = queue_key(shard);
        if (world.redis().command({"EXISTS", key}) != "1") continue;
        found.queued += std::atoi(world.redis().command({"XLEN", key}).c_str());
        found.pending += static_cast<int>(sum_of(world.redis().command({"XINFO", "GROUPS", key}), "pending\n"));
    }
    found.dead_rows = std::stoi(world.sql("select coalesce(sum(n_dead_tup), 0) from pg_stat_user_tables where schemaname = 'pawl'"));
    found.bytes_per_page = std::stod(world.sql("select pg_database_size(current_database())::float8 / (select count(*) + 1 from pawl.page)"));
    return found;
}

/// What may be done to the servers, the network and the processes, by name; each is over when it returns.
class Troubles {
  public:
    Troubles(World& world, Crew& crew, Forwarder& redis, Forwarder& postgres, Forwarder& api)
        : world_(world), crew_(crew), lines_{&redis, &postgres, &api} {}

    void one() {
        const auto& [name, act] = all_[static_cast<std::size_t>(crew_.between(0, static_cast<std::int64_t>(all_.size()) - 1))];
        act();
        ++counts_[name];
    }
    [[nodiscard]] int kinds() const { return static_cast<int>(all_.size()); }
    [[nodiscard]] const std::map<std::string, int>& counts() const { return counts_; }

  private:
    void moment(int low, int high) { pause_for(std::chrono::milliseconds(crew_.between(low, high))); }

    void redis_loses(std::chrono::seconds known, const std::function<void()>& what) {
        const auto from = now_us() - std::chrono::microseconds(known).count();
        what();
        world_.memory_lost_since(from);
    }

    void break_a_line() {
        auto& line = *lines_[static_cast<std::size_t>(crew_.between(0, 2))];
        line.black_hole(std::array{Forwarder::Way::both, Forwarder::Way::to_server, Forwarder::Way::to_client}[static_cast<std::size_t>(crew_.between(0, 2))]);
        moment(500, 4000);
        if (crew_.between(0, 1) == 0) line.cut();
        line.heal();
    }

    World& world_;
    Crew& crew_;
    std::array<Forwarder*, 3> lines_;
    std::map<std::string, int> counts_;
    const std::vector<std::pair<std::string, std::function<void()>>> all_{
        {"process killed", [&] { crew_.kill_one(); }},
        {"process stopped beyond its lease", [&] { crew_.stop_one(3s); }},
        {"network broken", [&] { break_a_line(); }},
        {"Redis killed", [&] { redis_loses(1s, [&] { world_.redis().kill(); moment(0, 500); world_.redis().start(); }); }},
        {"Redis set back", [&] { set_redis_back(world_, std::chrono::milliseconds(crew_.between(200, 3000))); }},
        {"Redis wiped", [&] { redis_loses(60s, [&] { world_.redis().command({"FLUSHALL"}); }); }},
        {"Redis paused", [&] { world_.redis().command({"CLIENT", "PAUSE", "2500", "ALL"}); }},
        {"Redis forgot its scripts", [&] { world_.redis().command({"SCRIPT", "FLUSH"}); }},
        {"Redis dropped connections", [&] { world_.redis().command({"CLIENT", "KILL", "TYPE", "normal"}); }},
        {"Redis full", [&] {
            world_.redis().command({"CONFIG", "SET", "maxmemory", "1"});
            moment(500, 3000);
            world_.redis().command({"CONFIG", "SET", "maxmemory", "0"});
        }},
        {"Postgres crashed", [&] { world_.postgres().kill(); moment(0, 500); world_.postgres().start(); }},
        {"Postgres killed connections", [&] {
            for (int i = 0; i < 5; ++i) {
                try_sql(world_, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");
                moment(20, 200);
            }
        }},
        {"Postgres held a lock", [&] { try_sql(world_, "begin; lock table github.stargazer in access exclusive mode; select pg_sleep(6); commit"); }},
        {"Postgres read-only", [&] { set_read_only(world_, true); moment(1000, 3000); set_read_only(world_, false); }},
    };
};

std::string line_of(const Footprint& at) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(1) << "steady " << at.rss_mib << " MiB, " << at.descriptors << " descriptors; Redis " << at.redis_mib
         << " MiB, " << at.queued << " queued, " << at.pending << " pending; Postgres " << at.dead_rows << " dead rows, "
         << std::setprecision(0) << at.bytes_per_page << " bytes a page";
    return text.str();
}

}  // namespace

TEST_CASE("hours of faults at a low rate: nothing is lost or doubled, and nothing grows", "[.][soak]") {
    const char* given = std::getenv("PAWL_SOAK_MINUTES");
    const int minutes = given ? std::atoi(given) : 120;
    REQUIRE(minutes >= 2);
    const unsigned seed = 20261127;
    const std::map<std::string, std::string> env{{"TEST_STARGAZER_PAGES", stargazer_pages(minutes)}, {"TEST_RATE", "1000000/h"}};
    const std::vector<std::string> no_window{"--limit", "1000000"};
    const auto& expected = undisturbed_tables(env, no_window);

    auto replica = no_window;
    replica.insert(replica.end(),
                   {"--faults", R"({"seed": 9, "server_error": 0.004, "reset": 0.003, "cut": 0.003, "secondary": 0.0005, "html": 0.002})"});
    World world({.replica = replica, .env = env, .lease = "3s", .fsync = true});
    Forwarder to_redis(world.redis().url()), to_postgres(world.database()), to_api(world.replica().url());
    world.set_env("PAWL_REDIS_URL", to_redis.url());
    world.set_env("PAWL_POSTGRES_URL", to_postgres.url());
    world.set_env("GITHUB_API", to_api.url());
    world.set_env("PAWL_HTTP_REQUEST_TIMEOUT", "3s");
    world.set_env("TEST_PACE", std::to_string(requests_per_second) + "/s");
    Crew crew(world, seed);
    auto steady = world.start({"run"}, "steady");
    Troubles troubles(world, crew, to_redis, to_postgres, to_api);
    std::cout << "soak test: seed " << seed << ", " << minutes << " minutes, " << env.at("TEST_STARGAZER_PAGES") << " pages of each of 15 lists" << std::endl;

    const auto began = Clock::now(), end = began + std::chrono::minutes(minutes);
    const auto step = std::min<std::chrono::seconds>(10min, std::chrono::seconds(minutes * 60 / 10));
    std::vector<Footprint> footprints;  // the highest of RSS and descriptors within each step
    Footprint highest;
    for (auto next = began + step; Clock::now() < end;) {
        pause_for(std::chrono::milliseconds(crew.between(4'000, 20'000)));
        REQUIRE(steady->is_running());
        const auto rss = rss_mib(steady->pid());
        const auto open = descriptors(steady->pid());
        highest.rss_mib = std::max(highest.rss_mib, rss);
        highest.descriptors = std::max(highest.descriptors, open);
        troubles.one();
        if (Clock::now() < next) continue;
        next += step;
        REQUIRE(eventually(60s, [&] { return world.redis().command({"PING"}) == "PONG"; }));
        auto now = footprint(world, steady->pid());
        now.rss_mib = std::max(now.rss_mib, highest.rss_mib);
        now.descriptors = std::max(now.descriptors, highest.descriptors);
        highest = {};
        footprints.push_back(now);
        std::cout << "soak test: " << std::chrono::duration_cast<std::chrono::minutes>(Clock::now() - began).count() << " min, "
                  << world.pages_stored() << " pages; " << line_of(now) << std::endl;
    }
    int faults = 0;
    for (const auto& [name, count] : troubles.counts()) {
        std::cout << "soak test: " << count << " × " << name << std::endl;
        faults += count;
    }
    if (minutes >= 30) CHECK(static_cast<int>(troubles.counts().size()) == troubles.kinds());
    std::cout << "soak test: " << faults << " faults of servers, network and processes, " << world.replica().report().dump() << std::endl;

    steady->signal(SIGTERM);
    steady->wait(35s);
    world.end(steady);
    std::cout << "soak test: ";
    conclude(world, crew, expected);

    REQUIRE(footprints.size() >= 5);
    const auto& early = footprints[1];
    const auto& late = footprints.back();
    CHECK(late.rss_mib < early.rss_mib * 1.1 + 2);
    CHECK(late.descriptors <= early.descriptors + 4);
    CHECK(late.redis_mib < early.redis_mib * 1.2 + 1);
    CHECK(late.pending < 200);
    CHECK(late.dead_rows < 50'000);
    CHECK(late.bytes_per_page < early.bytes_per_page * 1.1);
}
