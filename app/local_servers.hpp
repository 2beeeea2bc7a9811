#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "app/file_lock.hpp"
#include "app/local_postgres.hpp"
#include "app/local_redis.hpp"
#include "core/settings.hpp"

namespace pawl::app {

/// Which servers pawl must bring itself, by settings and environment. Pure.
struct LocalNeeds {
    bool redis = false, postgres = false;
};
[[nodiscard]] LocalNeeds local_needs(const core::Settings& settings,
                                     const std::map<std::string, std::string>& environment);

/// Private servers of one state directory, shared by all commands that run at a time: every one
/// holds a shared lock on `users`, so the kernel counts them, and whoever finds itself alone at the
/// end stops the servers. Servers left by a killed process are found by their pid files and used
/// again. Never touches services of the system.
class LocalServers {
  public:
    /// Starts what `needs` asks for. Blocks. Throws as LocalRedis and LocalPostgres do.
    LocalServers(const std::string& state_dir, LocalNeeds needs);
    /// Stops the servers when nobody else uses them. Blocks.
    ~LocalServers();
    LocalServers(const LocalServers&) = delete;
    LocalServers& operator=(const LocalServers&) = delete;

    /// The same without waiting for them to end: for a second Ctrl-C.
    void leave_at_once();
    /// Puts their URLs into `settings`.
    void apply_to(core::Settings& settings) const;

  private:
    enum class Stop : std::uint8_t { wait, at_once };
    void leave(Stop how);
    std::string folder_;
    std::unique_ptr<LocalRedis> redis_;
    std::unique_ptr<LocalPostgres> postgres_;
    std::optional<FileLock> user_;
};

}  // namespace pawl::app
