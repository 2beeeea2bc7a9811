#include "collector/http_url.hpp"

namespace pawl::collector {

namespace {

std::string part(CURLU* url, CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url, which, &text, 0) != CURLUE_OK) return {};
    std::string copy(text);
    curl_free(text);
    return copy;
}

}  // namespace

std::optional<HttpUrl> HttpUrl::parse(const std::string& text) {
    return set(Handle(curl_url(), &curl_url_cleanup), text);
}

std::optional<HttpUrl> HttpUrl::resolve(const std::string& reference) const {
    return set(Handle(curl_url_dup(url_.get()), &curl_url_cleanup), reference);
}

std::optional<HttpUrl> HttpUrl::set(Handle url, const std::string& text) {
    if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_URLENCODE) != CURLUE_OK)
        return std::nullopt;
    const auto scheme = part(url.get(), CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https") return std::nullopt;
    if (!part(url.get(), CURLUPART_USER).empty() || !part(url.get(), CURLUPART_PASSWORD).empty())
        return std::nullopt;
    return HttpUrl(std::move(url));
}

std::string HttpUrl::str() const { return part(url_.get(), CURLUPART_URL); }

}  // namespace pawl::collector
