#pragma once

#include <exception>
#include <stdexcept>

#include "core/outcome.hpp"

namespace pawl::app {

/// The command was asked for something that is not there or makes no sense: exit code 2.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Says on stderr why a command could not do its job, secrets removed, and returns the exit code
/// for it.
[[nodiscard]] core::ExitCode tell_failure(std::exception_ptr failure);

}  // namespace pawl::app
