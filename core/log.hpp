#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// Logging: a constant sentence, then fields. `log::warn("Rate limit reached, waiting", {{"source", s}, {"wait", w}});`
/// Error: someone must act. Warn: we recovered. Info: started, stopped, slice finished. Debug: per page. Nothing per record.
/// Known secrets are replaced by value, control characters escaped, long values cut.
namespace pawl::core::log {

enum class Level : std::uint8_t { debug, info, warn, error };
enum class Format : std::uint8_t { human, logfmt, json };

struct Field {
    std::string_view name;
    std::string value;
    Field(std::string_view n, std::string_view v) : name(n), value(v) {}
    Field(std::string_view n, const std::string& v) : name(n), value(v) {}
    Field(std::string_view n, const char* v) : name(n), value(v) {}
    Field(std::string_view n, std::int64_t v) : name(n), value(std::to_string(v)) {}
    Field(std::string_view n, std::uint64_t v) : name(n), value(std::to_string(v)) {}
    Field(std::string_view n, int v) : name(n), value(std::to_string(v)) {}
    Field(std::string_view n, double v) : name(n), value(std::to_string(v)) {}
    Field(std::string_view n, bool v) : name(n), value(v ? "true" : "false") {}
};

/// stderr. Called once at start; before that, human text at level info.
void configure(Level level, Format format);
[[nodiscard]] bool enabled(Level level);
void write(Level level, std::string_view sentence, std::initializer_list<Field> fields);

inline void debug(std::string_view s, std::initializer_list<Field> f = {}) {
    if (enabled(Level::debug)) write(Level::debug, s, f);
}
inline void info(std::string_view s, std::initializer_list<Field> f = {}) { write(Level::info, s, f); }
inline void warn(std::string_view s, std::initializer_list<Field> f = {}) { write(Level::warn, s, f); }
inline void error(std::string_view s, std::initializer_list<Field> f = {}) { write(Level::error, s, f); }

}  // namespace pawl::core::log
