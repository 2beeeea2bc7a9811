#include "app/local_redis.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <thread>

#include "app/subprocess.hpp"
#include "core/errors.hpp"

namespace pawl::app {

namespace fs = std::filesystem;

namespace {

constexpr auto redis_poll_step = std::chrono::milliseconds(10);
constexpr int redis_start_polls_max = 12'000;  // 120 s: a large append-only file is read first
constexpr int redis_stop_polls_max = 3'000;    // 30 s
constexpr int pid_file_polls_max = 200;  // 2 s

/// Asks PING over the socket. False while it loads, or when nobody listens.
bool answers(const std::string& socket_path) {
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return false;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
    const timeval patience{1, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    constexpr std::string_view ping = "PING\r\n";
    char reply[8]{};
    const bool alive =
        ::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
        ::send(descriptor, ping.data(), ping.size(), MSG_NOSIGNAL) > 0 &&
        ::recv(descriptor, reply, 5, MSG_WAITALL) == 5 && std::string_view(reply, 5) == "+PONG";
    ::close(descriptor);
    return alive;
}

std::string last_lines(const std::string& path) {
    constexpr std::size_t kept = 600;
    std::ifstream file(path);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    return text.size() > kept ? text.substr(text.size() - kept) : text;
}

}  // namespace

LocalRedis::LocalRedis(std::string data_folder, std::string socket_folder)
    : folder_(std::move(data_folder)), socket_(std::move(socket_folder) + "/redis.sock") {}

void LocalRedis::write_configuration() const {
    std::ofstream file(folder_ + "/redis.conf", std::ios::trunc);
    file << "# Written by pawl at each start; changes are lost.\n"
         << "port 0\n"
         << "unixsocket \"" << socket_ << "\"\nunixsocketperm 700\n"
         << "daemonize yes\npidfile \"" << pid_file() << "\"\n"
         << "logfile \"" << folder_ << "/redis.log\"\n"
         << "dir \"" << folder_ << "\"\n"
         << "appendonly yes\nappendfsync everysec\nsave \"\"\n"
         << "maxmemory-policy noeviction\n"
         << "maxmemory 1gb\n";  // pages on the queue are bounded far below (redis.queue_bytes_max)
    if (!file.flush()) throw core::ConfigError("cannot write " + folder_ + "/redis.conf");
}

void LocalRedis::launch() const {
    const auto program = find_program("redis-server", {"/usr/bin", "/usr/local/bin", "/usr/sbin"});
    if (!program)
        throw core::ConfigError(
            "redis-server is not installed and no Redis is configured.\n"
            "Install it (apt-get install redis-server) or say where one is: --redis URL");
    write_configuration();
    std::error_code absent;  // a socket left by a killed server
    fs::remove(socket_, absent);
    fs::remove(pid_file(), absent);
    const auto finished = run_to_end({*program, folder_ + "/redis.conf"}, std::nullopt);
    if (finished.exit_code != 0)
        throw core::TransientError("the local redis-server did not start: " + finished.output +
                                   last_lines(folder_ + "/redis.log"));
}

void LocalRedis::start() {
    fs::create_directories(folder_);
    fs::permissions(folder_, fs::perms::owner_all);
    std::optional<int> launched;  // at which poll
    for (int i = 0; i < redis_start_polls_max; ++i) {
        if (answers(socket_)) return;
        // One that was told to stop by the last user ends first. The pid file comes a moment after
        // the parent has left.
        if (!running_process(pid_file(), folder_)) {
            if (launched && i > *launched + pid_file_polls_max) break;
            if (!launched) {
                launch();
                launched = i;
            }
        }
        std::this_thread::sleep_for(redis_poll_step);
    }
    throw core::TransientError("the local redis-server does not answer at " + socket_ + ": " +
                               last_lines(folder_ + "/redis.log"));
}

void LocalRedis::stop_soon() {
    if (const auto pid = running_process(pid_file(), folder_)) ::kill(*pid, SIGTERM);
}

void LocalRedis::stop() {
    stop_soon();
    for (int i = 0; i < redis_stop_polls_max && running_process(pid_file(), folder_); ++i)
        std::this_thread::sleep_for(redis_poll_step);
}

}  // namespace pawl::app
