#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/private_postgres.hpp"
#include "tests/support/private_redis.hpp"
#include "tests/support/scripted_server.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// One source file against a server that says what the test wants. The source file finds the server
/// in ${API}. Redis and the database are this scene's own, the Postgres cluster is shared by all
/// scenes.
class Scene {
  public:
    /// `settings` are further lines of pawl.yaml.
    explicit Scene(const std::string& source, const std::string& settings = "");

    ScriptedServer& api() { return api_; }
    /// How often `target` was asked for.
    [[nodiscard]] int asked(const std::string& target) const;
    void set_env(const std::string& name, const std::string& value) { env_[name] = value; }

    /// Runs `pawl ARGUMENTS…` to its end.
    [[nodiscard]] Ran run(std::vector<std::string> arguments) const;
    /// `pawl sync`, killed up to four times at moments that `random` draws, or until it has ended, then left to its end.
    [[nodiscard]] Ran sync_with_kills(std::mt19937& random) const;
    [[nodiscard]] ChildProcess::Options command(std::vector<std::string> arguments) const;
    [[nodiscard]] std::string sql(const std::string& statement) const {
        return psql(database_, statement);
    }

  private:
    TemporaryDirectory directory_;
    ScriptedServer api_;
    PrivateRedis redis_;
    std::string database_;
    std::map<std::string, std::string> env_;
};

}  // namespace pawl::test
