#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/settings_table.hpp"

namespace pawl::core {

/// The settings that `words` name: one (`redis.url`), or those of a section (`redis`). Empty: none.
[[nodiscard]] std::vector<const SettingField*> find_settings(std::string_view words);
/// For a person at a terminal: what the setting is, its type and default, and the three places that set it.
[[nodiscard]] std::string explanation(const SettingField& setting);
/// Several of them, a line each.
[[nodiscard]] std::string explanation(const std::vector<const SettingField*>& section);
/// `did you mean "…"?`, or empty.
[[nodiscard]] std::string setting_hint(std::string_view words);

}  // namespace pawl::core
