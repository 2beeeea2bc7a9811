#include "collector/feedback.hpp"

#include <algorithm>
#include <cmath>

#include "collector/ietf_ratelimit.hpp"
#include "collector/page_answers.hpp"
#include "core/http_date.hpp"
#include "core/instant.hpp"

namespace pawl::collector {

namespace {

using ResetFormat = core::Feedback::ResetFormat;

constexpr core::Micros retry_after_max =
    std::chrono::hours(1);  // an absurd one costs a request an hour, not a day
constexpr core::Micros reset_max = std::chrono::hours(2);       // GitHub's window is an hour
constexpr core::Micros reset_margin = std::chrono::seconds(1);  // headers are cut to seconds
constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t skew_ignored_us =
    5 * second_us;  // Date is cut to seconds, and responses travel

std::optional<std::int64_t> number_in(const HttpResponse& response, const std::string& name) {
    if (name.empty()) return std::nullopt;
    const auto value = response.header(name);
    return value ? core::parse_integer(*value) : std::nullopt;
}

// Seconds, or a fraction of them: "12.5".
std::optional<std::int64_t> seconds_as_us(std::string_view text) {
    const auto point = text.find('.');
    const auto whole = core::parse_integer(text.substr(0, point));
    if (!whole || *whole < 0 || *whole > 100'000'000'000) return std::nullopt;
    std::int64_t micros = *whole * second_us;
    if (point != std::string_view::npos && point + 1 < text.size()) {
        const auto digits = text.substr(point + 1, 6);
        const auto fraction = core::parse_integer(digits);
        if (!fraction || *fraction < 0) return std::nullopt;
        micros += *fraction *
                  static_cast<std::int64_t>(std::pow(10, 6 - static_cast<int>(digits.size())));
    }
    return micros;
}

// Seconds since 1970 or, where that would be after the year 5000, milliseconds.
std::optional<std::int64_t> epoch_as_us(std::string_view text) {
    constexpr std::int64_t seconds_max = 100'000'000'000, millis_max = 100'000'000'000'000;
    const auto whole = core::parse_integer(text);
    if (whole && *whole > seconds_max && *whole < millis_max) return *whole * 1'000;
    return seconds_as_us(text);
}

std::optional<std::int64_t> date_us(const HttpResponse& response) {
    const auto date = response.header("date");
    const auto seconds = date ? core::parse_http_date(*date) : std::nullopt;
    if (!seconds) return std::nullopt;
    return *seconds * second_us;
}

struct Reset {
    std::int64_t us = 0;
    bool relative = false;  // from now on; else on the API's clock
};

std::optional<Reset> read_reset(const core::Feedback& feedback, const HttpResponse& response) {
    if (feedback.reset.empty()) return std::nullopt;
    const auto text = response.header(feedback.reset);
    if (!text) return std::nullopt;
    std::optional<std::int64_t> us;
    switch (feedback.reset_format) {
        case ResetFormat::delta:
            us = seconds_as_us(*text);
            break;
        case ResetFormat::epoch:
            us = epoch_as_us(*text);
            break;
        case ResetFormat::iso8601:
            us = core::parse_instant(*text);
            break;
        case ResetFormat::http_date:
            us = core::parse_http_date(*text);
            if (us) *us *= second_us;
            break;
    }
    if (!us) return std::nullopt;
    return Reset{.us = *us, .relative = feedback.reset_format == ResetFormat::delta};
}

// How far Redis's clock is ahead of the API's, in whole seconds, so that one window always has one
// reset.
std::int64_t skew_us(const HttpResponse& response, std::int64_t redis_now_us) {
    const auto date = date_us(response);
    if (!date) return 0;
    const std::int64_t ahead = redis_now_us - *date;
    if (std::abs(ahead) < skew_ignored_us) return 0;
    return ahead / second_us * second_us;
}

// The limit that the response's counters are about; "" when they are about none of ours.
std::string limit_named(const core::SourceFile& source, const HttpResponse& response) {
    const auto& feedback = source.feedback;
    if (!feedback.resource.empty()) {
        const auto value = response.header(feedback.resource);
        const auto found = value ? feedback.resource_names.find(std::string(*value))
                                 : feedback.resource_names.end();
        return found == feedback.resource_names.end() ? "" : found->second;
    }
    for (const auto& limit : source.limits)
        if (is_told(source, limit)) return limit.name;
    return {};
}

const queue::LimitAsk* find_ask(const std::vector<queue::LimitAsk>& limits, const std::string& name) {
    const auto found = std::find_if(limits.begin(), limits.end(), [&](const auto& limit) { return limit.name == name; });
    return name.empty() || found == limits.end() ? nullptr : &*found;
}

// The limit that a policy of the standard is about: by the source file's words, else by its name or its window, and a
// lone policy is about the limit that is told of.
const queue::LimitAsk* limit_of(const core::SourceFile& source, const RateLimitPolicy& policy, bool is_alone,
                                const std::vector<queue::LimitAsk>& limits) {
    const auto& policies = source.feedback.policies;
    if (!policies.empty()) {
        const auto found = policies.find(policy.name);
        return found == policies.end() ? nullptr : find_ask(limits, found->second);
    }
    for (const auto& limit : source.limits) {
        if (!is_told(source, limit)) continue;
        const bool fits = is_alone || policy.name == limit.name ||
                          (policy.window && core::Micros(std::chrono::seconds(*policy.window)) == limit.period);
        if (fits) return find_ask(limits, limit.name);
    }
    return nullptr;
}

std::vector<queue::LimitFeedback> read_standard(const core::SourceFile& source, const HttpResponse& response,
                                                const std::vector<queue::LimitAsk>& limits, std::int64_t redis_now_us) {
    constexpr std::int64_t seconds_max = 400 * std::int64_t{86'400};  // more than a year is no window
    std::vector<queue::LimitFeedback> feedback;
    const auto policies = read_ietf_ratelimit(response);
    for (const auto& policy : policies) {
        const auto* ask = limit_of(source, policy, policies.size() == 1, limits);
        if (ask == nullptr) continue;
        queue::LimitFeedback told;
        told.name = ask->name;
        told.owner = ask->owner;
        told.limit = policy.quota;
        told.remaining = policy.remaining;
        if (policy.reset && *policy.reset >= 0 && *policy.reset < seconds_max)
            told.reset_at_us = redis_now_us + *policy.reset * second_us;
        feedback.push_back(std::move(told));
    }
    return feedback;
}

}  // namespace

bool is_told(const core::SourceFile& source, const core::Limit& limit) {
    const auto& feedback = source.feedback;
    const bool tells = feedback.ietf || (!feedback.remaining.empty() && !feedback.reset.empty());
    if (!tells || limit.count == 0) return false;
    const auto names_it = [&](const std::map<std::string, std::string>& names) {
        return std::any_of(names.begin(), names.end(), [&](const auto& entry) { return entry.second == limit.name; });
    };
    if (!feedback.resource.empty()) return names_it(feedback.resource_names);
    if (!feedback.policies.empty()) return names_it(feedback.policies);
    const auto longest = std::max_element(source.limits.begin(), source.limits.end(),
                                          [](const core::Limit& a, const core::Limit& b) {
                                              return (a.count > 0 ? a.period : core::Micros(0)) <
                                                     (b.count > 0 ? b.period : core::Micros(0));
                                          });
    return longest != source.limits.end() && longest->name == limit.name;
}

std::vector<queue::LimitFeedback> read_feedback(const core::SourceFile& source,
                                                const HttpResponse& response,
                                                const std::vector<queue::LimitAsk>& limits,
                                                std::int64_t redis_now_us) {
    if (source.feedback.ietf) return read_standard(source, response, limits, redis_now_us);
    const auto name = limit_named(source, response);
    const auto* ask = find_ask(limits, name);
    if (ask == nullptr) return {};
    queue::LimitFeedback told;
    told.name = name;
    told.owner = ask->owner;
    told.limit = number_in(response, source.feedback.limit);
    told.remaining = number_in(response, source.feedback.remaining);
    if (const auto reset = read_reset(source.feedback, response))
        told.reset_at_us =
            reset->us + (reset->relative ? redis_now_us : skew_us(response, redis_now_us));
    if (!told.limit && !told.remaining && !told.reset_at_us) return {};
    return {told};
}

void add_costs(const core::SourceFile& source, const HttpResponse& response, const core::JsonDocument* document,
               const std::vector<queue::LimitAsk>& limits, std::vector<queue::LimitFeedback>& feedback) {
    for (const auto& limit : source.limits) {
        const auto* ask = find_ask(limits, limit.name);
        if (!limit.cost_from || ask == nullptr) continue;
        PageAnswers answer(document, response.headers);
        const auto units = core::parse_integer(answer(limit.cost_from).text);
        if (!units || *units < 0) continue;
        const auto told = std::find_if(feedback.begin(), feedback.end(),
                                       [&](const auto& one) { return one.name == limit.name; });
        auto& entry = told == feedback.end() ? feedback.emplace_back() : *told;
        entry.name = ask->name;
        entry.owner = ask->owner;
        entry.cost = *units;
    }
}

std::optional<core::Micros> retry_after(const core::Feedback& feedback,
                                        const HttpResponse& response) {
    const auto text =
        response.header(feedback.retry_after.empty() ? "retry-after" : feedback.retry_after);
    if (!text) return std::nullopt;
    std::optional<std::int64_t> us = seconds_as_us(*text);
    if (!us) {
        const auto at = core::parse_http_date(*text);
        const auto now = date_us(response);  // its own clock, whatever ours says
        if (!at || !now) return std::nullopt;
        us = std::max<std::int64_t>(0, *at * second_us - *now);
    }
    return std::min(core::Micros(*us), retry_after_max);
}

std::optional<core::Micros> time_to_reset(const core::Feedback& feedback,
                                          const HttpResponse& response) {
    if (feedback.ietf) {
        for (const auto& policy : read_ietf_ratelimit(response))
            if (policy.remaining && *policy.remaining <= 0 && policy.reset && *policy.reset >= 0)
                return std::min<core::Micros>(std::chrono::seconds(std::min<std::int64_t>(*policy.reset, 86'400)) + reset_margin,
                                              reset_max);
        return std::nullopt;
    }
    const auto remaining = number_in(response, feedback.remaining);
    if (!remaining || *remaining > 0) return std::nullopt;
    const auto reset = read_reset(feedback, response);
    const auto now = date_us(response);
    if (!reset || (!reset->relative && !now)) return std::nullopt;
    const auto us = std::max<std::int64_t>(0, reset->relative ? reset->us : reset->us - *now);
    return std::min(core::Micros(us) + reset_margin, reset_max);
}

}  // namespace pawl::collector
