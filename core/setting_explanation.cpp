#include "core/setting_explanation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/diagnostics.hpp"

namespace pawl::core {

std::vector<const SettingField*> find_settings(std::string_view words) {
    const std::string section = std::string(words) + ".";
    std::vector<const SettingField*> found;
    for (const SettingField& setting : settings_fields())
        if (setting.path == words || setting.path.starts_with(section)) found.push_back(&setting);
    return found;
}

std::string explanation(const SettingField& setting) {
    return fmt::format(
        "{} (a setting, not of a source file)\n\n  {}\n\n  type     {}\n  default  {}\n  set by   pawl.yaml, {}, --set {}=…\n",
        setting.path, setting.doc, setting.type, setting.fallback.empty() ? "none" : setting.fallback,
        setting_variable(setting.path), setting.path);
}

std::string explanation(const std::vector<const SettingField*>& section) {
    std::size_t width = 0;
    for (const auto* setting : section) width = std::max(width, setting->path.size());
    std::string out = "Settings, not of a source file:\n\n";
    for (const auto* setting : section) out += fmt::format("  {:{}}  {}\n", setting->path, width, setting->doc);
    return out;
}

std::string setting_hint(std::string_view words) {
    std::vector<std::string> paths;
    for (const SettingField& setting : settings_fields()) paths.emplace_back(setting.path);
    return did_you_mean(words, paths);
}

}  // namespace pawl::core
