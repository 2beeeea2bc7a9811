#include "core/settings.hpp"

#include <fmt/format.h>

#include <filesystem>

#include "core/diagnostics.hpp"
#include "core/settings_table.hpp"
#include "core/yaml_document.hpp"

namespace pawl::core {

namespace {

const SettingField* find_field(std::string_view path) {
    for (const SettingField& field : settings_fields())
        if (field.path == path) return &field;
    return nullptr;
}

std::vector<std::string> field_paths() {
    std::vector<std::string> paths;
    for (const SettingField& field : settings_fields()) paths.emplace_back(field.path);
    return paths;
}

/// `a:b:c`; empty ones are left out.
std::vector<std::string> split_paths(std::string_view text) {
    std::vector<std::string> paths;
    while (!text.empty()) {
        const std::size_t colon = text.find(':');
        if (colon != 0) paths.emplace_back(text.substr(0, colon));
        text.remove_prefix(colon == std::string_view::npos ? text.size() : colon + 1);
    }
    return paths;
}

std::string value_of(const Environment& environment, const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? "" : found->second;
}

void set_default_folders(Settings& settings, const Environment& environment) {
    const std::string state = value_of(environment, "STATE_DIRECTORY");
    const std::string xdg = value_of(environment, "XDG_STATE_HOME");
    const std::string home = value_of(environment, "HOME");
    if (!state.empty())
        settings.state_dir = state.substr(0, state.find(':'));  // systemd lists several with colons
    else if (!xdg.empty())
        settings.state_dir = xdg + "/pawl";
    else  // root's home is closed to the user that a local Postgres server runs as
        settings.state_dir =
            home.empty() || home == "/root" ? "/var/lib/pawl" : home + "/.local/state/pawl";
    settings.secrets_dir = value_of(environment, "CREDENTIALS_DIRECTORY");
}

/// Reads pawl.yaml into `settings`.
class SettingsFile {
  public:
    SettingsFile(Settings& settings, std::string path, const Environment& environment)
        : settings_(settings), path_(std::move(path)), environment_(environment) {}

    void read() {
        const std::string text = read_text_file(path_);
        Problems problems{path_, text};
        const YamlNode root = parse_yaml(text, environment_, problems);
        if (root.is_map())
            read_map(root, "", problems);
        else if (root.kind != YamlNode::Kind::invalid && !root.is_null())
            problems.add({1, 1}, "the file must be a map of settings");
        problems.throw_if_any();
    }

  private:
    void read_map(const YamlNode& map, const std::string& section, Problems& problems) {
        for (const YamlNode::Member& member : map.members) {
            const std::string path = section.empty() ? member.name : section + "." + member.name;
            const bool is_section = section.empty() && is_a_section(member.name);
            if (is_section && member.value.is_map())
                read_map(member.value, path, problems);
            else if (is_section && !member.value.is_null())
                problems.add(member.value.at, fmt::format("\"{}\" must be a map", path));
            else if (!is_section)
                read_setting(member, path, problems);
        }
    }

    void read_setting(const YamlNode::Member& member, const std::string& path, Problems& problems) {
        const SettingField* field = find_field(path);
        if (field == nullptr) {
            const std::string section = path.substr(0, path.size() - member.name.size());
            problems.add(member.at, fmt::format("unknown setting \"{}\"", path),
                         did_you_mean(member.name, names_in(section)));
        } else if (member.value.is_null()) {
            problems.add(member.at, fmt::format("\"{}\" has no value", path));
        } else if (field->set == nullptr) {
            read_sources(member.value, problems);
        } else if (member.value.is_scalar()) {
            const bool relative = field->is_path && !member.value.text.empty();
            const std::string wanted =
                field->set(settings_, relative ? resolve(member.value.text) : member.value.text);
            if (!wanted.empty())
                problems.add(member.value.at, fmt::format("\"{}\" must be {}, not \"{}\"", path,
                                                          wanted, member.value.text));
        } else if (member.value.kind != YamlNode::Kind::invalid) {
            problems.add(member.value.at, fmt::format("\"{}\" must be a value", path));
        }
    }

    void read_sources(const YamlNode& node, Problems& problems) {
        settings_.sources.clear();
        if (node.is_scalar()) settings_.sources.push_back(resolve(node.text));
        for (const YamlNode& item : node.items) {
            if (item.is_scalar())
                settings_.sources.push_back(resolve(item.text));
            else if (item.kind != YamlNode::Kind::invalid)
                problems.add(item.at, "an entry of \"sources\" must be a path");
        }
        if (node.is_map()) problems.add(node.at, "\"sources\" must be a path or a list of paths");
    }

    std::string resolve(const std::string& path) const {
        return (std::filesystem::path(path_).parent_path() / path).string();
    }

    static bool is_a_section(std::string_view name) {
        return !names_in(std::string(name) + ".").empty();
    }

    /// Keys of a section ("redis."), or with "" those at the top, sections among them.
    static std::vector<std::string> names_in(const std::string& section) {
        std::vector<std::string> names;
        for (const SettingField& field : settings_fields()) {
            const std::string_view path = field.path;
            if (!path.starts_with(section)) continue;
            const std::string_view rest = path.substr(section.size());
            names.emplace_back(rest.substr(0, section.empty() ? rest.find('.') : rest.size()));
        }
        return names;
    }

    Settings& settings_;
    std::string path_;
    const Environment& environment_;
};

/// `origin` is what a person wrote: "PAWL_LEASE", "--lease".
void set_from_text(Settings& settings, const SettingField& field, const std::string& origin,
                   const std::string& text, std::vector<Problem>& found) {
    if (field.set == nullptr) {
        settings.sources = split_paths(text);
        return;
    }
    const std::string wanted = field.set(settings, text);
    if (!wanted.empty())
        found.push_back({origin, {}, fmt::format("must be {}, not \"{}\"", wanted, text), "", ""});
}

}  // namespace

Settings load_settings(const std::string& file,
                       const std::map<std::string, std::string>& environment,
                       const std::map<std::string, std::string>& flags) {
    Settings settings;
    set_default_folders(settings, environment);
    std::vector<Problem> found;
    try {
        if (!file.empty() || std::filesystem::exists("pawl.yaml"))
            SettingsFile{settings, file.empty() ? "pawl.yaml" : file, environment}.read();
    } catch (const ProblemsError& error) {
        found = error.problems;
    }
    for (const SettingField& field : settings_fields()) {
        const std::string variable = setting_variable(field.path);
        if (const auto value = environment.find(variable); value != environment.end())
            set_from_text(settings, field, variable, value->second, found);
    }
    for (const auto& [path, text] : flags) {
        const SettingField* field = find_field(path);
        if (field != nullptr)
            set_from_text(settings, *field, "--" + path, text, found);
        else
            found.push_back(
                {"--" + path, {}, "unknown setting", did_you_mean(path, field_paths()), ""});
    }
    if (!found.empty()) throw ProblemsError(std::move(found));
    return settings;
}

}  // namespace pawl::core
