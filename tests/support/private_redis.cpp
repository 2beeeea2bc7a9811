#include "tests/support/private_redis.hpp"

#include <signal.h>
#include <unistd.h>

#include <stdexcept>
#include <system_error>

#include "tests/support/eventually.hpp"
#include "tests/support/free_port.hpp"

namespace pawl::test {
namespace {
namespace fs = std::filesystem;

constexpr auto patience = std::chrono::seconds(60);

void copy_directory(const fs::path& from, const fs::path& to) {
    fs::remove_all(to);
    fs::create_directories(to);
    for (const auto& entry : fs::directory_iterator(from)) {
        std::error_code gone;  // a file of a rewrite that just ended
        fs::copy_file(entry.path(), to / entry.path().filename(), gone);
    }
}

}  // namespace

PrivateRedis::PrivateRedis(Config config, Env env)
    : config_(std::move(config)), env_(std::move(env)) {
    for (int attempt = 1;; ++attempt) {
        port_ = free_port();
        try {
            start();
            return;
        } catch (const std::runtime_error&) {  // another process may have taken the port
            if (attempt == 3) throw;
        }
    }
}

PrivateRedis::~PrivateRedis() = default;  // ChildProcess kills it

std::string PrivateRedis::url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
std::string PrivateRedis::socket_url() const {
    return "unix://" + (directory_.path() / "redis.sock").string();
}

void PrivateRedis::start() {
    ChildProcess::Options options;
    options.argv = {"redis-server",
                    "--port",
                    std::to_string(port_),
                    "--bind",
                    "127.0.0.1",
                    "--unixsocket",
                    (directory_.path() / "redis.sock").string(),
                    "--dir",
                    directory_.path().string(),
                    "--daemonize",
                    "no",
                    "--save",
                    "",
                    "--appendonly",
                    "yes",
                    "--appendfsync",
                    "everysec",
                    "--enable-debug-command",
                    "local"};
    for (const auto& [name, value] : config_) {
        options.argv.push_back("--" + name);
        options.argv.push_back(value);
    }
    options.env = env_;
    server_ = std::make_unique<ChildProcess>(std::move(options));
    const auto answers = [this] {
        if (!server_->is_running()) return true;
        const auto reply =
            run_program({{"redis-cli", "-p", std::to_string(port_), "ping"}, {}, {}, {}, {}});
        return reply.output.starts_with("PONG") || reply.output.starts_with("NOAUTH");
    };
    if (!eventually(patience, answers) || !server_->is_running()) {
        throw std::runtime_error("redis-server did not start: " + server_->output() +
                                 server_->errors());
    }
}

void PrivateRedis::stop() {
    server_->signal(SIGCONT);
    server_->signal(SIGTERM);
    if (!server_->wait(patience)) throw std::runtime_error("redis-server did not stop");
}

void PrivateRedis::kill() { server_->kill(); }
void PrivateRedis::pause() { server_->signal(SIGSTOP); }
void PrivateRedis::resume() { server_->signal(SIGCONT); }

void PrivateRedis::snapshot(const std::string& name) {
    copy_directory(directory_.path() / "appendonlydir", directory_.path() / ("copy-" + name));
}

void PrivateRedis::restore(const std::string& name) {
    if (server_->is_running()) throw std::logic_error("restore needs a stopped redis-server");
    copy_directory(directory_.path() / ("copy-" + name), directory_.path() / "appendonlydir");
}

std::string PrivateRedis::command(std::vector<std::string> arguments) const {
    ChildProcess::Options options;
    options.argv = {"redis-cli", "-p", std::to_string(port_)};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    auto ran = run_program(std::move(options));
    if (ran.status != 0) throw std::runtime_error("redis-cli: " + ran.output + ran.errors);
    if (ran.output.ends_with('\n')) ran.output.pop_back();
    return ran.output;
}

}  // namespace pawl::test
