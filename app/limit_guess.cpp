#include "app/limit_guess.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "core/characters.hpp"
#include "core/duration.hpp"

namespace pawl::app {

namespace {

constexpr std::array<std::string_view, 5> header_families{"x-ratelimit-", "x-rate-limit-", "ratelimit-",
                                                          "x-ratelimit-requests-", "rate-limit-"};

/// Beyond any count of seconds until a reset, a number is seconds since 1970; beyond that, milliseconds.
constexpr std::int64_t epoch_min = 1'000'000'000, epoch_ms_min = 1'000'000'000'000;

constexpr std::int64_t count_max = 1'000'000'000,
                       window_max = 366 * 86'400;  // beyond: no limit that anyone meets, or no number of it

bool is_plain(char c) { return core::is_digit(c) || (core::lower(c) >= 'a' && core::lower(c) <= 'z') || c == '_' || c == '-'; }

/// The number at the beginning: "100", and "100, 100;window=60" of older drafts.
std::optional<std::int64_t> leading_number(std::string_view text) {
    std::size_t digits = 0;
    while (digits < text.size() && core::is_digit(text[digits])) ++digits;
    return core::parse_whole_number(text.substr(0, digits));
}

/// The number behind `name` in a list of parameters: `w=60`, `window=60`.
std::optional<std::int64_t> parameter_of(std::string_view text, std::string_view name) {
    const std::size_t at = text.find(";" + std::string(name) + "=");
    if (at == std::string_view::npos) return std::nullopt;
    return leading_number(text.substr(at + name.size() + 2));
}

std::string format_of_reset(std::string_view value) {
    if (value.find("GMT") != std::string_view::npos) return "http_date";
    if (value.find('T') != std::string_view::npos) return "iso8601";
    return leading_number(value).value_or(0) >= epoch_min ? "epoch" : "delta";
}

/// Seconds until the reset, where its header is a number.
std::optional<std::int64_t> seconds_until(std::string_view reset, std::int64_t now) {
    auto number = leading_number(reset);
    if (!number || reset.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
    if (*number >= epoch_ms_min) *number /= 1'000;
    return *number >= epoch_min ? *number - now : *number;
}

/// The common window that is at least as long as what is left of it. Clocks differ, and times are rounded up.
std::string window_of(std::optional<std::int64_t> left) {
    constexpr std::int64_t slack = 10;
    if (!left) return "h";
    if (*left <= 1) return "s";
    if (*left <= 60 + slack) return "m";
    if (*left <= 900 + slack) return "15m";
    if (*left <= 3'600 + slack) return "h";
    return *left <= 86'400 + slack ? "d" : "month";
}

/// One limit with the numbers of a policy: `"default";q=100;w=60`, `100;w=60`.
std::string limit_of_policy(const std::string& policy) {
    const auto count = parameter_of(policy, "q") ? parameter_of(policy, "q") : leading_number(policy);
    const auto window = parameter_of(policy, "w");
    if (!count || !window || *count < 1 || *window < 1 || *count > count_max || *window > window_max) return "";
    return "{name: api, rate: " + std::to_string(*count) + "/" + std::to_string(*window) + "s}";
}

bool from_standard(const PageSample& sample, LimitGuess& guess) {
    const std::string policy = sample.header("ratelimit-policy");
    if (sample.header("ratelimit").empty() && policy.empty()) return false;
    guess.feedback = {"standard: ietf"};
    guess.limit = limit_of_policy(policy);
    guess.why = "the RateLimit-Policy header says so";
    return true;
}

bool from_family(const PageSample& sample, const std::string& family, LimitGuess& guess) {
    const std::string limit = sample.header(family + "limit"), remaining = sample.header(family + "remaining"),
                      reset = sample.header(family + "reset");
    if (limit.empty() && remaining.empty()) return false;
    if (!limit.empty()) guess.feedback.push_back("limit: " + family + "limit");
    if (!remaining.empty()) guess.feedback.push_back("remaining: " + family + "remaining");
    if (!reset.empty())
        guess.feedback.push_back("reset: {header: " + family + "reset, format: " + format_of_reset(reset) + "}");
    const std::string resource = sample.header(family + "resource");
    if (!resource.empty() && resource != "header" && std::all_of(resource.begin(), resource.end(), is_plain))
        guess.feedback.push_back("resource: {header: " + family + "resource, " + yaml_scalar(resource) + ": api}");
    const auto count = leading_number(limit);
    if (!count || *count < 1 || *count > count_max) return true;
    if (const auto window = parameter_of(limit, "window"); window && *window > 0 && *window <= window_max) {
        guess.limit = "{name: api, rate: " + std::to_string(*count) + "/" + std::to_string(*window) + "s}";
        guess.why = "the " + family + "limit header says so";
        return true;
    }
    const auto left = seconds_until(reset, sample.now);
    guess.limit = "{name: api, rate: " + std::to_string(*count) + "/" + window_of(left) + "}";
    guess.why = family + "limit is " + std::to_string(*count) +
                (left ? ", and the window ends in " + std::to_string(*left) + " s; its length is a guess"
                      : "; no header tells the length of the window");
    return true;
}

}  // namespace

LimitGuess guess_limits(const PageSample& sample) {
    LimitGuess guess;
    if (!from_standard(sample, guess))
        for (const auto family : header_families)
            if (from_family(sample, std::string(family), guess)) break;
    if (guess.limit.empty()) {
        guess.limit = "{name: api, rate: 2/s, concurrency: 2}";
        guess.why = guess.feedback.empty() ? "the answer tells nothing of limits; take what the API's documentation says"
                                           : "no header tells the whole budget";
    }
    if (!sample.header("retry-after").empty()) guess.feedback.push_back("retry_after: retry-after");
    return guess;
}

}  // namespace pawl::app
