#pragma once

#include <string>
#include <string_view>

namespace pawl::collector {

/// Scheme, host and port of a URL: what credentials and next links are bound to.
struct Origin {
    std::string scheme;  ///< "http" or "https"
    std::string host;    ///< lower case
    std::string port;    ///< always given: "443" where the URL has none

    friend bool operator==(const Origin&, const Origin&) = default;
    [[nodiscard]] std::string str() const;  ///< "https://api.github.com:443"
};

/// `text` as an absolute http(s) URL without fragment; characters that a URL must not hold are
/// percent-encoded. Throws core::PermanentError when it is no such URL, or holds a user name,
/// password or control characters.
[[nodiscard]] std::string clean_url(std::string_view text);
/// `reference` (absolute or relative) as seen from the page at `base`. Throws as clean_url.
[[nodiscard]] std::string resolve_url(std::string_view base, std::string_view reference);

/// Throws core::PermanentError when `url` is no absolute http(s) URL.
[[nodiscard]] Origin origin_of(std::string_view url);
/// The path of a clean URL, as it stands there; "/" when it has none.
[[nodiscard]] std::string_view path_of(std::string_view url);

/// `url` with query parameter `name` set to `value`: replaced where it stands, else appended.
[[nodiscard]] std::string with_query(std::string_view url, std::string_view name,
                                     std::string_view value);
/// `url` without any query parameter `name`.
[[nodiscard]] std::string without_query(std::string_view url, std::string_view name);

}  // namespace pawl::collector
