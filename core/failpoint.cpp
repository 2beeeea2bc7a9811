#include "core/failpoint.hpp"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/errors.hpp"

namespace pawl::core {

namespace {

enum class Act : std::uint8_t { none, kill, stop, fail, delay };

struct Armed {
    std::atomic<Act> act{Act::none};
    int delay_ms = 0;
    int nth = 1;
    std::atomic<int> hits{0};
};

constexpr std::array<std::string_view, static_cast<std::size_t>(Failpoint::count_)> failpoint_names{
    "after_lease", "before_fetch", "after_fetch",   "after_append_sent", "after_append_ok",
    "after_read",  "after_start",  "after_parse",   "after_begin",       "after_cas",
    "after_upsert", "before_commit", "after_commit_sent", "after_commit", "after_ack",
    "in_seed",     "in_plan",      "in_dlq",        "in_replay",         "in_ddl"};

std::array<Armed, failpoint_names.size()> points;
std::atomic<bool> any_armed{false};

int number(std::string_view text, std::string_view whole) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0)
        throw ConfigError("PAWL_FAILPOINTS: no number in '" + std::string(whole) + "'");
    return value;
}

void arm(std::string_view entry) {
    const auto equals = entry.find('=');
    if (equals == std::string_view::npos)
        throw ConfigError("PAWL_FAILPOINTS: '" + std::string(entry) + "' is not NAME=ACT[@N]");
    const auto name = entry.substr(0, equals);
    auto act = entry.substr(equals + 1);
    std::size_t index = 0;
    while (index < failpoint_names.size() && failpoint_names[index] != name) ++index;
    if (index == failpoint_names.size()) throw ConfigError("PAWL_FAILPOINTS: no failpoint '" + std::string(name) + "'");
    Armed& point = points[index];
    if (const auto at = act.find('@'); at != std::string_view::npos) {
        point.nth = number(act.substr(at + 1), entry);
        act = act.substr(0, at);
    }
    if (act == "kill") point.act = Act::kill;
    else if (act == "stop") point.act = Act::stop;
    else if (act == "throw") point.act = Act::fail;
    else if (act.starts_with("delay=")) {
        point.delay_ms = number(act.substr(6), entry);
        point.act = Act::delay;
    } else {
        throw ConfigError("PAWL_FAILPOINTS: '" + std::string(act) + "' is none of kill, stop, throw, delay=MS");
    }
    any_armed = true;
}

}  // namespace

void arm_failpoints_from_environment() {
    const char* set = std::getenv("PAWL_FAILPOINTS");
    if (!set) return;
    std::string_view rest = set;
    while (!rest.empty()) {
        const auto comma = rest.find(',');
        if (const auto entry = rest.substr(0, comma); !entry.empty()) arm(entry);
        if (comma == std::string_view::npos) break;
        rest = rest.substr(comma + 1);
    }
}

void hit(Failpoint which) {
    if (!any_armed.load(std::memory_order_relaxed)) return;
    Armed& point = points[static_cast<std::size_t>(which)];
    const Act act = point.act;
    if (act == Act::none || ++point.hits != point.nth) return;
    switch (act) {
        case Act::kill: ::kill(::getpid(), SIGKILL); break;
        case Act::stop: ::kill(::getpid(), SIGSTOP); break;
        case Act::fail:
            throw TransientError("failpoint " + std::string(failpoint_names[static_cast<std::size_t>(which)]));
        case Act::delay: {
            const timespec time{point.delay_ms / 1000, point.delay_ms % 1000 * 1'000'000L};
            ::nanosleep(&time, nullptr);
            break;
        }
        case Act::none: break;
    }
}

}  // namespace pawl::core
