#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "app/health.hpp"
#include "app/prometheus_telemetry.hpp"
#include "core/task.hpp"

namespace pawl::app {

/// /metrics, /livez and /readyz for monitoring. Read-only, on the loopback unless told otherwise; a
/// request is bounded in size and time, connections in number. It runs on the event loop: that it
/// answers is what /livez says.
class HttpEndpoint {
  public:
    /// Listens at once on "host:port" (port 0: a free one). Throws core::ConfigError when it
    /// cannot.
    HttpEndpoint(boost::asio::io_context& context, const std::string& listen,
                 std::shared_ptr<const PrometheusTelemetry> telemetry,
                 std::shared_ptr<const Health> health);
    ~HttpEndpoint();
    HttpEndpoint(const HttpEndpoint&) = delete;
    HttpEndpoint& operator=(const HttpEndpoint&) = delete;

    void start();
    void stop();
    /// "127.0.0.1:9464", with the real port.
    [[nodiscard]] std::string address() const;

  private:
    struct Server;
    std::shared_ptr<Server> server_;
};

}  // namespace pawl::app
