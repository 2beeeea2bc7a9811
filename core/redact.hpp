#pragma once

#include <string>
#include <string_view>

namespace pawl::core {

/// Remembers a secret so that no log line, error text, job or dead letter ever shows it. Values under 4 bytes are ignored.
/// Thread-safe.
void remember_secret(std::string_view secret);

/// Forgets it: for tokens that are over, of which a process sees thousands in a year. Thread-safe.
void forget_secret(std::string_view secret);

/// `text` with every known secret, and every query parameter that is called like one (token, key, secret, password …),
/// replaced by "***". Thread-safe.
[[nodiscard]] std::string redact(std::string_view text);

}  // namespace pawl::core
