#pragma once

#include <map>
#include <string>

#include "core/settings.hpp"

namespace pawl::app {

/// A Postgres URL or keyword string without its password: for people, `status --json` and messages.
/// Pure.
[[nodiscard]] std::string without_password(const std::string& url);

/// Where Postgres is, for people: the URL, or the PG* variables that say so.
[[nodiscard]] std::string postgres_address(const core::Settings& settings,
                                           const std::map<std::string, std::string>& environment);

}  // namespace pawl::app
