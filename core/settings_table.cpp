#include "core/settings_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/duration.hpp"
#include "core/redact.hpp"

namespace pawl::core {

namespace {

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
const SettingField rows[] = {
    {"redis.url", "URL", "", "redis://[user:password@]host:port[/db] or unix:///path; empty: a local server.",
     [](Settings& s, const std::string& t) { return set_redis_url(s.redis.url, t); }},
    {"redis.command_timeout", "duration", "5s", "How long one command may take.",
     [](Settings& s, const std::string& t) { return set_duration(s.redis.command_timeout, t, 10ms, 1h); }},
    {"redis.queue_bytes_max", "size", "256MiB", "Compressed bodies that may wait on the queue, per source.",
     [](Settings& s, const std::string& t) { return set_size(s.redis.queue_bytes_max, t, mib, 1024 * gib); }},

    {"postgres.url", "text", "", "Anything libpq takes; empty with no PG* variable set: a local server.",
     [](Settings& s, const std::string& t) { return set_server_url(s.postgres.url, t); }},
    {"postgres.writers", "number", "2", "Connections that commit batches.",
     [](Settings& s, const std::string& t) { return set_number(s.postgres.writers, t, 1, 64); }},
    {"postgres.batch_bytes", "size", "4MiB", "A batch is committed at this many bytes of bodies,",
     [](Settings& s, const std::string& t) { return set_size(s.postgres.batch_bytes, t, kib, gib); }},
    {"postgres.batch_pages", "number", "64", "or pages,",
     [](Settings& s, const std::string& t) { return set_number(s.postgres.batch_pages, t, 1, 10'000); }},
    {"postgres.batch_age", "duration", "50ms", "or age of its first page.",
     [](Settings& s, const std::string& t) { return set_duration(s.postgres.batch_age, t, 0ms, 1min); }},

    {"http.listen", "host:port", "127.0.0.1:9464", "Where metrics and health are served; empty: nowhere.",
     [](Settings& s, const std::string& t) { return set_text(s.http.listen, t); }},
    {"http.walks_max", "number", "64", "Slices that one process walks at once.",
     [](Settings& s, const std::string& t) { return set_number(s.http.walks_max, t, 1, 10'000); }},
    {"http.connect_timeout", "duration", "10s", "How long connecting to an API may take.",
     [](Settings& s, const std::string& t) { return set_duration(s.http.connect_timeout, t, 10ms, 1h); }},
    {"http.request_timeout", "duration", "1m", "How long one request may take.",
     [](Settings& s, const std::string& t) { return set_duration(s.http.request_timeout, t, 10ms, 24h); }},
    {"http.body_max", "size", "32MiB", "Largest body after decompression; beyond it a page ends as too_large.",
     [](Settings& s, const std::string& t) { return set_size(s.http.body_max, t, kib, 64 * mib); }},
    {"http.ca_file", "path", "", "Certificates to trust, PEM; empty: the system's.",
     [](Settings& s, const std::string& t) { return set_text(s.http.ca_file, t); }, true},
    {"http.private_addresses", "true or false", "true", "false refuses loopback, private and link-local targets.",
     [](Settings& s, const std::string& t) { return set_boolean(s.http.private_addresses, t); }},

    {"log.level", "debug, info, warn or error", "info", "Least important line that is written.",
     [](Settings& s, const std::string& t) { return set_level(s.log.level, t); }},
    {"log.format", "human, logfmt or json", "human", "How a line is written.",
     [](Settings& s, const std::string& t) { return set_format(s.log.format, t); }},

    {"sources", "list of paths", "", "Source files, or folders of them. In the environment: separated by colons.",
     nullptr, true},
    {"state_dir", "path", "$STATE_DIRECTORY, $XDG_STATE_HOME/pawl or ~/.local/state/pawl", "Local servers and locks; for root /var/lib/pawl.",
     [](Settings& s, const std::string& t) { return set_text(s.state_dir, t); }, true},
    {"secrets_dir", "path", "$CREDENTIALS_DIRECTORY", "What folders and files of credentials are relative to.",
     [](Settings& s, const std::string& t) { return set_text(s.secrets_dir, t); }, true},
    {"local", "true or false", "false", "Use local servers, whatever the URLs say.",
     [](Settings& s, const std::string& t) { return set_boolean(s.local, t); }},
    {"migrate", "true or false", "true", "Run migrations at start.",
     [](Settings& s, const std::string& t) { return set_boolean(s.migrate, t); }},
    {"accept_changes", "true or false", "false", "Begun walks whose table has another name now begin anew, instead of being refused.",
     [](Settings& s, const std::string& t) { return set_boolean(s.accept_changes, t); }},
    {"lease", "duration", "30s", "How long a collector may be silent before another takes its slice.",
     [](Settings& s, const std::string& t) { return set_duration(s.lease, t, 100ms, 1h); }},
    {"drain", "duration", "30s", "How long a stop waits for work in hand.",
     [](Settings& s, const std::string& t) { return set_duration(s.drain, t, 0ms, 1h); }},
    {"offers_max", "number", "1000", "Slices offered at a time, per source and class.",
     [](Settings& s, const std::string& t) { return set_number(s.offers_max, t, 1, 1'000'000); }},
    {"slot", "text", "", "Stable name of this process; empty: host name and a number held by a file lock.",
     [](Settings& s, const std::string& t) { return set_text(s.slot, t); }},
};
// clang-format on

}  // namespace

std::span<const SettingField> settings_fields() { return rows; }

std::string setting_variable(std::string_view path) {
    std::string name = "PAWL_";
    for (const char c : path)
        name += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    return name;
}

}  // namespace pawl::core
