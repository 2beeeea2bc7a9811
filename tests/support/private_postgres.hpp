#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace pawl::test {

/// A Postgres cluster of our own in a temporary directory, on a free port of 127.0.0.1: initialised
/// by the constructor, stopped and removed by the destructor. Dies with the test process, also when
/// that is killed. As root the server runs as the user `postgres`.
class PrivatePostgres {
  public:
    struct Options {
        /// False is fast and survives `kill()` all the same: the page cache outlives the server.
        /// Connections then need PAWL_ALLOW_UNSAFE_POSTGRES=1, which the constructor sets.
        bool fsync = false;
        std::vector<std::pair<std::string, std::string>> settings =
            {};  ///< more lines of postgresql.conf
        /// A folder for the data, all but the WAL: another disk. "": beside everything else.
        std::filesystem::path disk = {};
        /// The server whose hot standby this one is, until `promote`.
        const PrivatePostgres* primary = nullptr;
    };
    PrivatePostgres();
    explicit PrivatePostgres(Options options);
    ~PrivatePostgres();
    PrivatePostgres(const PrivatePostgres&) = delete;
    PrivatePostgres& operator=(const PrivatePostgres&) = delete;

    /// The cluster that all tests of an executable share; started by the first that asks.
    static PrivatePostgres& shared();

    /// "postgresql://postgres@127.0.0.1:PORT/DATABASE": superuser, no password.
    [[nodiscard]] std::string url(const std::string& database = "postgres") const;
    /// A fresh database, a copy of that of this name, which nobody may use meanwhile; by default empty. Returns its url. About 50 ms.
    [[nodiscard]] std::string new_database(const std::string& like = "template1");

    /// All return when it is done. `stop` is a fast shutdown, `kill` is `-m immediate`: a crash
    /// with recovery at the next start. `start` waits until the server takes connections; same
    /// port, same data.
    void stop();
    void kill();
    void start();
    void restart() {
        stop();
        start();
    }
    /// A copy of the data as it stands on the disk, and putting it back: while the server does not run.
    void snapshot();
    void restore();
    /// Ends the life of a standby: it takes writes when this returns.
    void promote();

    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] const std::filesystem::path& data() const { return data_; }

  private:
    void make_data(const Options& options);
    void end(int signal);
    [[nodiscard]] bool is_ready() const;

    std::filesystem::path directory_, data_;
    int port_ = 0;
    pid_t pid_ = -1;
    int databases_ = 0;
};

/// Runs one or more SQL statements through psql; returns its output (unaligned, tuples only, fields
/// split by '|', no newline at the end). Throws std::runtime_error with psql's message when it
/// fails.
std::string psql(const std::string& url, const std::string& sql);

}  // namespace pawl::test
