#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace pawl::app {

/// The account a child runs as.
struct Account {
    uid_t uid = 0;
    gid_t gid = 0;
};

struct Finished {
    int exit_code = 0;   ///< 128 + signal when it was killed
    std::string output;  ///< stdout and stderr, at most 64 KiB of it
};

/// Runs a program to its end. `words[0]` is an absolute path. It gets `input` on stdin, the locale
/// C and no other environment than PATH: messages are in one language and PG* variables do not leak
/// into the servers. Blocks.
[[nodiscard]] Finished run_to_end(const std::vector<std::string>& words,
                                  std::optional<Account> account, const std::string& input = {});

/// The first executable called `name` in `folders`; nullopt when there is none.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name,
                                                      const std::vector<std::string>& folders);

/// The process named by the first line of `pid_file`, if it runs and works in `folder`: a pid alone
/// may be anyone's after a restart of the machine.
[[nodiscard]] std::optional<pid_t> running_process(const std::string& pid_file,
                                                   const std::string& folder);

}  // namespace pawl::app
