#include "tests/support/child_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "tests/support/eventually.hpp"

extern char** environ;

namespace pawl::test {
namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

int temporary_file() {
    std::string name = (std::filesystem::temp_directory_path() / "pawl-output-XXXXXX").string();
    const int file = ::mkostemp(name.data(), O_CLOEXEC);
    if (file < 0) fail("mkostemp " + name);
    ::unlink(name.c_str());
    return file;
}

std::string content(int file) {
    std::string text;
    std::array<char, 65536> chunk{};
    while (true) {
        const auto size =
            ::pread(file, chunk.data(), chunk.size(), static_cast<off_t>(text.size()));
        if (size < 0) fail("read the output of a child");
        if (size == 0) return text;
        text.append(chunk.data(), static_cast<std::size_t>(size));
    }
}

std::vector<std::string> environment(const ChildProcess::Options& options) {
    std::map<std::string, std::string> variables;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        const auto equals = text.find('=');
        if (equals != std::string::npos)
            variables[text.substr(0, equals)] = text.substr(equals + 1);
    }
    for (const auto& name : options.unset) variables.erase(name);
    for (const auto& [name, value] : options.env) variables[name] = value;
    std::vector<std::string> entries;
    for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
    return entries;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
}

struct Streams {
    int input, output, errors, report;
};

/// Between fork and exec: only what is safe after a fork of a process with threads.
[[noreturn]] void become(const char* directory, const std::vector<char*>& argv,
                         const std::vector<char*>& env, Streams streams, pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool ready = ::getppid() == parent;
    ready = ready && ::dup2(streams.input, STDIN_FILENO) >= 0;
    ready = ready && ::dup2(streams.output, STDOUT_FILENO) >= 0;
    ready = ready && ::dup2(streams.errors, STDERR_FILENO) >= 0;
    ready = ready && (*directory == '\0' || ::chdir(directory) == 0);
    if (ready) {
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::execvpe(argv[0], argv.data(), env.data());
    }
    const int error = errno;
    [[maybe_unused]] const auto written = ::write(streams.report, &error, sizeof error);
    ::_exit(127);
}

}  // namespace

ChildProcess::ChildProcess(Options options) {
    auto env = environment(options);
    const auto argv_pointers = pointers(options.argv);
    const auto env_pointers = pointers(env);
    const int input = temporary_file();
    if (::write(input, options.input.data(), options.input.size()) < 0)
        fail("write a child's input");
    ::lseek(input, 0, SEEK_SET);
    output_ = temporary_file();
    errors_ = temporary_file();
    // The pipe closes at exec; what comes through it is why exec failed.
    std::array<int, 2> report{};
    if (::pipe2(report.data(), O_CLOEXEC) != 0) fail("pipe");
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        become(options.directory.c_str(), argv_pointers, env_pointers,
               {input, output_, errors_, report[1]}, parent);
    }
    ::close(input);
    ::close(report[1]);
    int error = 0;
    const bool failed = pid_ < 0 || ::read(report[0], &error, sizeof error) > 0;
    ::close(report[0]);
    if (failed) {
        if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
        ::close(output_);
        ::close(errors_);
        throw std::system_error(error, std::generic_category(), "start " + options.argv.at(0));
    }
}

ChildProcess::~ChildProcess() {
    kill();
    ::close(output_);
    ::close(errors_);
}

bool ChildProcess::is_running() { return !wait(std::chrono::milliseconds(0)); }

void ChildProcess::signal(int number) {
    if (is_running()) ::kill(pid_, number);
}

void ChildProcess::kill() {
    if (status_) return;
    ::kill(pid_, SIGKILL);
    wait(std::chrono::seconds(30));
}

std::optional<ChildProcess::Status> ChildProcess::wait(std::chrono::milliseconds patience) {
    const auto ended = [this] {
        if (status_) return true;
        int raw = 0;
        if (::waitpid(pid_, &raw, WNOHANG) != pid_) return false;
        status_ = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
        return true;
    };
    [[maybe_unused]] const bool in_time = eventually(patience, ended);
    return status_;
}

std::string ChildProcess::output() const { return content(output_); }
std::string ChildProcess::errors() const { return content(errors_); }

Ran run_program(ChildProcess::Options options, std::chrono::milliseconds patience) {
    const std::string name = options.argv.at(0);
    ChildProcess child(std::move(options));
    const auto status = child.wait(patience);
    if (!status) throw std::runtime_error(name + " did not end in time:\n" + child.errors());
    return {*status, child.output(), child.errors()};
}

}  // namespace pawl::test
