#include "collector/judge.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "collector/feedback.hpp"

namespace pawl::collector {

namespace {

using Kind = Judgement::Kind;

constexpr std::size_t searched_bytes_max =
    65'536;  // error texts are short; a page of 32 MiB is not searched whole

bool contains_ignoring_case(std::string_view text, std::string_view wanted) {
    const auto same = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) ==
               std::tolower(static_cast<unsigned char>(b));
    };
    return std::search(text.begin(), text.end(), wanted.begin(), wanted.end(), same) != text.end();
}

bool covers(const core::ErrorRule& rule, int status) {
    if (rule.status.empty()) return true;
    return std::any_of(rule.status.begin(), rule.status.end(), [status](const auto& range) {
        return range.first <= status && status <= range.second;
    });
}

bool matches(const core::ErrorRule& rule, const HttpResponse& response, const Exchange& exchange) {
    if (!covers(rule, response.status)) return false;
    if (rule.verdict == core::Verdict::cursor_expired && !exchange.continues) return false;
    if (!rule.header.empty()) {
        const auto value = response.header(rule.header);
        if (!value || (rule.header_value && *value != *rule.header_value)) return false;
    }
    const auto searched = std::string_view(response.body).substr(0, searched_bytes_max);
    return rule.body.empty() || contains_ignoring_case(searched, rule.body);
}

// What a failure without a status follows: the file's rule for 5xx, else the defaults of ErrorRule.
core::ErrorRule failure_rule(const core::SourceFile& source) {
    for (const auto& rule : source.errors)
        if (rule.verdict == core::Verdict::retry && rule.body.empty() && rule.header.empty() &&
            covers(rule, 500))
            return rule;
    return {};
}

// Between the rule's bounds, twice as far with each time, drawn evenly so that walks do not march
// in step.
core::Micros backoff(const core::ErrorRule& rule, int times, core::Random& random) {
    const double least = static_cast<double>(rule.wait_min.count());
    const double most = std::max(least, static_cast<double>(rule.wait_max.count()));
    const double reach = std::min(most, least * std::pow(2.0, std::min(times + 1, 30)));
    return core::Micros(static_cast<std::int64_t>(least + (reach - least) * random.fraction()));
}

Judgement end(core::Outcome outcome, std::string reason) {
    Judgement judgement;
    judgement.kind = Kind::ending;
    judgement.ending = {.outcome = outcome, .reason = std::move(reason)};
    return judgement;
}

Judgement again(const core::ErrorRule& rule, const Exchange& exchange, std::string reason,
                std::string label, core::Random& random) {
    if (exchange.attempts + 1 >= rule.attempts)
        return end(core::Outcome::failed,
                   reason + ", " + std::to_string(exchange.attempts + 1) + " attempts");
    Judgement judgement;
    judgement.kind = Kind::again;
    judgement.wait = backoff(rule, exchange.attempts, random);
    judgement.ending.reason = std::move(reason);
    judgement.label = std::move(label);
    return judgement;
}

// The API's own word on when to come back, else what its counters say, else the rule's backoff.
core::Micros refusal_wait(const core::SourceFile& source, const core::ErrorRule& rule,
                          const HttpResponse& response, const Exchange& exchange,
                          core::Random& random) {
    if (const auto told = retry_after(source.feedback, response)) return *told;
    if (const auto reset = time_to_reset(source.feedback, response)) return *reset;
    return backoff(rule, exchange.refusals, random);
}

std::string describe(const HttpResponse& response) {
    return "HTTP " + std::to_string(response.status);
}

Judgement apply(const core::SourceFile& source, const core::ErrorRule& rule,
                const HttpResponse& response, const Exchange& exchange, core::Random& random) {
    const auto reason = describe(response);
    const auto label = "status_" + std::to_string(response.status);
    Judgement judgement;
    switch (rule.verdict) {
        case core::Verdict::page:
            break;
        case core::Verdict::retry:
            judgement = again(rule, exchange, reason, label, random);
            if (const auto told = retry_after(source.feedback, response);
                told && judgement.kind == Kind::again)
                judgement.wait = std::max(judgement.wait, *told);
            break;
        case core::Verdict::rate_limited:
            judgement.kind = Kind::rate_limited;
            judgement.wait = refusal_wait(source, rule, response, exchange, random);
            judgement.ending.reason = reason;
            judgement.label = label;
            break;
        case core::Verdict::quarantine_key:
            if (!exchange.with_credentials)
                return end(core::Outcome::failed, reason + " to a request without credentials");
            judgement.kind = Kind::quarantine_key;
            judgement.confirm = rule.confirm;
            judgement.ending.reason = reason;
            judgement.label = label;
            break;
        case core::Verdict::gone:
            if (exchange.sightings + 1 >= rule.confirm) return end(core::Outcome::gone, reason);
            judgement.kind = Kind::again;
            judgement.wait = rule.wait_min;
            judgement.ending.reason = reason + ", asked again to be sure";
            judgement.label = "gone";
            break;
        case core::Verdict::cursor_expired:
            judgement = end(core::Outcome::truncated, reason + " to a later page: its cursor expired");
            judgement.ending.rewalk = true;
            break;
        case core::Verdict::empty:
            return end(core::Outcome::empty, reason);
        case core::Verdict::truncated:
            return end(core::Outcome::truncated, reason);
        case core::Verdict::fail:
            return end(core::Outcome::failed, reason);
    }
    return judgement;
}

// Where no rule of the file or of the defaults says anything.
Judgement by_status(const core::SourceFile& source, const HttpResponse& response,
                    const Exchange& exchange, core::Random& random) {
    const int status = response.status;
    core::ErrorRule rule = failure_rule(source);
    Judgement judgement;
    if (status == 304) {
        if (!exchange.validator_sent)
            return again(rule, exchange, "HTTP 304 without having asked for it", "status_304",
                         random);
        judgement.kind = Kind::not_modified;
        return judgement;
    }
    if (status == 301 || status == 302 || status == 307 || status == 308) {
        judgement.kind = Kind::redirect;
        judgement.ending.reason = describe(response);
        return judgement;
    }
    if (status == 204 || status == 205) return end(core::Outcome::empty, describe(response));
    if (status >= 200 && status < 300 && status != 202) return judgement;
    if (status == 429) {
        rule.verdict = core::Verdict::rate_limited;
        return apply(source, rule, response, exchange, random);
    }
    if (status == 202 || status == 408 || status == 425 ||
        status >= 500) {  // 202: still being computed
        rule.verdict = core::Verdict::retry;
        return apply(source, rule, response, exchange, random);
    }
    return end(core::Outcome::failed, describe(response));
}

std::string_view label_of(HttpFailure::Kind kind) {
    switch (kind) {
        case HttpFailure::Kind::unreachable:
            return "unreachable";
        case HttpFailure::Kind::timeout:
            return "timeout";
        case HttpFailure::Kind::tls:
            return "tls";
        case HttpFailure::Kind::truncated:
            return "truncated";
        case HttpFailure::Kind::too_large:
            return "too_large";
        case HttpFailure::Kind::refused_target:
            return "refused_target";
        case HttpFailure::Kind::protocol:
            return "protocol";
    }
    return "network";
}

Judgement judge_failure(const core::SourceFile& source, const HttpFailure& failure,
                        const Exchange& exchange, core::Random& random) {
    if (failure.kind == HttpFailure::Kind::too_large)
        return end(core::Outcome::too_large, failure.reason);
    if (failure.kind == HttpFailure::Kind::refused_target)
        return end(core::Outcome::failed, failure.reason);
    return again(failure_rule(source), exchange, failure.reason,
                 std::string(label_of(failure.kind)), random);
}

}  // namespace

Judgement judge(const core::SourceFile& source, const HttpResult& result, const Exchange& exchange,
                core::Random& random) {
    if (const auto* failure = std::get_if<HttpFailure>(&result))
        return judge_failure(source, *failure, exchange, random);
    const auto& response = std::get<HttpResponse>(result);
    for (const auto& rule : source.errors)
        if (matches(rule, response, exchange)) return apply(source, rule, response, exchange, random);
    return by_status(source, response, exchange, random);
}

Judgement judge_body(const core::SourceFile& source, const HttpResponse& response, const PageBody& body,
                     const Exchange& exchange, core::Random& random) {
    const auto reason = describe(response) + ", " + body.failure;
    if (body.fault == PageBody::Fault::too_large) return end(core::Outcome::too_large, reason);
    if (body.fault == PageBody::Fault::unsuitable) return end(core::Outcome::failed, reason);
    return again(failure_rule(source), exchange, reason, "body", random);
}

}  // namespace pawl::collector
