#pragma once

#include <string>

namespace pawl::queue {

/// Where a Redis is and how to log in.
struct RedisAddress {
    std::string host = "127.0.0.1", port = "6379";
    std::string socket;          ///< path of a unix socket; then host and port mean nothing
    std::string user, password;  ///< "" : none
    int database = 0;
    bool tls = false;

    /// For messages: "redis at 127.0.0.1:6379", without credentials.
    [[nodiscard]] std::string describe() const;
};

/// Reads redis://[[user]:password@]host[:port][/database], rediss://… (TLS) and
/// unix:///path[?db=n]. Credentials may be percent-encoded. The password is remembered as a secret.
/// Throws core::ConfigError, without showing credentials.
[[nodiscard]] RedisAddress parse_redis_url(const std::string& url);

}  // namespace pawl::queue
