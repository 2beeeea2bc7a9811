#include "tests/replica/server.hpp"

#include <boost/asio/connect.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <thread>

#include "tests/support/catch.hpp"

using namespace pawl::replica;
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

namespace {

/// A server on a thread of its own, stopped and joined at the end.
struct Running {
    explicit Running(FaultRates faults = {})
        : api(options(std::move(faults))), server(io, api, 0, std::chrono::milliseconds(0)) {
        server.start();
        thread = std::thread([this] { io.run(); });
    }
    ~Running() {
        io.stop();
        thread.join();
    }
    static ApiOptions options(FaultRates faults) {
        ApiOptions options;
        options.tokens["key-alice"] = "alice";
        options.faults = std::move(faults);
        return options;
    }

    Api api;
    asio::io_context io{1};
    Server server;
    std::thread thread;
};

struct Connection {
    explicit Connection(std::uint16_t port) : stream(io) {
        stream.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port));
    }
    http::response<http::string_body> get(const std::string& target, const std::string& etag = "") {
        http::request<http::empty_body> request(http::verb::get, target, 11);
        request.set(http::field::host, "localhost");
        request.set(http::field::authorization, "Bearer key-alice");
        if (!etag.empty()) request.set(http::field::if_none_match, etag);
        http::write(stream, request);
        http::response<http::string_body> response;
        http::read(stream, buffer, response);
        return response;
    }

    asio::io_context io;
    beast::tcp_stream stream;
    beast::flat_buffer buffer;
};

}  // namespace

TEST_CASE("one connection serves many requests, 304 and 404 among them", "[replica]") {
    Running running;
    Connection connection(running.server.port());
    auto first = connection.get("/repos/sindresorhus/awesome");
    CHECK(first.result_int() == 200);
    CHECK(first["x-ratelimit-remaining"] == "4999");
    auto etag = std::string(first[http::field::etag]);
    CHECK(connection.get("/repos/sindresorhus/awesome", etag).result_int() == 304);
    CHECK(connection.get("/nothing").result_int() == 404);
    CHECK(connection.get("/user").result_int() == 200);
}

TEST_CASE("a reset ends the connection without an answer", "[replica]") {
    FaultRates faults;
    faults.reset = 1;
    Running running(faults);
    Connection connection(running.server.port());
    CHECK_THROWS_AS(connection.get("/user"), boost::system::system_error);
}

TEST_CASE("a cut answer promises more bytes than come", "[replica]") {
    FaultRates faults;
    faults.cut = 1;
    Running running(faults);
    Connection connection(running.server.port());
    CHECK_THROWS_AS(connection.get("/repos/sindresorhus/awesome"), boost::system::system_error);
    Connection other(running.server.port());
    CHECK(other.get("/_replica/report").result_int() == 200);
}

TEST_CASE("a request that is no HTTP ends its connection and no other", "[replica]") {
    Running running;
    Connection noise(running.server.port()), connection(running.server.port());
    std::string text = "hello\r\n\r\n";
    noise.stream.socket().send(asio::buffer(text));
    CHECK(connection.get("/user").result_int() == 200);
}
