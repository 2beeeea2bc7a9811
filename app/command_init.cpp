#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "app/api_access.hpp"
#include "app/commands.hpp"
#include "app/derived_name.hpp"
#include "app/failure.hpp"
#include "app/session.hpp"
#include "app/source_draft.hpp"
#include "app/source_template.hpp"
#include "core/errors.hpp"
#include "core/redact.hpp"
#include "core/source_parser.hpp"

namespace pawl::app {

namespace {

namespace fs = std::filesystem;

constexpr int redirects_max = 5;

/// Where the file goes and what the source is called.
struct InitTarget {
    std::string path;  ///< "": stdout
    std::string source;
};

InitTarget target_of(const Invocation& invocation) {
    const std::string word = invocation.names.empty() ? "-" : invocation.names.front();
    const std::string by_host = invocation.from.empty() ? "example" : source_name_of(invocation.from);
    if (word == "-") return {"", by_host};
    const fs::path path = word.ends_with(".yaml") || word.ends_with(".yml") ? word : word + ".yaml";
    const auto name = source_name(path.stem().string());
    if (name.empty()) throw UsageError("'" + word + "' gives no name for the source: it begins with a letter");
    return {path.string(), name};
}

void must_be_free(const std::string& path, bool force) {
    if (!path.empty() && !force && fs::exists(fs::symlink_status(path)))
        throw UsageError(path + " is there already; --force writes over it");
}

void write(const std::string& path, const std::string& text, bool force) {
    must_be_free(path, force);
    std::FILE* file = std::fopen(path.c_str(), force ? "w" : "wx");
    const bool written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const int fault = errno;
    if ((file != nullptr && std::fclose(file) != 0) || !written)
        throw core::ConfigError("cannot write " + path + ": " + std::strerror(fault));
}

/// The page, after redirects. Headers go to the origin that was named, and no other.
collector::HttpResponse fetch(Session& session, const InitRequest& asked) {
    collector::CurlHttp http(session.context.get_executor(), curl_settings(session.settings));
    std::string url = asked.url;
    for (int redirects = 0; redirects <= redirects_max; ++redirects) {
        collector::HttpRequest request;
        request.url = url;
        if (split_url(url).origin == split_url(asked.url).origin) request.headers = asked.headers;
        request.body_max = session.settings.http.body_max;
        request.connect_timeout = session.settings.http.connect_timeout;
        request.timeout = session.settings.http.request_timeout;
        auto result = session.wait_for(http.fetch(std::move(request)));
        const std::string shown = core::redact(url);
        if (const auto* failure = std::get_if<collector::HttpFailure>(&result))
            throw core::TransientError("cannot fetch " + shown + ": " + failure->reason);
        auto& response = std::get<collector::HttpResponse>(result);
        if (response.status >= 200 && response.status < 300) return std::move(response);
        const std::string status = shown + " is answered with status " + std::to_string(response.status);
        if (response.status == 401 || response.status == 403)
            throw core::RefusedError(status + ": give what the API wants with --header 'Authorization: Bearer ${VARIABLE}'");
        if (response.status < 300 || response.status >= 400 || response.location.empty())
            throw core::PermanentError(status + ": a source file is proposed from a page of records");
        url = response.location;
    }
    throw core::PermanentError(core::redact(asked.url) + ": more than " + std::to_string(redirects_max) + " redirects");
}

/// What init writes must be right, whatever the API said. The variables that it names may still be unset.
void must_be_right(const std::string& text, std::map<std::string, std::string> environment,
                   const std::vector<std::string>& variables) {
    for (const auto& name : variables) environment.emplace(name, "unset");
    try {
        (void)core::parse_source_text(text, "the proposal", environment);
    } catch (const core::ConfigError& error) {
        throw std::logic_error(std::string("what init proposes would not pass check, which is a mistake of pawl:\n") +
                               error.what());
    }
}

std::string proposed(const Invocation& invocation, const InitTarget& target) {
    auto request = init_request(invocation.from, invocation.headers, target.source, invocation.environment);
    Session session(invocation, {.redis = false, .postgres = false});
    const auto response = fetch(session, request);
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(session.clock.now().time_since_epoch()).count();
    const PageSample sample(request.url, response, now);
    const auto variables = request.variables;
    auto text = source_draft(propose(target.source, stream_name_of(invocation.from), std::move(request), sample));
    must_be_right(text, invocation.environment, variables);
    return text;
}

void tell(const Invocation& invocation, const InitTarget& target, const std::string& text) {
    if (invocation.json)
        std::cout << nlohmann::ordered_json{{"source", target.source}, {"file", target.path}, {"text", text}}.dump(2) << '\n';
    else if (target.path.empty())
        std::cout << text;
    else
        std::cout << "Wrote " << target.path << ". Read it, then: pawl check " << target.path << '\n';
}

}  // namespace

core::ExitCode init(const Invocation& invocation) {
    const auto target = target_of(invocation);
    must_be_free(target.path, invocation.force);  // before anything is asked
    if (invocation.from.empty() && !invocation.headers.empty()) throw UsageError("--header goes with --from URL");
    const auto text = invocation.from.empty() ? source_template(target.source) : proposed(invocation, target);
    if (!target.path.empty()) write(target.path, text, invocation.force);
    tell(invocation, target, text);
    return core::ExitCode::ok;
}

}  // namespace pawl::app
