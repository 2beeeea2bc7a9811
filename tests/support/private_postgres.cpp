#include "tests/support/private_postgres.hpp"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "tests/support/free_port.hpp"

namespace fs = std::filesystem;

namespace pawl::test {
namespace {

/// The newest Postgres that is installed; Debian keeps several side by side.
fs::path binaries() {
    fs::path best;
    int newest = 0;
    for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql")) {
        const int version = std::atoi(entry.path().filename().c_str());
        if (version > newest && fs::exists(entry.path() / "bin" / "initdb")) {
            newest = version;
            best = entry.path() / "bin";
        }
    }
    if (best.empty()) throw std::runtime_error("no Postgres server under /usr/lib/postgresql");
    return best;
}

/// Postgres refuses to run as root; then it runs as the user that Debian's package makes.
struct Account {
    uid_t uid;
    gid_t gid;
};
std::optional<Account> server_account() {
    if (::geteuid() != 0) return std::nullopt;
    const passwd* entry = ::getpwnam("postgres");
    if (entry == nullptr) throw std::runtime_error("running as root needs the user postgres");
    return Account{entry->pw_uid, entry->pw_gid};
}

/// Forks and executes. Between fork and exec only async-signal-safe calls: other threads may hold
/// locks.
pid_t launch(const std::vector<std::string>& words, std::optional<Account> account, int output) {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
    if (child > 0) return child;
    ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
    ::dup2(output, 1);
    ::dup2(output, 2);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (account && (::setgroups(0, nullptr) != 0 || ::setgid(account->gid) != 0 ||
                    ::setuid(account->uid) != 0 || ::chdir("/") != 0)) {
        ::_exit(126);
    }
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // after setuid, which clears it
    if (::getppid() != parent) ::_exit(125);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string run(const std::vector<std::string>& words, std::optional<Account> account) {
    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) throw std::runtime_error("pipe failed");
    const pid_t child = launch(words, account, pipe[1]);
    ::close(pipe[1]);
    std::string output;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(pipe[0], buffer, sizeof buffer)) != 0;) {
        if (n > 0) output.append(buffer, static_cast<std::size_t>(n));
        if (n < 0 && errno != EINTR) break;
    }
    ::close(pipe[0]);
    if (const int code = wait_for(child); code != 0) {
        throw std::runtime_error(words[0] + " exited with " + std::to_string(code) + ": " + output);
    }
    return output;
}

fs::path temporary_directory(std::optional<Account> account) {
    std::string name = (fs::temp_directory_path() / "pawl-postgres-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed: " + name);
    if (account && ::chown(name.c_str(), account->uid, account->gid) != 0) {
        throw std::runtime_error("chown failed: " + name);
    }
    return name;
}

}  // namespace

PrivatePostgres::PrivatePostgres() : PrivatePostgres(Options{}) {}

PrivatePostgres::PrivatePostgres(Options options) : port_(free_port()) {
    directory_ = temporary_directory(server_account());
    data_ = (options.disk.empty() ? directory_ : options.disk) / "data";
    make_data(options);
    std::ofstream conf(data_ / "postgresql.conf", std::ios::app);
    conf << "listen_addresses = '127.0.0.1'\nport = " << port_ << "\nunix_socket_directories = '"
         << directory_.string() << "'\nshared_buffers = 64MB\nmax_connections = 100\n"
         << "timezone = 'UTC'\nmax_wal_size = 512MB\nfsync = " << (options.fsync ? "on" : "off")
         << "\n";
    for (const auto& [name, value] : options.settings) conf << name << " = '" << value << "'\n";
    conf.close();
    if (!options.fsync) ::setenv("PAWL_ALLOW_UNSAFE_POSTGRES", "1", 1);
    start();
}

void PrivatePostgres::make_data(const Options& options) {
    if (options.primary != nullptr) {
        run({binaries() / "pg_basebackup", "-d", options.primary->url(), "-D", data_, "--write-recovery-conf",
             "--checkpoint=fast", "--no-sync"},
            server_account());
        return;
    }
    std::vector<std::string> words{binaries() / "initdb", "-D", data_, "-U", "postgres", "-A", "trust", "-E", "UTF8",
                                   "--locale=C.UTF-8", "--no-sync"};
    if (!options.disk.empty()) words.push_back("--waldir=" + (directory_ / "wal").string());
    run(words, server_account());
}

PrivatePostgres::~PrivatePostgres() {
    end(SIGQUIT);
    std::error_code ignored;  // a destructor has no one to tell; the temporary directory stays then
    fs::remove_all(directory_, ignored);
}

PrivatePostgres& PrivatePostgres::shared() {
    static PrivatePostgres cluster;
    return cluster;
}

std::string PrivatePostgres::url(const std::string& database) const {
    return "postgresql://postgres@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

std::string PrivatePostgres::new_database(const std::string& like) {
    const std::string name = "test_" + std::to_string(++databases_);
    psql(url(), "create database " + name + " template " + like);
    return url(name);
}

void PrivatePostgres::stop() { end(SIGINT); }
void PrivatePostgres::kill() { end(SIGQUIT); }

void PrivatePostgres::snapshot() {
    if (pid_ > 0) throw std::logic_error("snapshot needs a stopped Postgres");
    fs::remove_all(directory_ / "copy");
    run({"/bin/cp", "-a", data_, directory_ / "copy"}, server_account());
}

void PrivatePostgres::restore() {
    if (pid_ > 0) throw std::logic_error("restore needs a stopped Postgres");
    fs::remove_all(data_);
    run({"/bin/cp", "-a", directory_ / "copy", data_}, server_account());
}

void PrivatePostgres::promote() { (void)psql(url(), "select pg_promote()"); }

void PrivatePostgres::start() {
    if (pid_ > 0) return;
    const fs::path log = directory_ / "server.log";
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    pid_ = launch({binaries() / "postgres", "-D", data_}, server_account(), output);
    ::close(output);
    for (int tries = 0; tries < 6000 && !is_ready(); ++tries) {  // 30 s: crash recovery included
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = -1;
            std::ifstream text(log);
            throw std::runtime_error("Postgres did not start: " +
                                     std::string(std::istreambuf_iterator<char>(text), {}));
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (!is_ready()) throw std::runtime_error("Postgres is not ready after 30 s");
}

void PrivatePostgres::end(int signal) {
    if (pid_ <= 0) return;
    ::kill(pid_, signal);
    wait_for(pid_);
    pid_ = -1;
}

bool PrivatePostgres::is_ready() const {
    std::ifstream file(data_ /
                       "postmaster.pid");  // first line: pid, eighth: state, as pg_ctl reads it
    std::string line, first;
    for (int number = 1; std::getline(file, line); ++number) {
        if (number == 1) first = line;
        if (number == 8) return first == std::to_string(pid_) && line.starts_with("ready");
    }
    return false;
}

std::string psql(const std::string& url, const std::string& sql) {
    std::string output = run({binaries() / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
                              "-d", url, "-c", sql},
                             std::nullopt);
    while (output.ends_with('\n')) output.pop_back();
    return output;
}

}  // namespace pawl::test
