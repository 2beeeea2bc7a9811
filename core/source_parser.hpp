#pragma once

#include <map>
#include <string>
#include <string_view>

#include "core/diagnostics.hpp"
#include "core/source_file.hpp"

namespace pawl::core {

/// Reads and checks a source file. Throws ProblemsError (a ConfigError; its `problems` are the
/// values, what() the rendered list) with everything that is wrong, ConfigError when the file
/// cannot be read. Credentials in it are remembered as secrets.
[[nodiscard]] SourceFile load_source_file(const std::string& path,
                                          const std::map<std::string, std::string>& environment);
/// The same for a text; `file_name` is for messages.
[[nodiscard]] SourceFile parse_source_text(std::string_view text, const std::string& file_name,
                                           const std::map<std::string, std::string>& environment);

}  // namespace pawl::core
