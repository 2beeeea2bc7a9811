#include "app/http_endpoint.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "core/errors.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/has.hpp"

namespace pawl::app {

namespace {

using test::has;
namespace asio = boost::asio;
using namespace std::chrono_literals;

/// The endpoint on a free port, its event loop on a thread of its own.
struct Running {
    asio::io_context context;
    std::shared_ptr<PrometheusTelemetry> telemetry = std::make_shared<PrometheusTelemetry>();
    std::shared_ptr<Health> health = std::make_shared<Health>();
    HttpEndpoint endpoint{context, "127.0.0.1:0", telemetry, health};
    std::thread thread;

    void run() {
        endpoint.start();
        thread = std::thread([this] { context.run(); });
    }
    ~Running() {
        context.stop();
        if (thread.joinable()) thread.join();
    }

    /// Sends `text` and returns all that comes until the server closes.
    std::string talk(const std::string& text) {
        asio::io_context io;
        asio::ip::tcp::socket socket(io);
        const std::string address = endpoint.address();
        const auto port =
            static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
        socket.connect({asio::ip::make_address("127.0.0.1"), port});
        boost::system::error_code error;
        asio::write(socket, asio::buffer(text), error);
        std::string reply;
        asio::read(socket, asio::dynamic_buffer(reply), error);
        return reply;
    }
    std::string get(const std::string& path) {
        return talk("GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n");
    }
};

}  // namespace

TEST_CASE("metrics are in the text exposition format with their help", "[endpoint]") {
    Running running;
    running.telemetry->add(core::Metric::pages, {"github", "repos", "ok"}, 3);
    running.telemetry->set(core::Metric::queue_jobs, {"github"}, 12);
    running.telemetry->observe(core::Metric::batch_seconds, {"commit"}, 0.02);
    running.run();
    const auto reply = running.get("/metrics");
    CHECK(has(reply, "HTTP/1.1 200"));
    CHECK(has(reply, "text/plain; version=0.0.4"));
    CHECK(has(reply, "pawl_pages_total{outcome=\"ok\",source=\"github\",stream=\"repos\"} 3"));
    CHECK(has(reply, "# TYPE pawl_queue_jobs gauge"));
    CHECK(has(reply, "pawl_batch_duration_seconds_count{phase=\"commit\"} 1"));
}

TEST_CASE("readyz follows the dependencies, livez does not", "[endpoint]") {
    Running running;
    running.health->set_dependency("redis", true);
    running.health->set_dependency("postgres", false, "connection refused");
    running.run();
    CHECK(has(running.get("/livez"), "HTTP/1.1 200"));
    const auto reply = running.get("/readyz");
    CHECK(has(reply, "HTTP/1.1 503"));
    CHECK(has(reply, "postgres: down (connection refused)"));
    asio::post(running.context, [&] { running.health->set_dependency("postgres", true); });
    CHECK(has(running.get("/readyz"), "HTTP/1.1 200"));
    asio::post(running.context, [&] { running.health->set_stopping(); });
    CHECK(has(running.get("/readyz"), "HTTP/1.1 503"));
}

TEST_CASE("what is not asked right is refused, and the endpoint goes on", "[endpoint]") {
    Running running;
    running.run();
    CHECK(has(running.get("/"), "HTTP/1.1 404"));
    CHECK(has(running.talk("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi"),
              "HTTP/1.1 405"));
    CHECK(running.talk("GET /metrics HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n")
              .empty());
    CHECK(running.talk("\x01\x02 nonsense\r\n\r\n").empty());
    const auto head = running.talk("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(has(head, "HTTP/1.1 200"));
    CHECK(head.ends_with("\r\n\r\n"));
}

TEST_CASE("a client that sends nothing is dropped after the time bound", "[endpoint][slow]") {
    Running running;
    running.run();
    const auto begin = std::chrono::steady_clock::now();
    CHECK(running.talk("GET /metrics HTTP/1.1\r\n").empty());
    CHECK(std::chrono::steady_clock::now() - begin < 8s);
}

TEST_CASE("an address that is not one, or that is taken, is told", "[endpoint]") {
    Running running;
    asio::io_context context;
    const auto listen = [&](const std::string& address) {
        HttpEndpoint(context, address, running.telemetry, running.health);
    };
    CHECK_THROWS_AS(listen("nonsense"), core::ConfigError);
    CHECK_THROWS_AS(listen("127.0.0.1:99999"), core::ConfigError);
    CHECK_THROWS_AS(listen(running.endpoint.address()), core::ConfigError);
}

TEST_CASE("series beyond the bound are counted as other", "[telemetry]") {
    PrometheusTelemetry telemetry;
    for (std::size_t i = 0; i < PrometheusTelemetry::series_max + 50; ++i)
        telemetry.add(core::Metric::rate_limited, {"source" + std::to_string(i)});
    CHECK(has(telemetry.text(), "pawl_rate_limited_total{source=\"other\"} 50"));
}

}  // namespace pawl::app
