#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/child_process.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// A redis-server of this test alone: a free port of 127.0.0.1 and a unix socket, data in a
/// temporary directory. It can be stopped, killed and started again on the same data and port, and
/// set back to an older copy of its data.
class PrivateRedis {
  public:
    using Config = std::vector<std::pair<std::string, std::string>>;  ///< "maxmemory", "10mb"
    using Env = std::map<std::string, std::string>;

    /// Starts it and waits until it answers. `config` comes behind the defaults: appendonly yes,
    /// appendfsync everysec, no RDB snapshots, enable-debug-command local.
    explicit PrivateRedis(Config config = {}, Env env = {});
    ~PrivateRedis();

    [[nodiscard]] std::string url() const;         ///< redis://127.0.0.1:port
    [[nodiscard]] std::string socket_url() const;  ///< unix:///…
    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] pid_t pid() const { return server_->pid(); }

    void start();
    void stop();    ///< SIGTERM and wait: everything is on disk
    void kill();    ///< SIGKILL
    void pause();   ///< SIGSTOP
    void resume();  ///< SIGCONT

    /// Copies the append-only directory under `name`. Works while the server runs.
    void snapshot(const std::string& name);
    /// Puts a copy in the place of the append-only directory. The server must be stopped.
    void restore(const std::string& name);

    /// What `redis-cli` prints for a command, without the last line break. Throws
    /// std::runtime_error when it fails.
    std::string command(std::vector<std::string> arguments) const;

  private:
    TemporaryDirectory directory_;
    Config config_;
    Env env_;
    int port_ = 0;
    std::unique_ptr<ChildProcess> server_;
};

}  // namespace pawl::test
