#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace pawl::test {

/// A child of the test. Its output goes to unnamed temporary files, so it never blocks on a full
/// pipe. Killed (SIGKILL) and reaped when the object goes; killed by the kernel when the thread
/// that started it ends.
class ChildProcess {
  public:
    struct Options {
        std::vector<std::string> argv;           ///< argv[0] is looked up in PATH
        std::map<std::string, std::string> env;  ///< added to, or in place of, what the test has
        std::vector<std::string> unset;          ///< variables the child must not have
        std::string directory;                   ///< working directory; "" : the test's
        std::string input;                       ///< what it reads from stdin
    };
    /// How it ended: the exit code, or 128 + signal.
    using Status = int;

    /// Throws std::system_error when it cannot be started (exec included).
    explicit ChildProcess(Options options);
    ~ChildProcess();
    ChildProcess(const ChildProcess&) = delete;
    ChildProcess& operator=(const ChildProcess&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool is_running();
    /// Sends a signal; nothing happens once it has ended.
    void signal(int number);
    /// SIGKILL, then reaps it.
    void kill();
    /// Waits for its end; nullopt when it still runs after `patience`.
    std::optional<Status> wait(std::chrono::milliseconds patience);
    /// What it wrote so far.
    [[nodiscard]] std::string output() const;
    [[nodiscard]] std::string errors() const;

  private:
    pid_t pid_ = -1;
    int output_ = -1, errors_ = -1;
    std::optional<Status> status_;
};

struct Ran {
    ChildProcess::Status status = -1;
    std::string output, errors;
};
/// Runs a program to its end. Throws std::runtime_error when it takes longer than `patience` (it is
/// killed).
[[nodiscard]] Ran run_program(ChildProcess::Options options,
                              std::chrono::milliseconds patience = std::chrono::minutes(2));

}  // namespace pawl::test
