#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/settings.hpp"

namespace pawl::core {

/// One setting of a pawl process: what `pawl.yaml`, the environment, flags, `--help` and
/// docs/operations.md follow.
struct SettingField {
    std::string_view
        path;  ///< "redis.command_timeout": section and key in pawl.yaml, and the flag's name
    std::string_view type;      ///< words for people
    std::string_view fallback;  ///< as it would be written
    std::string_view doc;       ///< one line
    /// Puts a text into its place. Returns what the text must be, when it is not that. Null
    /// pointer: `sources`, a list.
    std::string (*set)(Settings&, const std::string&);
    bool is_path = false;  ///< relative to the settings file that names it
};

[[nodiscard]] std::span<const SettingField> settings_fields();
/// "PAWL_REDIS_COMMAND_TIMEOUT"
[[nodiscard]] std::string setting_variable(std::string_view path);

}  // namespace pawl::core
