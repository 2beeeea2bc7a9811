#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/end_to_end/world.hpp"

namespace pawl::test {

/// Sleeps are what the fault tests inject, not how they wait: the moments of kills and stops.
void pause_for(std::chrono::milliseconds time);

/// Two collectors, two workers and one process that is both, each started again whenever it was killed. All moments and
/// choices come from the seed.
class Crew {
  public:
    Crew(World& world, unsigned seed);

    [[nodiscard]] std::int64_t between(std::int64_t low, std::int64_t high);
    /// SIGKILL to one, started again a moment later.
    void kill_one();
    /// SIGSTOP for longer than the lease: what it held goes to others; then it wakes and goes on.
    void stop_one(std::chrono::milliseconds lease);
    /// How many lines of the logs hold `sentence` so far, of those that run and of those that are gone.
    [[nodiscard]] int told(const std::string& sentence) const;
    /// SIGTERM to all, and wait.
    void end();

    int kills = 0, stops = 0;

  private:
    struct Member {
        std::string role, slot;
        std::unique_ptr<ChildProcess> process = {};
    };
    Member& pick();
    void start(Member& member);

    World& world_;
    std::mt19937 random_;
    std::vector<Member> members_;
};

constexpr std::int64_t fsync_interval_us = 1'000'000;  // appendfsync everysec: what may be in no file yet

/// Redis comes back from a copy of its append-only directory that was taken so long ago.
void set_redis_back(World& world, std::chrono::milliseconds age);

/// A statement that may be refused itself: the server is gone, or read-only.
void try_sql(const World& world, const std::string& statement);
/// Whether transactions of Postgres may write, from now on.
void set_read_only(const World& world, bool read_only);
/// The Redis stream of one of the queue's 16 shards.
[[nodiscard]] std::string queue_key(int shard);

/// The tables of a run that nothing disturbed, with these variables for the source file; the run is made once for each set of them.
[[nodiscard]] const std::map<std::string, std::string>& undisturbed_tables(const std::map<std::string, std::string>& env = {},
                                                                           const std::vector<std::string>& replica = {});

/// A tenth of the pages, for tests whose faults take long enough themselves.
inline const std::map<std::string, std::string> few_pages{{"TEST_STARGAZER_PAGES", "4"}};

}  // namespace pawl::test
