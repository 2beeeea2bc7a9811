#include "tests/replica/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <iostream>
#include <sstream>

namespace pawl::replica {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = boost::asio::ip::tcp;

namespace {

constexpr std::size_t connections_max = 1'000;
constexpr std::size_t header_max = 16u << 10, body_max = 64u << 10;
constexpr auto silence_max = std::chrono::minutes(2);

Time now() {
    auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
}

ApiRequest to_request(const http::request<http::string_body>& message) {
    auto header = [&message](auto name) { return std::string(message[name]); };
    return {std::string(message.method_string()),
            std::string(message.target()),
            header(http::field::host),
            header(http::field::authorization),
            header(http::field::accept),
            header(http::field::if_none_match),
            message.body()};
}

/// Closes with a TCP reset instead of an orderly end.
void reset(beast::tcp_stream& stream) {
    beast::error_code ignored;
    stream.socket().set_option(asio::socket_base::linger(true, 0), ignored);
    stream.socket().close(ignored);
}

void log_failure(const std::exception_ptr& failure) {
    if (!failure) return;
    try {
        std::rethrow_exception(failure);
    } catch (const boost::system::system_error&) {  // the client is gone: its business
    } catch (const std::exception& error) {
        std::cerr << "pawl_replica: " << error.what() << std::endl;
    }
}

}  // namespace

Server::Server(asio::io_context& io, Api& api, std::uint16_t port,
               std::chrono::milliseconds latency)
    : io_(io),
      api_(api),
      acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), port)),
      latency_(latency) {}

std::uint16_t Server::port() const { return acceptor_.local_endpoint().port(); }

void Server::start() { asio::co_spawn(io_, accept(), log_failure); }

asio::awaitable<void> Server::accept() {
    for (;;) {
        tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
        if (connections_ >= connections_max) continue;  // closed at once
        socket.set_option(tcp::no_delay(true));
        ++connections_;
        asio::co_spawn(io_, serve(std::move(socket)), [this](std::exception_ptr failure) {
            --connections_;
            log_failure(failure);
        });
    }
}

asio::awaitable<void> Server::serve(tcp::socket socket) {
    beast::tcp_stream stream(std::move(socket));
    beast::flat_buffer buffer(header_max + body_max);  // keeps what a pipelining client sent ahead
    for (bool more = true; more;) more = co_await exchange(stream, buffer);
    beast::error_code ignored;
    stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

/// One request and its answer; false when the connection is to end.
asio::awaitable<bool> Server::exchange(beast::tcp_stream& stream, beast::flat_buffer& buffer) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(header_max);
    parser.body_limit(body_max);
    stream.expires_after(silence_max);
    co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
    auto request = to_request(parser.get());
    auto answer = api_.answer(request, now());
    struct Finish {
        Api& api;
        const ApiResponse& answer;
        ~Finish() { api.finish(answer); }
    } finish{api_, answer};
    if (latency_.count() > 0) {
        asio::steady_timer timer(io_, latency_);
        co_await timer.async_wait(asio::use_awaitable);
    }
    if (answer.fault == Fault::reset) {
        reset(stream);
        co_return false;
    }
    bool keep_alive = parser.get().keep_alive();
    bool sent = co_await send(stream, answer, keep_alive);
    co_return sent;
}

asio::awaitable<bool> Server::send(beast::tcp_stream& stream, const ApiResponse& answer,
                                   bool keep_alive) {
    http::response<http::string_body> message;
    message.version(11);
    message.result(static_cast<unsigned>(answer.status));
    message.keep_alive(keep_alive);
    message.set(http::field::server, "pawl-replica");
    for (const auto& [name, value] : answer.headers) message.set(name, value);
    message.body() = answer.body;
    if (answer.status != 304) message.content_length(answer.body.size());
    stream.expires_after(silence_max);
    if (answer.fault == Fault::cut) {
        std::ostringstream whole;
        whole << message;
        auto text = whole.str();
        auto half = asio::buffer(text.data(), text.size() - answer.body.size() / 2 - 1);
        co_await asio::async_write(stream, half, asio::use_awaitable);
        reset(stream);
        co_return false;
    }
    co_await http::async_write(stream, message, asio::use_awaitable);
    co_return keep_alive;
}

}  // namespace pawl::replica
