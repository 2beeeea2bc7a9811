#pragma once

#include <string>

namespace pawl::app {

/// A private redis-server: append-only file flushed every second, no eviction, no TCP port. Callers
/// hold the lock of LocalServers; everything here blocks.
class LocalRedis {
  public:
    /// `data_folder` is created where missing; the socket is put into `socket_folder`, which is
    /// there.
    LocalRedis(std::string data_folder, std::string socket_folder);

    /// Starts it, or finds it running (left by a process that was killed), and waits until it
    /// answers. Throws core::ConfigError when redis-server is not installed, core::TransientError
    /// when it does not start.
    void start();
    /// Waits until it has ended; what is running already ended is no error.
    void stop();
    /// Asks it to end, without waiting.
    void stop_soon();

    [[nodiscard]] std::string url() const { return "unix://" + socket_; }

  private:
    [[nodiscard]] std::string pid_file() const { return folder_ + "/redis.pid"; }
    void launch() const;
    void write_configuration() const;
    std::string folder_, socket_;
};

}  // namespace pawl::app
