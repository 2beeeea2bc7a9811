#pragma once

#include <stdexcept>
#include <string>

/// The three ways in which pawl cannot do its job. Library exceptions are translated into one of these in the folder
/// that owns the library; everything else that can happen is an outcome, a value from a closed set.
namespace pawl::core {

/// A person must edit something (source file, settings, credentials, rights). Never retried.
struct ConfigError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Redis, Postgres or the API refuses our credentials: exit code 6.
struct RefusedError : ConfigError {
    using ConfigError::ConfigError;
};

/// The world is not ready (server down, disk full, lock timeout, reply lost). Try again later; burns no attempts.
/// `outcome_unknown` is true where the request may have taken effect all the same (a lost reply).
struct TransientError : std::runtime_error {
    explicit TransientError(const std::string& what, bool unknown = false)
        : std::runtime_error(what), outcome_unknown(unknown) {}
    bool outcome_unknown;
};

/// This one item can never be done, whatever the world does: park it with its reason.
struct PermanentError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

}  // namespace pawl::core
