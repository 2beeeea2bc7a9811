#pragma once

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>

namespace pawl::collector {

/// An absolute http or https URL without a user name or password in it: the only kind that is ever
/// asked for.
class HttpUrl {
  public:
    /// Spaces and bytes above 127 are escaped; what is escaped already stays. nullopt: not a URL of
    /// this kind.
    [[nodiscard]] static std::optional<HttpUrl> parse(const std::string& text);
    /// Where `reference` leads when it stands in the answer of this URL.
    [[nodiscard]] std::optional<HttpUrl> resolve(const std::string& reference) const;
    [[nodiscard]] std::string str() const;
    [[nodiscard]] CURLU* handle() const { return url_.get(); }

  private:
    using Handle = std::unique_ptr<CURLU, void (*)(CURLU*)>;
    explicit HttpUrl(Handle url) : url_(std::move(url)) {}
    [[nodiscard]] static std::optional<HttpUrl> set(Handle url, const std::string& text);

    Handle url_;
};

}  // namespace pawl::collector
