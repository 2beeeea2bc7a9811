#include "tests/replica/api.hpp"

#include <array>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace pawl::replica {
namespace {

constexpr std::string_view limits_docs =
    "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
constexpr std::string_view secondary =
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";

/// "Bearer X" and "token X" are the same to GitHub.
std::string token_of(const std::string& authorization) {
    auto space = authorization.find(' ');
    return space == std::string::npos ? authorization : authorization.substr(space + 1);
}

bool is_raw(const ApiRequest& request) { return request.target.starts_with("/raw/"); }

}  // namespace

Api::Api(ApiOptions options)
    : options_(std::move(options)),
      routes_(options_.data, options_.records_max),
      rates_(options_.rates),
      faults_(options_.faults),
      journal_(options_.log) {}

ApiResponse Api::answer(const ApiRequest& request, Time now) {
    if (request.target.starts_with("/_replica/")) return administer(request);
    ++requests_;
    auto asker = identify(request);
    auto response = admit(request, asker, now);
    bool is_granted = !response.account.empty() && response.kind != "refused";
    bool is_free = response.status == 304;
    if (is_granted && is_free) rates_.refund(asker.owner);
    if (!is_raw(request)) add_headers(response, asker, now);
    JournalEntry entry{now, asker.owner, request.method, request.target, response.kind};
    entry.status = response.fault == Fault::reset ? 0 : response.status;
    entry.cost = is_granted && !is_free ? 1 : 0;
    entry.fault = response.fault;
    journal_.record(std::move(entry));
    return response;
}

void Api::finish(const ApiResponse& response) {
    if (!response.account.empty()) rates_.finish(response.account);
}

Api::Asker Api::identify(const ApiRequest& request) const {
    if (is_raw(request)) return {RateLimits::anonymous, true, false};
    bool is_charged = path_of(request) != "/rate_limit";
    if (request.authorization.empty()) return {RateLimits::anonymous, true, is_charged};
    auto found = options_.tokens.find(token_of(request.authorization));
    if (found == options_.tokens.end()) return {"unknown", false, false};
    return {found->second, true, is_charged};
}

ApiResponse Api::admit(const ApiRequest& request, const Asker& asker, Time now) {
    if (!asker.is_known) return error_response("bad_credentials", 401, "Bad credentials");
    if (!asker.is_charged) return serve(request, asker, now);
    auto verdict = rates_.begin(asker.owner, now);
    auto response = verdict == RateLimits::Verdict::granted ? serve(request, asker, now)
                                                            : refuse(verdict, asker.owner);
    response.account = asker.owner;
    return response;
}

ApiResponse Api::serve(const ApiRequest& request, const Asker& asker, Time now) {
    auto viewer = asker.owner == RateLimits::anonymous ? "" : asker.owner;
    auto response = path_of(request) == "/rate_limit" ? rate_limit(asker.owner, now)
                                                      : routes_.answer(request, viewer);
    return fail(faults_.draw(request.target), std::move(response));
}

ApiResponse Api::refuse(RateLimits::Verdict verdict, const std::string& owner) const {
    if (verdict == RateLimits::Verdict::exhausted)
        return error_response("refused", 403, "API rate limit exceeded for " + owner + ".",
                              limits_docs);
    auto status = verdict == RateLimits::Verdict::too_many_at_once ? 403 : 429;
    auto response = error_response("refused", status, secondary, limits_docs);
    auto wait = std::to_string(options_.rates.retry_after / second);
    response.headers.emplace_back("Retry-After", wait);
    return response;
}

/// Puts what goes wrong in place of the response; a reset or a cut leaves it to the server to
/// spoil.
ApiResponse Api::fail(Fault fault, ApiResponse response) const {
    static constexpr std::array<int, 3> server_errors{500, 502, 503};
    auto kind = response.kind;
    if (fault == Fault::secondary) {
        response = error_response(kind, 403, secondary, limits_docs);
        auto wait = std::to_string(faults_.rates().retry_after);
        response.headers.emplace_back("Retry-After", wait);
    } else if (fault == Fault::html) {
        response = text_response(kind, "text/html; charset=utf-8",
                                 "<!DOCTYPE html><html><body>Sign in</body></html>\n");
    } else if (fault == Fault::server_error) {
        response =
            error_response(kind, server_errors[requests_ % server_errors.size()], "Server Error");
    }
    response.fault = fault;
    return response;
}

ApiResponse Api::rate_limit(const std::string& owner, Time now) {
    auto standing = rates_.standing(owner, now);
    nlohmann::ordered_json core{{"limit", standing.limit},
                                {"used", standing.used},
                                {"remaining", standing.remaining},
                                {"reset", standing.reset}};
    nlohmann::ordered_json body{{"resources", {{"core", core}}}, {"rate", core}};
    return json_response("rate_limit", 200, body.dump());
}

void Api::add_headers(ApiResponse& response, const Asker& asker, Time now) {
    auto& headers = response.headers;
    char id[32];
    std::snprintf(id, sizeof id, "REPL:%08llX", static_cast<unsigned long long>(requests_));
    headers.emplace_back("X-GitHub-Request-Id", id);
    headers.emplace_back("X-GitHub-Media-Type", "github.v3; format=json");
    headers.emplace_back("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding");
    if (!asker.is_known) return;
    auto standing = rates_.standing(asker.owner, now);
    headers.emplace_back("X-RateLimit-Limit", std::to_string(standing.limit));
    headers.emplace_back("X-RateLimit-Remaining", std::to_string(standing.remaining));
    headers.emplace_back("X-RateLimit-Reset", std::to_string(standing.reset));
    headers.emplace_back("X-RateLimit-Used", std::to_string(standing.used));
    headers.emplace_back("X-RateLimit-Resource", "core");
}

ApiResponse Api::administer(const ApiRequest& request) {
    auto asked = request.method + " " + path_of(request);
    try {
        if (asked == "GET /_replica/report")
            return json_response("admin", 200, journal_.report(rates_));
        if (asked == "GET /_replica/log") {
            auto from = parse_id(find(query_of(request), "after").value_or("0"));
            return json_response("admin", 200, journal_.entries_after(from.value_or(0)));
        }
        if (asked == "POST /_replica/faults") {
            faults_.set(parse_fault_rates(request.body));
            return json_response("admin", 200, to_json(faults_.rates()) + "\n");
        }
        if (asked == "POST /_replica/reset") {
            journal_.reset();
            rates_.reset();
            faults_.reset();
            return json_response("admin", 200, "{}\n");
        }
    } catch (const std::invalid_argument& error) {
        return error_response("admin", 422, error.what());
    }
    return error_response("admin", 404, "Not Found");
}

}  // namespace pawl::replica
