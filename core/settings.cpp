#include "core/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/diagnostics.hpp"
#include "core/duration.hpp"
#include "core/redact.hpp"
#include "core/settings_table.hpp"
#include "core/yaml_document.hpp"

namespace pawl::core {

namespace {

/// Puts a text into its field. Returns what the text must be, when it is not that.
using Set = std::string (*)(Settings&, const std::string&);

struct Row {
    SettingField field;
    Set set;
    bool is_path = false;  ///< relative to the settings file that names it
};

std::string set_boolean(bool& field, const std::string& text) {
    if (text != "true" && text != "false") return "true or false";
    field = text == "true";
    return "";
}

template <class Number>
std::string set_number(Number& field, const std::string& text, std::int64_t low,
                       std::int64_t high) {
    const auto number = parse_whole_number(text);
    if (!number || *number < low || *number > high)
        return fmt::format("a whole number from {} to {}", low, high);
    field = static_cast<Number>(*number);
    return "";
}

std::string set_size(std::size_t& field, const std::string& text, std::size_t low,
                     std::size_t high) {
    const auto size = parse_size(text);
    if (!size || *size < low || *size > high)
        return fmt::format("a size from {} to {} such as 64MiB", format_size(low),
                           format_size(high));
    field = *size;
    return "";
}

std::string set_duration(Millis& field, const std::string& text, Millis low, Millis high) {
    const auto duration = parse_duration(text);
    if (!duration || *duration < low || *duration > high)
        return fmt::format("a duration from {} to {} such as 500ms or 30s", format_duration(low),
                           format_duration(high));
    field = std::chrono::duration_cast<Millis>(*duration);
    return "";
}

std::string set_text(std::string& field, const std::string& text) {
    field = text;
    return "";
}

std::string set_level(log::Level& field, const std::string& text) {
    constexpr std::array<std::string_view, 4> words{"debug", "info", "warn", "error"};
    const auto found = std::find(words.begin(), words.end(), text);
    if (found == words.end()) return "\"debug\", \"info\", \"warn\" or \"error\"";
    field = static_cast<log::Level>(found - words.begin());
    return "";
}

std::string set_format(log::Format& field, const std::string& text) {
    constexpr std::array<std::string_view, 3> words{"human", "logfmt", "json"};
    const auto found = std::find(words.begin(), words.end(), text);
    if (found == words.end()) return "\"human\", \"logfmt\" or \"json\"";
    field = static_cast<log::Format>(found - words.begin());
    return "";
}

/// A server's URL may carry a password: it is never shown.
std::string set_server_url(std::string& field, const std::string& text) {
    const std::size_t scheme = text.find("://");
    if (scheme != std::string::npos) {
        const std::string authority =
            text.substr(scheme + 3, text.find_first_of("/?", scheme + 3) - scheme - 3);
        const std::size_t at = authority.rfind('@');
        const std::size_t colon = authority.find(':');
        if (at != std::string::npos && colon < at)
            remember_secret(authority.substr(colon + 1, at - colon - 1));
    }
    if (const std::size_t at = text.find("password="); at != std::string::npos)
        remember_secret(text.substr(at + 9, text.find_first_of(" &", at) - at - 9));
    field = text;
    return "";
}

std::string set_redis_url(std::string& field, const std::string& text) {
    if (!text.empty() && !text.starts_with("redis://") && !text.starts_with("rediss://") &&
        !text.starts_with("unix://"))
        return "redis://[user:password@]host:port[/db] or unix:///path";
    return set_server_url(field, text);
}

using namespace std::chrono_literals;
constexpr std::size_t kib = 1024, mib = 1024 * kib, gib = 1024 * mib;

// clang-format off
const Row rows[] = {
    {{"redis.url", "URL", "", "redis://[user:password@]host:port[/db] or unix:///path; empty: a local server."},
     [](Settings& s, const std::string& t) { return set_redis_url(s.redis.url, t); }},
    {{"redis.command_timeout", "duration", "5s", "How long one command may take."},
     [](Settings& s, const std::string& t) { return set_duration(s.redis.command_timeout, t, 10ms, 1h); }},
    {{"redis.queue_bytes_max", "size", "256MiB", "Compressed bodies that may wait on the queue, per source."},
     [](Settings& s, const std::string& t) { return set_size(s.redis.queue_bytes_max, t, mib, 1024 * gib); }},

    {{"postgres.url", "text", "", "Anything libpq takes; empty with no PG* variable set: a local server."},
     [](Settings& s, const std::string& t) { return set_server_url(s.postgres.url, t); }},
    {{"postgres.writers", "number", "2", "Connections that commit batches."},
     [](Settings& s, const std::string& t) { return set_number(s.postgres.writers, t, 1, 64); }},
    {{"postgres.batch_rows", "number", "20000", "A batch is committed at this many rows,"},
     [](Settings& s, const std::string& t) { return set_number(s.postgres.batch_rows, t, 1, 10'000'000); }},
    {{"postgres.batch_bytes", "size", "16MiB", "or bytes of bodies,"},
     [](Settings& s, const std::string& t) { return set_size(s.postgres.batch_bytes, t, kib, gib); }},
    {{"postgres.batch_pages", "number", "64", "or pages,"},
     [](Settings& s, const std::string& t) { return set_number(s.postgres.batch_pages, t, 1, 10'000); }},
    {{"postgres.batch_age", "duration", "50ms", "or age of its first page."},
     [](Settings& s, const std::string& t) { return set_duration(s.postgres.batch_age, t, 0ms, 1min); }},

    {{"http.listen", "host:port", "127.0.0.1:9464", "Where metrics and health are served; empty: nowhere."},
     [](Settings& s, const std::string& t) { return set_text(s.http.listen, t); }},
    {{"http.walks_max", "number", "64", "Slices that one process walks at once."},
     [](Settings& s, const std::string& t) { return set_number(s.http.walks_max, t, 1, 10'000); }},
    {{"http.connect_timeout", "duration", "10s", "How long connecting to an API may take."},
     [](Settings& s, const std::string& t) { return set_duration(s.http.connect_timeout, t, 10ms, 1h); }},
    {{"http.request_timeout", "duration", "1m", "How long one request may take."},
     [](Settings& s, const std::string& t) { return set_duration(s.http.request_timeout, t, 10ms, 24h); }},
    {{"http.body_max", "size", "32MiB", "Largest body after decompression; beyond it a page ends as too_large."},
     [](Settings& s, const std::string& t) { return set_size(s.http.body_max, t, kib, 64 * mib); }},
    {{"http.ca_file", "path", "", "Certificates to trust, PEM; empty: the system's."},
     [](Settings& s, const std::string& t) { return set_text(s.http.ca_file, t); }, true},
    {{"http.private_addresses", "true or false", "true", "false refuses loopback, private and link-local targets."},
     [](Settings& s, const std::string& t) { return set_boolean(s.http.private_addresses, t); }},

    {{"log.level", "debug, info, warn or error", "info", "Least important line that is written."},
     [](Settings& s, const std::string& t) { return set_level(s.log.level, t); }},
    {{"log.format", "human, logfmt or json", "human", "How a line is written."},
     [](Settings& s, const std::string& t) { return set_format(s.log.format, t); }},

    {{"sources", "list of paths", "", "Source files, or folders of them. In the environment: separated by colons."},
     nullptr, true},
    {{"state_dir", "path", "$STATE_DIRECTORY, $XDG_STATE_HOME/pawl or ~/.local/state/pawl", "Local servers and locks."},
     [](Settings& s, const std::string& t) { return set_text(s.state_dir, t); }, true},
    {{"secrets_dir", "path", "$CREDENTIALS_DIRECTORY", "What folders and files of credentials are relative to."},
     [](Settings& s, const std::string& t) { return set_text(s.secrets_dir, t); }, true},
    {{"local", "true or false", "false", "Use local servers, whatever the URLs say."},
     [](Settings& s, const std::string& t) { return set_boolean(s.local, t); }},
    {{"migrate", "true or false", "true", "Run migrations at start."},
     [](Settings& s, const std::string& t) { return set_boolean(s.migrate, t); }},
    {{"lease", "duration", "30s", "How long a collector may be silent before another takes its slice."},
     [](Settings& s, const std::string& t) { return set_duration(s.lease, t, 100ms, 1h); }},
    {{"drain", "duration", "30s", "How long a stop waits for work in hand."},
     [](Settings& s, const std::string& t) { return set_duration(s.drain, t, 0ms, 1h); }},
    {{"offers_max", "number", "1000", "Slices offered at a time, per source and class."},
     [](Settings& s, const std::string& t) { return set_number(s.offers_max, t, 1, 1'000'000); }},
    {{"slot", "text", "", "Stable name of this process; empty: host name and a number held by a file lock."},
     [](Settings& s, const std::string& t) { return set_text(s.slot, t); }},
};
// clang-format on

const Row* find_row(std::string_view path) {
    for (const Row& row : rows)
        if (row.field.path == path) return &row;
    return nullptr;
}

std::vector<std::string> row_paths() {
    std::vector<std::string> paths;
    for (const Row& row : rows) paths.emplace_back(row.field.path);
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
    else
        settings.state_dir = home.empty() ? "/var/lib/pawl" : home + "/.local/state/pawl";
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
        const Row* row = find_row(path);
        if (row == nullptr) {
            const std::string section = path.substr(0, path.size() - member.name.size());
            problems.add(member.at, fmt::format("unknown setting \"{}\"", path),
                         did_you_mean(member.name, names_in(section)));
        } else if (member.value.is_null()) {
            problems.add(member.at, fmt::format("\"{}\" has no value", path));
        } else if (row->set == nullptr) {
            read_sources(member.value, problems);
        } else if (member.value.is_scalar()) {
            const bool relative = row->is_path && !member.value.text.empty();
            const std::string wanted =
                row->set(settings_, relative ? resolve(member.value.text) : member.value.text);
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
        for (const Row& row : rows) {
            const std::string_view path = row.field.path;
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
void set_from_text(Settings& settings, const Row& row, const std::string& origin,
                   const std::string& text, std::vector<Problem>& found) {
    if (row.set == nullptr) {
        settings.sources = split_paths(text);
        return;
    }
    const std::string wanted = row.set(settings, text);
    if (!wanted.empty())
        found.push_back({origin, {}, fmt::format("must be {}, not \"{}\"", wanted, text), "", ""});
}

}  // namespace

std::span<const SettingField> settings_fields() {
    static const std::vector<SettingField> fields = [] {
        std::vector<SettingField> all;
        for (const Row& row : rows) all.push_back(row.field);
        return all;
    }();
    return fields;
}

std::string setting_variable(std::string_view path) {
    std::string name = "PAWL_";
    for (const char c : path)
        name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

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
    for (const Row& row : rows) {
        const std::string variable = setting_variable(row.field.path);
        if (const auto value = environment.find(variable); value != environment.end())
            set_from_text(settings, row, variable, value->second, found);
    }
    for (const auto& [path, text] : flags) {
        const Row* row = find_row(path);
        if (row != nullptr)
            set_from_text(settings, *row, "--" + path, text, found);
        else
            found.push_back(
                {"--" + path, {}, "unknown setting", did_you_mean(path, row_paths()), ""});
    }
    if (!found.empty()) throw ProblemsError(std::move(found));
    return settings;
}

}  // namespace pawl::core
