#include "app/subprocess.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "core/errors.hpp"

namespace pawl::app {

namespace {

struct Pipe {
    int read_end = -1, write_end = -1;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw core::TransientError(std::string("pipe: ") + std::strerror(errno));
        read_end = ends[0];
        write_end = ends[1];
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_read();
        close_write();
    }
    void close_read() {
        if (read_end >= 0) ::close(std::exchange(read_end, -1));
    }
    void close_write() {
        if (write_end >= 0) ::close(std::exchange(write_end, -1));
    }
};

/// In the child, between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* words, char* const* environment,
                         std::optional<Account> account, int in, int out) {
    ::dup2(in, STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::setsid();  // a Ctrl-C at the terminal is for pawl, which then stops its servers in order
    if (account && (::setgroups(1, &account->gid) != 0 || ::setgid(account->gid) != 0 ||
                    ::setuid(account->uid) != 0))
        ::_exit(126);
    if (::chdir("/") != 0) ::_exit(126);
    ::execve(words[0], words, environment);
    ::_exit(127);
}

int wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string read_all(int descriptor) {
    constexpr std::size_t kept_max = 64 * 1024;
    std::string text;
    char buffer[4096];
    while (true) {
        const ssize_t count = ::read(descriptor, buffer, sizeof buffer);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return text;
        if (text.size() < kept_max) text.append(buffer, static_cast<std::size_t>(count));
    }
}

}  // namespace

Finished run_to_end(const std::vector<std::string>& words, std::optional<Account> account,
                    const std::string& input) {
    std::vector<char*> arguments;
    for (const auto& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    std::string path = "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
                locale = "LC_ALL=C.UTF-8";
    char* environment[] = {path.data(), locale.data(), nullptr};

    Pipe in, out;
    const pid_t child = ::fork();
    if (child < 0) throw core::TransientError(std::string("fork: ") + std::strerror(errno));
    if (child == 0) become(arguments.data(), environment, account, in.read_end, out.write_end);
    in.close_read();
    out.close_write();
    // Input is a line or two, far below a pipe's buffer, so this write cannot wait for our own
    // read.
    if (!input.empty() && ::write(in.write_end, input.data(), input.size()) < 0 && errno != EPIPE)
        throw core::TransientError(std::string("write to ") + words[0] + ": " +
                                   std::strerror(errno));
    in.close_write();
    Finished finished;
    finished.output = read_all(out.read_end);
    finished.exit_code = wait_for(child);
    return finished;
}

std::optional<std::string> find_program(const std::string& name,
                                        const std::vector<std::string>& folders) {
    for (const auto& folder : folders) {
        const std::string path = folder + "/" + name;
        if (::access(path.c_str(), X_OK) == 0) return path;
    }
    return std::nullopt;
}

std::optional<pid_t> running_process(const std::string& pid_file, const std::string& folder) {
    std::ifstream file(pid_file);
    pid_t pid = 0;
    if (!(file >> pid) || pid <= 1) return std::nullopt;
    std::error_code error;
    const auto works_in =
        std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/cwd", error);
    if (error) return std::nullopt;  // gone, or a zombie
    const auto wanted = std::filesystem::canonical(folder, error);
    if (error || works_in != wanted) return std::nullopt;
    return pid;
}

}  // namespace pawl::app
