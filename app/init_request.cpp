#include "app/init_request.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "app/failure.hpp"
#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/percent_encoding.hpp"
#include "core/redact.hpp"

namespace pawl::app {

namespace {

/// What never is a secret; beside these only names that end in "version".
constexpr std::array<std::string_view, 7> open_headers{"accept", "accept-language", "content-type", "user-agent",
                                                       "from",   "referer",         "origin"};
constexpr std::array<std::string_view, 4> transport_headers{"host", "content-length", "transfer-encoding", "connection"};
/// As plain_name() writes them.
constexpr std::array<std::string_view, 19> secret_parameters{
    "token",     "accesstoken", "refreshtoken", "apitoken",      "authtoken",      "apikey", "key",
    "accesskey", "appkey",      "secret",       "clientsecret",  "password",       "passwd", "signature",
    "sig",       "auth",        "appid",        "authorization", "subscriptionkey"};
constexpr std::array<std::string_view, 6> schemes{"bearer", "token", "basic", "apikey", "api-key", "key"};

/// Of pages, though they end like secrets.
constexpr std::array<std::string_view, 6> open_parameters{"pagetoken", "nexttoken", "nextpagetoken", "continuationtoken", "sortkey", "orderkey"};
constexpr std::array<std::string_view, 12> secret_endings{"token", "key", "secret", "signature", "password", "passwd",
                                                          "pass",  "pwd", "session", "sessionid", "keyid", "jwt"};

bool is_among(std::string_view word, const auto& words) { return std::find(words.begin(), words.end(), word) != words.end(); }

bool is_secret_parameter(std::string_view word) {
    if (is_among(word, open_parameters)) return false;
    return word == "sid" || word == "code" || is_among(word, secret_parameters) ||
           std::any_of(secret_endings.begin(), secret_endings.end(), [&](std::string_view ending) { return word.ends_with(ending); });
}

/// "x-api-key" → X_API_KEY
std::string variable_word(std::string_view text) {
    std::string word;
    for (const char c : core::upper(text)) word += core::is_digit(c) || (c >= 'A' && c <= 'Z') ? c : '_';
    return word;
}

/// A text with `${VAR}` in it, taken apart.
struct Filled {
    std::string sent;     ///< with the values
    std::string written;  ///< as a template of the file
    std::vector<std::string> variables;
    std::vector<std::string> values;  ///< of the variables
};

Filled fill(std::string_view text, const std::map<std::string, std::string>& environment) {
    Filled filled;
    while (!text.empty()) {
        const std::size_t end = text.starts_with("${") ? text.find('}') : std::string_view::npos;
        if (end != std::string_view::npos) {
            const std::string name(text.substr(2, end - 2));
            const auto found = environment.find(name);
            if (found == environment.end()) throw core::ConfigError("variable " + comment_text(name) + " is not set");
            filled.sent += found->second;
            filled.written += "${" + name + "}";
            filled.variables.push_back(name);
            filled.values.push_back(found->second);
            text.remove_prefix(end + 1);
            continue;
        }
        filled.sent += text[0];
        if (text.starts_with("${")) filled.written += '$';  // "$${" stands for "${"
        if (text[0] == '{' || text[0] == '}') filled.written += text[0];
        filled.written += text[0];
        text.remove_prefix(1);
    }
    return filled;
}

bool is_repeated(const NamedTexts& texts, const std::string& name) {
    return std::count_if(texts.begin(), texts.end(), [&](const auto& one) { return one.first == name; }) > 1;
}

bool is_open(const std::string& header) {
    const auto name = core::lower(header);
    return is_among(name, open_headers) || name.ends_with("version");
}

class Builder {
  public:
    Builder(const std::string& source, const std::map<std::string, std::string>& environment)
        : prefix_(variable_word(source)), environment_(environment) {}

    void add_header(const std::string& text) {
        const std::size_t colon = text.find(':');
        const std::string name = text.substr(0, colon);
        const bool is_token = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
            return core::is_digit(c) || (core::lower(c) >= 'a' && core::lower(c) <= 'z') || c == '-' || c == '_';
        });
        // What has no name in front may be the secret: it is not shown.
        if (colon == std::string::npos || !is_token) throw UsageError("--header takes 'Name: value'");
        if (is_among(core::lower(name), transport_headers)) throw UsageError("--header cannot set " + name);
        const std::string value(core::trimmed(std::string_view(text).substr(colon + 1)));
        if (value.find_first_of("\r\n") != std::string::npos)
            throw UsageError("--header " + name + ": its value has a line break");
        const Filled filled = fill(value, environment_);
        request.headers.emplace_back(name, filled.sent);
        if (is_open(name)) {
            request.written_headers.emplace_back(name, filled.written);
            need(filled.variables);
        } else {
            hide(filled);
            if (!take_as_key(false, name, value, filled)) request.written_headers.emplace_back(name, instead_of(name, filled));
        }
    }

    void add_url(const std::string& url) {
        const Filled filled = fill(url, environment_);
        request.url = filled.sent.substr(0, filled.sent.find('#'));
        const UrlParts asked = split_url(url);
        request.parts = {fill(asked.origin, environment_).written, fill(asked.path, environment_).written, {}};
        need(fill(asked.origin + asked.path, environment_).variables);
        for (const auto& [name, value] : asked.query) {
            const Filled one = fill(value, environment_);
            const std::string written_name = fill(name, {}).written;
            if (!is_secret_parameter(plain_name(name))) {
                need(one.variables);
                if (is_repeated(asked.query, name))  // a map has each name once
                    add_to_path(name, one.variables.empty() ? core::percent_encoded(one.sent) : one.written);
                else
                    request.parts.query.emplace_back(written_name, one.written);
                continue;
            }
            hide(one);
            if (is_repeated(asked.query, name) && !given_.insert(name).second) continue;
            if (!take_as_key(true, name, value, one)) request.parts.query.emplace_back(written_name, instead_of(name, one));
        }
    }

    InitRequest request;

  private:
    void add_to_path(const std::string& name, const std::string& value) {
        request.parts.path += request.parts.path.find('?') == std::string::npos ? '?' : '&';
        request.parts.path += core::percent_encoded(name) + "=" + value;
    }

    void need(const std::vector<std::string>& variables) {
        for (const auto& name : variables)
            if (!is_among(name, request.variables)) request.variables.push_back(name);
    }

    static void hide(const Filled& filled) {
        core::remember_secret(filled.sent);
        for (const auto& value : filled.values) core::remember_secret(value);
        const std::size_t blank = filled.sent.find(' ');
        if (blank != std::string::npos) core::remember_secret(std::string_view(filled.sent).substr(blank + 1));
    }

    /// The first secret is the key of `credentials`. A scheme in front of it is none itself.
    bool take_as_key(bool in_query, const std::string& name, const std::string& value, const Filled& filled) {
        if (request.key) return false;
        const std::size_t blank = value.find(' ');
        const bool has_scheme =
            blank != std::string::npos && is_among(core::lower(std::string_view(value).substr(0, blank)), schemes);
        const std::string front = has_scheme ? value.substr(0, blank + 1) : "";
        const bool is_variable = filled.variables.size() == 1 && value == front + "${" + filled.variables.front() + "}";
        request.key = KeyPlace{is_variable ? filled.variables.front() : prefix_ + "_KEYS", in_query, name, front + "{key}"};
        return true;
    }

    /// What the file has where another secret was given.
    std::string instead_of(const std::string& name, const Filled& filled) {
        if (filled.variables.size() == 1 && filled.written == "${" + filled.variables.front() + "}") {
            need(filled.variables);
            return filled.written;
        }
        const std::string variable = prefix_ + "_" + variable_word(name);
        need({variable});
        return "${" + variable + "}";
    }

    std::string prefix_;
    std::set<std::string> given_;  // names of secrets that come more than once
    const std::map<std::string, std::string>& environment_;
};

}  // namespace

InitRequest init_request(const std::string& url, const std::vector<std::string>& headers, const std::string& source,
                         const std::map<std::string, std::string>& environment) {
    Builder builder(source, environment);
    for (const auto& header : headers) builder.add_header(header);
    builder.add_url(url);
    auto& request = builder.request;
    const std::size_t scheme = request.url.starts_with("https://") ? 8 : request.url.starts_with("http://") ? 7 : 0;
    const auto authority = std::string_view(request.url).substr(scheme, request.url.find_first_of("/?", scheme) - scheme);
    if (scheme == 0 || authority.empty()) throw UsageError("--from takes a URL that begins with http:// or https://");
    if (authority.find('@') != std::string_view::npos)
        throw UsageError("--from takes a URL without user and password: give them as --header 'Authorization: Basic …'");
    return std::move(request);
}

}  // namespace pawl::app
