#include "core/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/clock.hpp"
#include "core/redact.hpp"

namespace pawl::core::log {

namespace {

constexpr std::size_t value_max = 2'000;  // bytes of one field that reach a line

std::atomic<Level> threshold{Level::info};
std::atomic<Format> form{Format::human};

spdlog::logger& sink() {
    static const auto logger = [] {
        auto made = spdlog::stderr_logger_mt("pawl");
        made->set_pattern("%v");
        made->set_level(spdlog::level::trace);
        made->flush_on(spdlog::level::trace);
        return made;
    }();
    return *logger;
}

std::string_view word(Level level) {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warn: return "warn";
        case Level::error: return "error";
    }
    return "error";
}

/// Redacted, at most value_max bytes, no control character: a value cannot forge a line.
std::string tame(std::string_view value) {
    std::string clean = redact(value.substr(0, value_max));
    if (value.size() > value_max) clean += "…";
    std::string out;
    out.reserve(clean.size());
    for (const char c : clean) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '\n') out += "\\n";
        else if (c == '\t') out += "\\t";
        else if (byte < 0x20 || byte == 0x7f) out += '?';
        else out += c;
    }
    return out;
}

bool needs_quotes(std::string_view value) {
    return value.empty() || value.find_first_of(" =\"") != std::string_view::npos;
}

void append_pair(std::string& line, std::string_view name, const std::string& value) {
    line += ' ';
    line += name;
    line += '=';
    if (!needs_quotes(value)) {
        line += value;
        return;
    }
    line += '"';
    for (const char c : value) {
        if (c == '"') line += '\\';
        line += c;
    }
    line += '"';
}

std::string human(Level level, std::string_view time, std::string_view sentence,
                  std::initializer_list<Field> fields) {
    std::string line{time.substr(11, 12)};  // 14:19:25.123
    if (level == Level::warn) line += " warning:";
    if (level == Level::error) line += " ERROR:";
    if (level == Level::debug) line += " debug:";
    line += ' ';
    line += sentence;
    for (const Field& field : fields) append_pair(line, field.name, tame(field.value));
    return line;
}

std::string logfmt(Level level, std::string_view time, std::string_view sentence,
                   std::initializer_list<Field> fields) {
    std::string line = "time=" + std::string(time);
    append_pair(line, "level", std::string(word(level)));
    append_pair(line, "msg", std::string(sentence));
    for (const Field& field : fields) append_pair(line, field.name, tame(field.value));
    return line;
}

std::string json(Level level, std::string_view time, std::string_view sentence,
                 std::initializer_list<Field> fields) {
    nlohmann::ordered_json line{{"time", time}, {"level", word(level)}, {"message", sentence}};
    for (const Field& field : fields) line[std::string(field.name)] = tame(field.value);
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

void configure(Level level, Format format) {
    threshold = level;
    form = format;
}

bool enabled(Level level) { return level >= threshold.load(std::memory_order_relaxed); }

void write(Level level, std::string_view sentence, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    const std::string time = format_utc(SystemClock{}.now());
    switch (form.load()) {
        case Format::human: sink().info(human(level, time, sentence, fields)); break;
        case Format::logfmt: sink().info(logfmt(level, time, sentence, fields)); break;
        case Format::json: sink().info(json(level, time, sentence, fields)); break;
    }
}

}  // namespace pawl::core::log
