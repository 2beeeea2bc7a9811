#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <cstdint>

#include "tests/replica/api.hpp"

namespace pawl::replica {

/// HTTP/1.1 with keep-alive on the loopback address, in front of an Api. Everything runs on the one
/// thread of `io`. Bounds: 1,000 connections, 16 KiB of headers, 64 KiB of request body, 2 minutes
/// of silence.
class Server {
  public:
    /// Listens at once; `port` 0 takes a free one. Throws boost::system::system_error when it
    /// cannot. Keeps references.
    Server(boost::asio::io_context& io, Api& api, std::uint16_t port,
           std::chrono::milliseconds latency);
    [[nodiscard]] std::uint16_t port() const;
    /// Starts to accept; returns at once.
    void start();

  private:
    boost::asio::awaitable<void> accept();
    boost::asio::awaitable<void> serve(boost::asio::ip::tcp::socket socket);
    boost::asio::awaitable<bool> exchange(boost::beast::tcp_stream& stream,
                                          boost::beast::flat_buffer& buffer);
    boost::asio::awaitable<bool> send(boost::beast::tcp_stream& stream, const ApiResponse& answer,
                                      bool keep_alive);

    boost::asio::io_context& io_;
    Api& api_;
    boost::asio::ip::tcp::acceptor acceptor_;
    std::chrono::milliseconds latency_;
    std::size_t connections_ = 0;
};

}  // namespace pawl::replica
