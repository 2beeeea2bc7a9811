#include "app/local_postgres.hpp"

#include <pwd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/errors.hpp"

namespace pawl::app {

namespace fs = std::filesystem;

namespace {

constexpr auto postgres_poll_step = std::chrono::milliseconds(10);
constexpr int postgres_start_polls_max = 30'000;  // 300 s: recovery after a crash may take a while
constexpr int postgres_stop_polls_max = 6'000;    // 60 s

constexpr const char* missing =
    "no Postgres server is installed (/usr/lib/postgresql/*/bin) and none is configured.\n"
    "Install it (apt-get install postgresql) or say where one is: --postgres URL";

/// Debian keeps several versions side by side. A cluster is started by the version that made it.
std::string binaries_of(const std::string& wanted_version) {
    const fs::path root = "/usr/lib/postgresql";
    std::error_code error;
    std::string newest;
    int newest_version = 0;
    for (const auto& entry : fs::directory_iterator(root, error)) {
        const int version = std::atoi(entry.path().filename().c_str());
        if (!fs::exists(entry.path() / "bin" / "initdb", error)) continue;
        if (!wanted_version.empty() && entry.path().filename() != wanted_version) continue;
        if (version <= newest_version) continue;
        newest_version = version;
        newest = (entry.path() / "bin").string();
    }
    if (!newest.empty()) return newest;
    if (wanted_version.empty()) throw core::ConfigError(missing);
    throw core::ConfigError("the local cluster was made by Postgres " + wanted_version +
                            ", which is not installed (apt-get install postgresql-" +
                            wanted_version + ")");
}

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

void must_work(const Finished& finished, const std::string& what) {
    if (finished.exit_code != 0) throw core::TransientError(what + " failed: " + finished.output);
}

/// What the server's user cannot enter, from the root down; nullopt when all folders are open to
/// it.
std::optional<std::string> closed_folder(const fs::path& path, const Account& account) {
    fs::path walked;
    for (const auto& part : path) {
        walked /= part;
        std::error_code error;
        const auto status = fs::status(walked, error);
        if (error || !fs::is_directory(status)) continue;
        if ((status.permissions() & fs::perms::others_exec) == fs::perms::none) {
            struct passwd* owner = ::getpwuid(account.uid);
            const std::string name = owner ? owner->pw_name : "postgres";
            const auto finished = run_to_end({"/usr/bin/test", "-x", walked.string()}, account);
            if (finished.exit_code != 0) return walked.string() + " (user " + name + ")";
        }
    }
    return std::nullopt;
}

std::string percent_encode(const std::string& path) {
    constexpr const char* hex = "0123456789ABCDEF";
    std::string out;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '/' || c == '-' || c == '_' || c == '.' || c == '~')
            out += c;
        else
            out += {'%', hex[byte >> 4], hex[byte & 15]};
    }
    return out;
}

}  // namespace

std::optional<Account> postgres_account() {
    if (::geteuid() != 0) return std::nullopt;
    const passwd* entry = ::getpwnam("postgres");
    if (entry == nullptr) throw core::ConfigError(missing);
    return Account{entry->pw_uid, entry->pw_gid};
}

LocalPostgres::LocalPostgres(std::string home_folder, std::string socket_folder,
                             std::optional<Account> account)
    : home_(std::move(home_folder)), socket_folder_(std::move(socket_folder)), account_(account) {}

std::string LocalPostgres::url() const {
    return "postgresql://postgres@/pawl?host=" + percent_encode(socket_folder_) + "&port=5432";
}

void LocalPostgres::own(const std::string& path) const {
    if (account_ && ::chown(path.c_str(), account_->uid, account_->gid) != 0)
        throw core::ConfigError("cannot give " + path + " to the user postgres");
}

/// Made under another name and renamed when it is complete: a kill on the way leaves nothing
/// half-made behind.
void LocalPostgres::create_cluster(const std::string& binaries) const {
    const std::string fresh = home_ + "/data.new";
    fs::remove_all(fresh);
    must_work(run_to_end({binaries + "/initdb", "-D", fresh, "-U", "postgres", "--auth-local=trust",
                          "--auth-host=reject", "-E", "UTF8", "--locale=C.UTF-8"},
                         account_),
              "initdb");
    must_work(run_to_end({binaries + "/postgres", "--single", "-D", fresh, "postgres"}, account_,
                         "create database pawl\n"),
              "creating the database");
    {
        std::ofstream file(fresh + "/postgresql.conf", std::ios::app);
        file << "\ninclude_if_exists 'pawl.conf'\n";
        if (!file.flush()) throw core::TransientError("cannot write " + fresh + "/postgresql.conf");
    }
    fs::rename(fresh, data());
}

void LocalPostgres::write_configuration() const {
    const std::string path = data() + "/pawl.conf";
    std::ofstream file(path, std::ios::trunc);
    file << "# Written by pawl at each start; put your own settings into postgresql.auto.conf "
            "(ALTER SYSTEM).\n"
         << "listen_addresses = ''\nport = 5432\n"
         << "unix_socket_directories = '" << socket_folder_ << "'\nunix_socket_permissions = 0700\n"
         << "shared_buffers = '256MB'\nmax_connections = 100\nmax_wal_size = '4GB'\n"
         << "checkpoint_timeout = '15min'\nwal_compression = on\ntimezone = 'UTC'\nlog_timezone = "
            "'UTC'\n";
    if (!file.flush()) throw core::TransientError("cannot write " + path);
    own(path);
}

bool LocalPostgres::is_ready() const {
    std::ifstream file(pid_file());  // eighth line: the state, as pg_ctl reads it
    std::string line;
    for (int number = 1; std::getline(file, line); ++number)
        if (number == 8) return line.starts_with("ready") && running_process(pid_file(), data());
    return false;
}

void LocalPostgres::launch() const {
    const bool is_new = !fs::exists(data() + "/PG_VERSION");
    const auto binaries = binaries_of(is_new ? "" : first_line(data() + "/PG_VERSION"));
    if (is_new) create_cluster(binaries);
    write_configuration();
    must_work(run_to_end({binaries + "/pg_ctl", "-D", data(), "-l", log(), "-w", "-t", "300", "-s",
                          "start"},
                         account_),
              "starting the local Postgres server (log: " + log() + ")");
}

void LocalPostgres::start() {
    fs::create_directories(home_);
    own(home_);
    fs::permissions(home_, fs::perms::owner_all);
    if (account_)
        if (const auto closed = closed_folder(fs::absolute(home_), *account_))
            throw core::ConfigError(
                "the local Postgres server cannot enter " + *closed +
                ": choose another folder with --state-dir, such as /var/lib/pawl");
    bool launched = false;
    for (int i = 0; i < postgres_start_polls_max && !is_ready(); ++i) {
        // One that was told to stop by the last user ends first.
        if (!running_process(pid_file(), data())) {
            if (launched) break;
            launch();
            launched = true;
        }
        std::this_thread::sleep_for(postgres_poll_step);
    }
    if (!is_ready())
        throw core::TransientError("the local Postgres server is not ready; its log is " + log());
}

void LocalPostgres::stop_soon() {
    if (const auto pid = running_process(pid_file(), data()))
        ::kill(*pid, SIGINT);  // fast shutdown
}

void LocalPostgres::stop() {
    stop_soon();
    for (int i = 0; i < postgres_stop_polls_max && running_process(pid_file(), data()); ++i)
        std::this_thread::sleep_for(postgres_poll_step);
}

}  // namespace pawl::app
