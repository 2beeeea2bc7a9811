#include "collector/token_request.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "collector/feedback.hpp"
#include "collector/jwt.hpp"
#include "collector/page_answers.hpp"
#include "collector/url.hpp"
#include "core/base64.hpp"
#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/http_date.hpp"
#include "core/instant.hpp"
#include "core/json_document.hpp"
#include "core/percent_encoding.hpp"
#include "core/redact.hpp"

namespace pawl::collector {

namespace {

using Json = nlohmann::json;
using Grant = core::TokenGrant::Kind;

constexpr std::size_t answer_bytes_max = 64u << 10;
constexpr std::size_t token_bytes_max = 8u << 10;  // web servers take header lines up to 8 KiB
constexpr std::size_t told_bytes_max = 200;        // of a server's own words
constexpr core::Micros life_untold = std::chrono::hours(1);
constexpr core::Micros life_most = std::chrono::hours(24 * 3650);

// application/x-www-form-urlencoded; an empty value is left out.
class Form {
  public:
    void add(std::string_view name, std::string_view value) {
        if (value.empty()) return;
        if (!text_.empty()) text_ += '&';
        text_ += core::percent_encoded(name) + "=" + core::percent_encoded(value);
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

  private:
    std::string text_;
};

void add_client(const core::TokenGrant& grant, Form& form, HttpRequest& request) {
    if (grant.secret_in_body || grant.client_secret.empty()) {
        form.add("client_id", grant.client_id);
        form.add("client_secret", grant.client_secret);
        return;
    }
    // RFC 6749, 2.3.1: both are form-encoded before they are put together.
    const auto basic = core::base64(core::percent_encoded(grant.client_id) + ":" +
                                    core::percent_encoded(grant.client_secret));
    core::remember_secret(basic);  // one a client: it does not grow
    request.headers.emplace_back("Authorization", "Basic " + basic);
}

std::string oauth2_form(const core::TokenGrant& grant, const std::string& refresh_token,
                        HttpRequest& request) {
    Form form;
    form.add("grant_type", grant.rotates() ? "refresh_token" : "client_credentials");
    if (grant.rotates()) form.add("refresh_token", refresh_token);
    form.add("scope", grant.scope);
    form.add("audience", grant.audience);
    add_client(grant, form, request);
    return form.take();
}

// A server's own words in a message: its secrets removed, one line, cut.
std::string told(const std::string& text) {
    std::string clean = core::redact(text);
    if (clean.size() > told_bytes_max) clean = clean.substr(0, told_bytes_max) + "…";
    std::replace_if(
        clean.begin(), clean.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; },
        ' ');
    return clean;
}

std::string text_of(const Json& answer, const char* name) {
    const auto found = answer.find(name);
    return found != answer.end() && found->is_string() ? found->get<std::string>() : "";
}

TokenRefusal later(std::string reason) { return {.reason = std::move(reason)}; }

TokenRefusal for_good(std::string reason) {
    return {.reason = std::move(reason), .for_good = true};
}

// What a person can do about the error codes of RFC 6749, 5.2.
std::string_view advice(const core::TokenGrant& grant, std::string_view code) {
    if (code == "invalid_grant" && grant.rotates())
        return ". The refresh token is over or was used by someone else: get a new one from the "
               "API, and put it in the place of refresh_token";
    if (grant.kind == Grant::session) return ". Are user and password right, and is that all that the API wants?";
    if (grant.signs())
        return ". Are issuer, private key, audience and claims right, and is the clock of this "
               "host?";
    if (code == "invalid_scope") return ". Does the API know this scope?";
    if (code == "unsupported_grant_type") return ". The API offers no such grant";
    return ". Are client_id and client_secret right? Some servers want send: body";
}

// The error in the answer's own words: "invalid_client (Unknown client)".
std::string error_of(const Json& answer) {
    const auto code = text_of(answer, "error");
    auto words = text_of(answer, "error_description");
    if (words.empty()) words = text_of(answer, "message");  // GitHub
    if (code.empty() || words.empty()) return told(code + words);
    return told(code) + " (" + told(words) + ")";
}

TokenRefusal refused(const core::TokenGrant& grant, const HttpResponse& response,
                     const Json& answer) {
    const int status = response.status;
    auto reason = "the token server answers HTTP " + std::to_string(status);
    const auto words = error_of(answer);
    if (!words.empty()) reason += ", " + words;
    const auto code = text_of(answer, "error");
    // GitHub says 403 of a rate limit; a Retry-After is a promise that later is not in vain.
    const auto wait = retry_after(core::Feedback{}, response);
    const bool busy = status >= 500 || status == 408 || status == 425 || status == 429 || wait ||
                      code == "temporarily_unavailable" || code == "server_error" ||
                      code == "slow_down";
    if (busy) return {.reason = std::move(reason), .wait = wait.value_or(core::Micros(0))};
    if (status >= 300 && status < 400)
        return for_good(reason + ", a redirect. Put the URL that it leads to into the source file");
    if (status == 404)
        return for_good(reason + ". Is the URL right" +
                        (grant.signs() ? ", and the installation?" : "?"));
    return for_good(reason + std::string(advice(grant, code)));
}

core::Micros bounded(double seconds) {
    const double most = std::chrono::duration<double>(life_most).count();
    return core::Micros(static_cast<std::int64_t>(std::min(seconds, most) * 1e6));
}

// nullopt: it is told in a way that cannot be read.
std::optional<core::Micros> life_of(const Json& answer, const HttpResponse& response,
                                    core::WallTime now) {
    if (const auto in = answer.find("expires_in"); in != answer.end() && !in->is_null()) {
        if (in->is_number()) return bounded(in->get<double>());
        const auto seconds = in->is_string() ? core::parse_integer(in->get<std::string>()) : std::nullopt;
        if (!seconds) return std::nullopt;
        return bounded(static_cast<double>(*seconds));
    }
    const auto at = answer.find("expires_at");
    if (at == answer.end() || at->is_null()) return life_untold;
    const auto end = at->is_string() ? core::parse_instant(at->get<std::string>()) : std::nullopt;
    if (!end) return std::nullopt;
    std::int64_t begin = now.time_since_epoch().count();
    if (const auto date = core::parse_http_date(response.header("date").value_or("")))
        begin = *date * 1'000'000;
    return std::min(core::Micros(*end - begin), life_most);
}

bool may_be_token(std::string_view text) {
    return !text.empty() && text.size() <= token_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

TokenAnswer read_given(const core::TokenGrant& grant, const HttpResponse& response,
                       const Json& answer, core::WallTime now) {
    GivenToken given;
    given.token = text_of(answer, "access_token");
    if (given.token.empty()) given.token = text_of(answer, "token");
    given.refresh_token = grant.rotates() ? text_of(answer, "refresh_token") : "";
    core::remember_secret(given.token);
    core::remember_secret(given.refresh_token);
    // Some servers say their errors with status 200.
    if (given.token.empty() && answer.contains("error"))
        return for_good("the token server answers " + error_of(answer) +
                        std::string(advice(grant, text_of(answer, "error"))));
    if (given.token.empty())
        return for_good("the token server's answer has no access_token. Is its URL right?");
    const auto type = text_of(answer, "token_type");
    if (!type.empty() && core::lower(type) != "bearer")
        return for_good("the token server gives a token of type " + told(type) +
                        ", and only Bearer is known here");
    if (!may_be_token(given.token) ||
        (!given.refresh_token.empty() && !may_be_token(given.refresh_token)))
        return for_good("the token server gives a token that cannot stand in a header");
    const auto life = life_of(answer, response, now);
    if (!life) return for_good("the token server says in no known way when the token ends");
    if (life->count() <= 0) return later("the token server gives a token that is over already");
    given.life = *life;
    return given;
}

/// The value of the cookie that a response sets last; "" where it sets none of this name.
std::string cookie_set(const HttpResponse& response, const std::string& name) {
    std::string value;
    for (const auto& [header, text] : response.headers) {
        if (core::lower(header) != "set-cookie") continue;
        const auto pair = text.substr(0, text.find(';'));
        const auto equals = pair.find('=');
        if (equals == std::string::npos || core::trimmed(pair.substr(0, equals)) != name) continue;
        const bool taken_away = core::lower(text).find("max-age=0") != std::string::npos;
        value = taken_away ? "" : std::string(core::trimmed(pair.substr(equals + 1)));
    }
    return value;
}

std::string session_token(const core::TokenGrant& grant, const HttpResponse& response) {
    if (!grant.token_at) {
        const auto value = cookie_set(response, grant.cookie);
        return value.empty() ? "" : grant.cookie + "=" + value;
    }
    std::optional<core::JsonDocument> document;
    try {
        document = core::JsonDocument::parse(response.body);
    } catch (const core::PermanentError&) {  // the token may stand in a header
    }
    PageAnswers answer(document ? &*document : nullptr, response.headers);
    const auto value = answer(grant.token_at);
    const bool is_plain = value.kind == core::Value::Kind::text || value.kind == core::Value::Kind::number;
    return is_plain ? std::string(value.text) : "";
}

TokenAnswer read_session(const core::TokenGrant& grant, const HttpResponse& response, const Json& answer, core::WallTime now) {
    GivenToken given;
    given.token = session_token(grant, response);
    core::remember_secret(given.token);
    if (given.token.empty())
        return for_good("the login's answer has no " + (grant.token_at ? grant.token_at->text() : "cookie " + grant.cookie) +
                        (error_of(answer).empty() ? "" : ", it says " + error_of(answer)) + std::string(advice(grant, "")));
    const auto is_printable = [](char c) { return c >= 0x20 && c < 0x7f; };
    if (given.token.size() > token_bytes_max || !std::all_of(given.token.begin(), given.token.end(), is_printable))
        return for_good("the login gives a token that cannot stand in a header");
    const bool told = answer.contains("expires_in") || answer.contains("expires_at");
    const auto life = told ? life_of(answer, response, now) : grant.lifetime;
    if (!life) return for_good("the login says in no known way when the token ends");
    given.life = *life;
    if (given.life.count() <= 0) return later("the login gives a token that is over already");
    return given;
}

}  // namespace

TokenRequest token_request(const core::TokenGrant& grant, const std::string& refresh_token,
                           core::WallTime now) {
    TokenRequest request;
    HttpRequest& http = request.http;
    http.method = "POST";
    http.url = grant.url;
    http.body_max = answer_bytes_max;
    http.headers = {{"Accept", "application/json"}};
    if (grant.signs()) request.assertion = signed_jwt(grant, now);
    if (grant.kind == Grant::session) {
        http.headers.emplace_back("Content-Type", grant.login_type);
        http.body = grant.login;
        return request;
    }
    if (grant.kind == Grant::jwt_bearer) {
        http.headers.emplace_back("Authorization", "Bearer " + request.assertion);
        http.headers.emplace_back("Content-Type", "application/json");
        http.body = "{}";
        return request;
    }
    http.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
    if (grant.kind == Grant::jwt_assertion) {
        Form form;
        form.add("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
        form.add("assertion", request.assertion);
        http.body = form.take();
        return request;
    }
    http.body = oauth2_form(grant, refresh_token, http);
    return request;
}

TokenAnswer read_token_answer(const core::TokenGrant& grant, const HttpResult& result,
                              core::WallTime now) {
    if (const auto* failure = std::get_if<HttpFailure>(&result))
        return later("the token server gives no answer: " + failure->reason);
    const auto& response = std::get<HttpResponse>(result);
    auto answer = Json::parse(response.body, nullptr, false);
    const bool is_object = answer.is_object();
    if (!is_object) answer = Json::object();
    const bool is_good = response.status / 100 == 2 || (!grant.cookie.empty() && response.status / 100 == 3);  // to a start page
    if (!is_good) return refused(grant, response, answer);
    if (grant.kind == Grant::session) return read_session(grant, response, answer, now);
    if (!is_object) return later("the token server's answer is no JSON object");
    return read_given(grant, response, answer, now);
}

}  // namespace pawl::collector
