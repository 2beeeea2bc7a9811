#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/private_postgres.hpp"
#include "tests/support/private_redis.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// One request as the replica answered it.
struct Asked {
    std::int64_t time_us = 0;
    std::string owner, target;  ///< path and query
    int status = 0;             ///< 0: reset
};

/// What Redis or Postgres took between two moments, in microseconds since the epoch, and did not have afterwards.
struct MemoryLoss {
    std::int64_t from_us = 0, to_us = 0;
};
[[nodiscard]] std::int64_t now_us();

/// A replica of the API in a process of its own, on a free port, with a log of every request.
class Replica {
  public:
    Replica(const std::filesystem::path& directory, std::vector<std::string> options);
    [[nodiscard]] std::string url() const { return url_; }
    [[nodiscard]] std::vector<Asked> asked() const;
    /// What it counted: requests, refusals, violations of its limits.
    [[nodiscard]] nlohmann::json report() const;

  private:
    std::filesystem::path log_;
    std::unique_ptr<ChildProcess> process_;
    std::string url_;
};

/// Real servers of one test: the replica, Redis, Postgres and pawl processes on the same source file.
class World {
  public:
    struct Options {
        std::vector<std::string> replica;            ///< options of pawl_replica
        std::map<std::string, std::string> env;      ///< for the source file and pawl
        std::string source = "tests/end_to_end/small_github.yaml";
        std::string lease = "1s";
        int walks_max = 4;
        bool fsync = false;
        std::filesystem::path postgres_disk = {};         ///< as PrivatePostgres::Options::disk
        std::map<std::string, std::string> redis_env = {};
        PrivateRedis::Config redis_config = {};  ///< as that of PrivateRedis
    };
    World() : World(Options()) {}
    explicit World(Options options);
    ~World();

    Replica& replica() { return replica_; }
    [[nodiscard]] const Replica& replica() const { return replica_; }
    PrivateRedis& redis() { return redis_; }
    PrivatePostgres& postgres() { return postgres_; }
    [[nodiscard]] std::string database() const { return database_; }
    /// The database is elsewhere from now on, for `sql` and for the processes that start.
    void move_database(const std::string& url);
    [[nodiscard]] int walks_max() const { return options_.walks_max; }

    /// Starts `pawl ARGUMENTS…` on this world. Its messages are kept in log() once it is ended by `end`.
    [[nodiscard]] std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments, const std::string& slot);
    /// A variable for the processes that start from now on.
    void set_env(const std::string& name, const std::string& value) { options_.env[name] = value; }
    /// Kills it if it still runs, reaps it, keeps what it said.
    void end(std::unique_ptr<ChildProcess>& process);
    /// Runs a command to its end.
    Ran run(std::vector<std::string> arguments, std::chrono::seconds patience = std::chrono::seconds(120));
    /// What all ended processes wrote to stderr.
    [[nodiscard]] const std::string& log() const { return log_; }
    /// How many lines of the log hold `sentence`.
    [[nodiscard]] int told(const std::string& sentence) const;

    /// The test broke Redis, or set Postgres back: what it took since `from_us` may be gone. The repeats that follow are tied to it.
    void memory_lost_since(std::int64_t from_us) { memory_losses_.push_back({from_us, now_us()}); }
    [[nodiscard]] const std::vector<MemoryLoss>& memory_losses() const { return memory_losses_; }

    /// All user tables of the schema, without pawl's own columns, in one text with a fixed order.
    [[nodiscard]] std::map<std::string, std::string> tables() const;
    [[nodiscard]] int pages_stored() const { return std::stoi(sql("select count(*) from pawl.page")); }
    [[nodiscard]] std::string sql(const std::string& statement) const { return psql(database_, statement); }

  private:
    [[nodiscard]] ChildProcess::Options command(std::vector<std::string> arguments, const std::string& slot) const;

    Options options_;
    TemporaryDirectory directory_;
    Replica replica_;
    PrivateRedis redis_;
    PrivatePostgres postgres_;
    std::string database_;
    std::string log_;
    std::vector<MemoryLoss> memory_losses_;
};

/// How many lines of a log hold `sentence`.
[[nodiscard]] int lines_with(const std::string& log, const std::string& sentence);

/// Where a process with `--listen` serves metrics and health: waits until it says so.
[[nodiscard]] std::string service_url(const ChildProcess& service);

/// The binary under test.
[[nodiscard]] std::string pawl_binary();

/// Requires that two results of World::tables are the same, and says in which table and line they part.
void check_same_tables(const std::map<std::string, std::string>& expected,
                       const std::map<std::string, std::string>& found);

}  // namespace pawl::test
