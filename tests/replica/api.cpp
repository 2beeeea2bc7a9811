#include "tests/replica/api.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

namespace pawl::replica {

/// A response and the kind it is counted as.
struct Api::Answer {
    std::string kind;
    ApiResponse response;
};

namespace {

constexpr std::string_view docs = "https://docs.github.com/rest";
constexpr std::string_view limits_docs =
    "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";

std::vector<std::string> owners_of(const Repositories& repositories) {
    std::vector<std::string> owners;
    for (const auto& repository : repositories.all()) owners.push_back(repository.owner);
    return owners;
}

std::string read_recorded(const std::string& folder) {
    std::ifstream in(folder + "/recorded-get-repository.json", std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + folder + "/recorded-get-repository.json");
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

ApiResponse json_response(int status, std::string body) {
    return {status,
            {{"Content-Type", "application/json; charset=utf-8"}},
            std::move(body),
            Fault::none,
            ""};
}

ApiResponse error_response(int status, const std::string& message,
                           std::string_view documentation = docs) {
    return json_response(status, message_body(message, std::string(documentation), status));
}

std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        auto part = path.substr(0, path.find('/'));
        parts.emplace_back(part);
        path.remove_prefix(part.size());
    }
    return parts;
}

std::string path_of(const ApiRequest& request) {
    return request.target.substr(0, request.target.find('?'));
}

Query query_of(const ApiRequest& request) {
    auto mark = request.target.find('?');
    return parse_query(
        mark == std::string::npos ? "" : std::string_view(request.target).substr(mark + 1));
}

std::optional<std::uint64_t> parse_id(const std::string& text) {
    std::uint64_t id = 0;
    auto end = text.data() + text.size();
    return std::from_chars(text.data(), end, id).ptr == end && !text.empty() ? std::optional(id)
                                                                             : std::nullopt;
}

bool wants_star_time(const ApiRequest& request) {
    return request.accept.find("star+json") != std::string::npos;
}

/// "Bearer X" and "token X" are the same to GitHub.
std::string token_of(const std::string& authorization) {
    auto space = authorization.find(' ');
    return space == std::string::npos ? authorization : authorization.substr(space + 1);
}

std::vector<std::string> after(const std::vector<std::string>& parts, std::size_t count) {
    return {parts.begin() + static_cast<std::ptrdiff_t>(count), parts.end()};
}

}  // namespace

Api::Api(ApiOptions options)
    : options_(std::move(options)),
      repositories_(Repositories::load(options_.data)),
      users_(owners_of(repositories_)),
      stargazers_(repositories_.all()),
      documents_(read_recorded(options_.data), repositories_, users_, stargazers_),
      rates_(options_.rates),
      faults_(options_.faults),
      journal_(options_.log) {}

ApiResponse Api::answer(const ApiRequest& request, Time now) {
    if (request.target.starts_with("/_replica/")) return administer(request);
    ++requests_;
    bool is_raw = request.target.starts_with("/raw/");
    auto found = options_.tokens.find(token_of(request.authorization));
    auto owner = is_raw || request.authorization.empty() ? RateLimits::anonymous
                 : found == options_.tokens.end()        ? std::string("unknown")
                                                         : found->second;
    Answer answer;
    int cost = 0;
    bool is_limited = false;
    if (owner == "unknown") {
        answer = {"bad_credentials", error_response(401, "Bad credentials")};
    } else if (is_raw || path_of(request) == "/rate_limit") {
        auto fault = faults_.draw(request.target);
        answer = route(request, owner, now);
        if (fault != Fault::none) answer.response = fail(fault, request.target);
    } else {
        is_limited = true;
        auto verdict = rates_.begin(owner, now);
        cost = verdict == RateLimits::Verdict::granted ? 1 : 0;
        if (cost == 0) {
            answer = {"refused", refuse(verdict, owner)};
        } else {
            answer = route(request, owner, now);
            auto fault = faults_.draw(request.target);
            if (fault == Fault::reset || fault == Fault::cut)
                answer.response.fault = fault;
            else if (fault != Fault::none)
                answer.response = fail(fault, request.target);
        }
        if (answer.response.status == 304) {
            rates_.refund(owner);
            cost = 0;
        }
        answer.response.account = owner;
    }
    auto& response = answer.response;
    if (!is_raw)
        add_common_headers(response, is_limited || path_of(request) == "/rate_limit" ? owner : "",
                           now);
    auto told = response.fault == Fault::reset ? 0 : response.status;
    journal_.record(
        {now, owner, request.method, request.target, answer.kind, told, cost, response.fault});
    return std::move(response);
}

void Api::finish(const ApiResponse& response) {
    if (!response.account.empty()) rates_.finish(response.account);
}

void Api::add_common_headers(ApiResponse& response, const std::string& owner, Time now) {
    char id[32];
    std::snprintf(id, sizeof id, "REPL:%08llX", static_cast<unsigned long long>(requests_));
    response.headers.emplace_back("X-GitHub-Request-Id", id);
    response.headers.emplace_back("X-GitHub-Media-Type", "github.v3; format=json");
    response.headers.emplace_back(
        "Vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, X-Requested-With");
    if (owner.empty()) return;
    auto standing = rates_.standing(owner, now);
    response.headers.emplace_back("X-RateLimit-Limit", std::to_string(standing.limit));
    response.headers.emplace_back("X-RateLimit-Remaining", std::to_string(standing.remaining));
    response.headers.emplace_back("X-RateLimit-Reset", std::to_string(standing.reset));
    response.headers.emplace_back("X-RateLimit-Used", std::to_string(standing.used));
    response.headers.emplace_back("X-RateLimit-Resource", "core");
}

ApiResponse Api::refuse(RateLimits::Verdict verdict, const std::string& owner) {
    if (verdict == RateLimits::Verdict::exhausted)
        return error_response(403, "API rate limit exceeded for " + owner + ".", limits_docs);
    auto response = error_response(
        verdict == RateLimits::Verdict::too_many_at_once ? 403 : 429,
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        limits_docs);
    response.headers.emplace_back("Retry-After",
                                  std::to_string(options_.rates.retry_after / second));
    return response;
}

ApiResponse Api::fail(Fault fault, const std::string& target) {
    ApiResponse response;
    if (fault == Fault::secondary) {
        response = error_response(403,
                                  "You have exceeded a secondary rate limit. Please wait a few "
                                  "minutes before you try again.",
                                  limits_docs);
        response.headers.emplace_back("Retry-After", std::to_string(faults_.rates().retry_after));
    } else if (fault == Fault::html) {
        response = {200,
                    {{"Content-Type", "text/html; charset=utf-8"}},
                    "<!DOCTYPE html><html><body>Sign in</body></html>\n",
                    fault,
                    ""};
    } else if (fault == Fault::server_error) {
        static constexpr std::array<int, 3> statuses{500, 502, 503};
        response = error_response(statuses[hash_text(target) % statuses.size()], "Server Error");
    }
    response.fault = fault;
    return response;
}

Api::Answer Api::route(const ApiRequest& request, const std::string& owner, Time now) {
    Answer not_found{"not_found", error_response(404, "Not Found")};
    auto path = path_of(request);
    if (request.method != "GET" || path.empty() || path[0] != '/') return not_found;
    auto parts = split_path(path);
    Answer answer = not_found;
    if (path == "/raw/sindresorhus/awesome-nodejs/main/readme.md") {
        answer = {"readme",
                  {200,
                   {{"Content-Type", "text/plain; charset=utf-8"}},
                   repositories_.readme(),
                   Fault::none,
                   ""}};
    } else if (path == "/rate_limit") {
        return rate_limit(owner, now);
    } else if (path == "/user" && owner != RateLimits::anonymous) {
        answer = viewer(owner);
    } else if (path == "/user") {
        return {"viewer", error_response(401, "Requires authentication")};
    } else if (parts[0] == "repos" && parts.size() >= 3) {
        if (const auto* its = repositories_.by_name(parts[1], parts[2])) {
            answer = repository(*its, after(parts, 3), request);
        } else if (const auto* renamed = repositories_.by_old_name(parts[1], parts[2])) {
            auto url = "http://" + request.host + "/repositories/" + std::to_string(renamed->id);
            for (const auto& part : after(parts, 3)) url += "/" + part;
            if (auto mark = request.target.find('?'); mark != std::string::npos)
                url += request.target.substr(mark);
            nlohmann::ordered_json body{
                {"message", "Moved Permanently"}, {"url", url}, {"documentation_url", docs}};
            answer = {"renamed", json_response(301, body.dump())};
            answer.response.headers.emplace_back("Location", url);
        }
    } else if (parts[0] == "repositories" && parts.size() >= 2) {
        auto id = parse_id(parts[1]);
        if (const auto* its = id ? repositories_.by_id(*id) : nullptr)
            answer = repository(*its, after(parts, 2), request);
    } else if ((parts[0] == "users" || parts[0] == "user") && parts.size() >= 2) {
        auto id = parse_id(parts[1]);
        auto found = parts[0] == "users" ? users_.by_login(parts[1])
                     : id                ? users_.by_id(*id)
                                         : std::nullopt;
        if (found) answer = user(*found, after(parts, 2), request);
    }
    auto& response = answer.response;
    if (response.status != 200) return answer;
    char tag[32];  // the data never changes: what was asked for names the answer
    auto identity =
        request.target + "\n" + request.accept + (answer.kind == "viewer" ? "\n" + owner : "");
    std::snprintf(tag, sizeof tag, "W/\"%016llx\"",
                  static_cast<unsigned long long>(hash_text(identity)));
    response.headers.emplace_back("ETag", tag);
    response.headers.emplace_back("Cache-Control", "private, max-age=60, s-maxage=60");
    if (request.if_none_match.find(std::string_view(tag).substr(2)) != std::string::npos) {
        response.status = 304;
        response.body.clear();
    }
    return answer;
}

Api::Answer Api::repository(const Repository& its, const std::vector<std::string>& rest,
                            const ApiRequest& request) {
    auto index = static_cast<std::size_t>(&its - repositories_.all().data());
    if (rest.empty()) return {"repository", json_response(200, documents_.repository(index))};
    if (rest.size() == 1 && rest[0] == "languages")
        return {"languages", json_response(200, documents_.languages(index))};
    if (rest.size() == 1 && rest[0] == "stargazers") return stargazers(index, request);
    return {"not_found", error_response(404, "Not Found")};
}

Api::Answer Api::stargazers(std::size_t index, const ApiRequest& request) {
    const auto& its = repositories_.all()[index];
    auto query = query_of(request);
    auto page = parse_page(query);
    if (page.number > last_page(options_.records_max, page.size))
        return {"stargazers", error_response(422,
                                             "In order to keep the API fast for everyone, "
                                             "pagination is limited for this resource.",
                                             "https://docs.github.com/v3/#pagination")};
    auto listed = std::min(its.stars, options_.records_max);
    auto from = std::min((page.number - 1) * page.size, listed);
    auto body = documents_.stargazers(index, from, std::min(from + page.size, listed),
                                      wants_star_time(request));
    Answer answer{"stargazers", json_response(200, std::move(body))};
    auto url = "http://" + request.host + "/repositories/" + std::to_string(its.id) + "/stargazers";
    auto link = link_header(url, query, page.number, last_page(listed, page.size));
    if (!link.empty()) answer.response.headers.emplace_back("Link", link);
    return answer;
}

Api::Answer Api::user(UserIndex user, const std::vector<std::string>& rest,
                      const ApiRequest& request) {
    if (rest.empty()) return {"user", json_response(200, documents_.user(user))};
    if (rest.size() == 1 && rest[0] == "starred") return starred(user, request);
    return {"not_found", error_response(404, "Not Found")};
}

Api::Answer Api::starred(UserIndex user, const ApiRequest& request) {
    auto query = query_of(request);
    auto page = parse_page(query);
    auto all = stargazers_.starred_by(user);
    auto from = std::min<std::uint64_t>((page.number - 1) * page.size, all.size());
    auto to = std::min<std::uint64_t>(from + page.size, all.size());
    std::vector<std::size_t> shown(all.begin() + static_cast<std::ptrdiff_t>(from),
                                   all.begin() + static_cast<std::ptrdiff_t>(to));
    Answer answer{"starred",
                  json_response(200, documents_.starred(user, shown, wants_star_time(request)))};
    auto url = "http://" + request.host + "/user/" + std::to_string(users_.id(user)) + "/starred";
    auto link = link_header(url, query, page.number, last_page(all.size(), page.size));
    if (!link.empty()) answer.response.headers.emplace_back("Link", link);
    return answer;
}

Api::Answer Api::viewer(const std::string& owner) const {
    nlohmann::ordered_json body{{"login", owner},
                                {"id", 1'000 + hash_text(owner) % 90'000},
                                {"type", "User"},
                                {"site_admin", false}};
    return {"viewer", json_response(200, body.dump())};
}

Api::Answer Api::rate_limit(const std::string& owner, Time now) {
    auto standing = rates_.standing(owner, now);
    nlohmann::ordered_json core{{"limit", standing.limit},
                                {"used", standing.used},
                                {"remaining", standing.remaining},
                                {"reset", standing.reset}};
    return {
        "rate_limit",
        json_response(
            200, nlohmann::ordered_json{{"resources", {{"core", core}}}, {"rate", core}}.dump())};
}

ApiResponse Api::administer(const ApiRequest& request) {
    auto path = path_of(request);
    try {
        if (request.method == "GET" && path == "/_replica/report")
            return json_response(200, journal_.report(rates_));
        if (request.method == "GET" && path == "/_replica/log") {
            auto from = find(query_of(request), "after").value_or("0");
            return json_response(200, journal_.entries_after(parse_id(from).value_or(0)));
        }
        if (request.method == "POST" && path == "/_replica/faults") {
            faults_.set(parse_fault_rates(request.body));
            return json_response(200, to_json(faults_.rates()) + "\n");
        }
        if (request.method == "POST" && path == "/_replica/reset") {
            journal_.reset();
            rates_.reset();
            faults_.reset();
            return json_response(200, "{}\n");
        }
    } catch (const std::invalid_argument& error) {
        return error_response(422, error.what());
    }
    return error_response(404, "Not Found");
}

}  // namespace pawl::replica
