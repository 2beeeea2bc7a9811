#pragma once

#include <optional>
#include <string>

#include "app/subprocess.hpp"

namespace pawl::app {

/// A private Postgres cluster that listens on a unix socket only. As root it runs as the user
/// `postgres` (Postgres refuses root). Callers hold the lock of LocalServers; everything here
/// blocks.
class LocalPostgres {
  public:
    /// `home_folder` holds the data and the log; the socket is put into `socket_folder`, which
    /// belongs to `account`.
    LocalPostgres(std::string home_folder, std::string socket_folder,
                  std::optional<Account> account);

    /// Creates the cluster the first time; starts it, or finds it running, and waits until it takes
    /// connections. Throws core::ConfigError when the server is not installed or its user cannot
    /// enter the folder, core::TransientError when it does not start.
    void start();
    void stop();
    void stop_soon();

    /// postgresql://postgres@/pawl?host=…: for libpq and psql alike.
    [[nodiscard]] std::string url() const;

  private:
    void launch() const;
    void create_cluster(const std::string& binaries) const;
    void write_configuration() const;
    void own(const std::string& path) const;
    [[nodiscard]] bool is_ready() const;
    [[nodiscard]] std::string data() const { return home_ + "/data"; }
    [[nodiscard]] std::string log() const { return home_ + "/postgres.log"; }
    [[nodiscard]] std::string pid_file() const { return data() + "/postmaster.pid"; }
    std::string home_, socket_folder_;
    std::optional<Account> account_;
};

/// The account the cluster runs as: none (our own) unless we are root. Throws core::ConfigError as
/// root without a user `postgres`.
[[nodiscard]] std::optional<Account> postgres_account();

}  // namespace pawl::app
