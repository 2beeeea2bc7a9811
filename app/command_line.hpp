#pragma once

#include <string>
#include <variant>
#include <vector>

#include "app/invocation.hpp"

namespace pawl::app {

/// What the command line itself answers: help, or a mistake with a suggestion.
struct CommandLineReply {
    std::string text;
    core::ExitCode exit_code = core::ExitCode::ok;  ///< ok: `text` is for stdout; else for stderr
};

/// Reads arguments (without the program's name). Decides nothing but their form.
[[nodiscard]] std::variant<Invocation, CommandLineReply> parse_command_line(
    const std::vector<std::string>& arguments);

/// Every command and every long flag, as `--help` shows them: what docs/operations.md must name.
[[nodiscard]] std::vector<std::string> command_names();
[[nodiscard]] std::vector<std::string> flag_names();

}  // namespace pawl::app
