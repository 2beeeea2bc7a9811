#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace pawl::collector {

/// The text of a file that holds secrets, at most `bytes_max` of it. Warns when other users may read or write it. `what`
/// begins the messages: "credentials", "auth: jwt". Throws core::ConfigError when it cannot be read.
[[nodiscard]] std::string read_secret_file(const std::filesystem::path& path, std::size_t bytes_max, const std::string& what);

}  // namespace pawl::collector
