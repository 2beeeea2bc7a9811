#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/task.hpp"

namespace pawl::collector {

using Headers = std::vector<std::pair<std::string, std::string>>;  ///< response names are in lower case

/// All Link headers (RFC 8288) of a response joined by ", "; "" when there are none.
[[nodiscard]] std::string link_header_of(const Headers& headers);

/// True where `headers` have one of this name, whatever the case of its letters.
[[nodiscard]] bool has_header(const Headers& headers, std::string_view lower_case_name);

struct HttpRequest {
    std::string method = "GET";
    std::string url;
    Headers headers;
    std::string body;                   ///< sent as it is; its Content-Type is one of the headers
    std::size_t body_max = 32u << 20;   ///< bytes after decompression; beyond: HttpFailure::too_large
    core::Millis connect_timeout{10'000};
    core::Millis timeout{60'000};
};

struct HttpResponse {
    int status = 0;
    Headers headers;
    std::string body;                   ///< decompressed
    std::size_t wire_bytes = 0;
    std::string location;               ///< absolute target of a redirect; redirects are not followed here

    [[nodiscard]] std::optional<std::string_view> header(std::string_view lower_case_name) const;
};

struct HttpFailure {
    enum class Kind : std::uint8_t { unreachable, timeout, tls, truncated, too_large, refused_target, protocol };
    Kind kind = Kind::unreachable;
    std::string reason;                 ///< in words, without secrets
    bool sent = true;                   ///< false: the request never left, so it cost no quota
};

using HttpResult = std::variant<HttpResponse, HttpFailure>;

/// Port: one HTTP exchange. Never throws for what a server may do.
class Http {
  public:
    virtual ~Http() = default;
    virtual core::Task<HttpResult> fetch(HttpRequest request) = 0;
};

}  // namespace pawl::collector
