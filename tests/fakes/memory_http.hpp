#pragma once

#include <algorithm>
#include <cctype>
#include <map>

#include "collector/http.hpp"
#include "collector/url.hpp"
#include "core/errors.hpp"

namespace pawl::test {

/// What an adapter of collector::Http hands over of what a server said (tests/collector/http_contract.cpp): names of headers
/// in lower case, the target of a redirect absolute, nothing beyond `body_max`. For the adapters in memory.
[[nodiscard]] inline collector::HttpResult as_delivered(collector::HttpResult answer, const collector::HttpRequest& request) {
    using collector::HttpFailure;
    auto* response = std::get_if<collector::HttpResponse>(&answer);
    if (!response) return answer;
    if (response->body.size() > request.body_max)
        return HttpFailure{HttpFailure::Kind::too_large, "more than " + std::to_string(request.body_max) + " bytes", true};
    for (auto& [name, value] : response->headers)
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    response->wire_bytes = std::max(response->wire_bytes, response->body.size());
    const auto target = response->header("location");
    if (response->status < 300 || response->status > 399 || !target || !response->location.empty()) return answer;
    try {
        response->location = collector::resolve_url(request.url, *target);
    } catch (const core::PermanentError& error) {
        return HttpFailure{HttpFailure::Kind::refused_target, error.what(), true};
    }
    return answer;
}

/// A server in memory: answers by URL, 404 for the others.
class MemoryHttp final : public collector::Http {
  public:
    void on(const std::string& url, collector::HttpResult answer) { answers_[url] = std::move(answer); }

    core::Task<collector::HttpResult> fetch(collector::HttpRequest request) override {
        const auto refused = [](std::string reason) {
            return collector::HttpFailure{collector::HttpFailure::Kind::refused_target, std::move(reason), false};
        };
        try {
            request.url = collector::clean_url(request.url);
        } catch (const core::PermanentError& error) {
            co_return refused(error.what());
        }
        const auto found = answers_.find(request.url);
        collector::HttpResponse nothing;
        nothing.status = 404;
        auto answer = found == answers_.end() ? collector::HttpResult(std::move(nothing)) : found->second;
        co_return as_delivered(std::move(answer), request);
    }

  private:
    std::map<std::string, collector::HttpResult> answers_;
};

}  // namespace pawl::test
