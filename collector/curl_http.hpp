#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <memory>
#include <string>

#include "collector/http.hpp"

namespace pawl::collector {

struct CurlSettings {
    std::string user_agent = "pawl/" PAWL_VERSION;  ///< where a request does not bring its own
    std::string ca_file;                            ///< PEM file; "": the system's
    std::string proxy;              ///< "": none. Proxies named in the environment are never used
    bool private_addresses = true;  ///< false refuses loopback, private and link-local targets
    long connections_per_host =
        64;  ///< more requests at once wait, and their timeout runs meanwhile: keep it ≥ walks
    long streams_per_connection = 100;         ///< HTTP/2 only
    long slow_bytes_per_second = 100;          ///< a transfer slower than this …
    core::Seconds slow_time{30};               ///< … for this long is a timeout
    std::size_t headers_max = 200;             ///< header lines of one response
    std::size_t header_bytes_max = 64u << 10;  ///< and their bytes in all
};

class CurlLoop;

/// HTTP over libcurl's multi interface, driven by Asio on the one thread that runs `executor`'s
/// context. Connections are kept and reused. Redirects are not followed: headers such as X-Api-Key
/// would go along to another host. Ignore SIGPIPE in the process. Not thread-safe.
class CurlHttp final : public Http {
  public:
    CurlHttp(boost::asio::any_io_executor executor, CurlSettings settings);
    ~CurlHttp() override;
    /// Cancel: safe (throws boost::system::system_error operation_aborted); the transfer is dropped
    /// at once, also when the coroutine is destroyed while it waits.
    core::Task<HttpResult> fetch(HttpRequest request) override;

  private:
    boost::asio::any_io_executor executor_;
    std::shared_ptr<const CurlSettings> settings_;
    std::shared_ptr<CurlLoop> loop_;
};

}  // namespace pawl::collector
