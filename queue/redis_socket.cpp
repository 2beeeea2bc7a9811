#include "queue/redis_socket.hpp"

#include <openssl/ssl.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>
#include <optional>

namespace pawl::queue {

namespace asio = core::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using unix_socket = asio::local::stream_protocol;

struct RedisSocket::State {
    explicit State(const asio::any_io_executor& executor)
        : resolver(executor), network(executor), local(executor), deadline(executor) {}

    tcp::resolver resolver;
    tcp::socket network;
    unix_socket::socket local;
    asio::steady_timer deadline;  ///< of connect()
    std::optional<asio::ssl::context> tls_context;
    std::optional<asio::ssl::stream<tcp::socket&>> tls;
    bool is_local = false;

    void close() {
        boost::system::error_code ignored;
        resolver.cancel();
        deadline.cancel();
        network.close(ignored);
        local.close(ignored);
    }
};

namespace {

core::Task<> connect_network(tcp::resolver& resolver, tcp::socket& socket, std::string host,
                             std::string port) {
    const auto endpoints = co_await resolver.async_resolve(host, port, use_awaitable);
    co_await asio::async_connect(socket, endpoints, use_awaitable);
    socket.set_option(tcp::no_delay(true));
    socket.set_option(asio::socket_base::keep_alive(true));
}

}  // namespace

RedisSocket::RedisSocket(asio::any_io_executor executor)
    : state_(std::make_shared<State>(executor)) {}
RedisSocket::~RedisSocket() { state_->close(); }
void RedisSocket::close() { state_->close(); }

core::Task<> RedisSocket::connect(RedisAddress address, core::Millis timeout) {
    const auto state = state_;
    state->deadline.expires_after(timeout);
    state->deadline.async_wait([state](boost::system::error_code cancelled) {
        if (!cancelled) state->close();
    });
    state->is_local = !address.socket.empty();
    if (state->is_local) {
        const unix_socket::endpoint endpoint(address.socket);
        co_await state->local.async_connect(endpoint, use_awaitable);
    } else {
        co_await connect_network(state->resolver, state->network, address.host, address.port);
    }
    if (address.tls) {
        state->tls_context.emplace(asio::ssl::context::tls_client);
        state->tls_context->set_default_verify_paths();  // SSL_CERT_FILE overrides
        ::SSL_CTX_set_min_proto_version(state->tls_context->native_handle(), TLS1_2_VERSION);
        state->tls.emplace(state->network, *state->tls_context);
        state->tls->set_verify_mode(asio::ssl::verify_peer);
        state->tls->set_verify_callback(asio::ssl::host_name_verification(address.host));
        ::SSL_ctrl(state->tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
                   TLSEXT_NAMETYPE_host_name, address.host.data());
        co_await state->tls->async_handshake(asio::ssl::stream_base::client, use_awaitable);
    }
    state->deadline.cancel();
}

core::Task<std::size_t> RedisSocket::read_some(asio::mutable_buffer into) {
    const auto state = state_;
    std::size_t size = 0;
    if (state->is_local) {
        size = co_await state->local.async_read_some(into, use_awaitable);
    } else if (state->tls) {
        size = co_await state->tls->async_read_some(into, use_awaitable);
    } else {
        size = co_await state->network.async_read_some(into, use_awaitable);
    }
    co_return size;
}

core::Task<> RedisSocket::write(std::vector<asio::const_buffer> buffers) {
    const auto state = state_;
    if (state->is_local) {
        co_await asio::async_write(state->local, buffers, use_awaitable);
    } else if (state->tls) {
        co_await asio::async_write(*state->tls, buffers, use_awaitable);
    } else {
        co_await asio::async_write(state->network, buffers, use_awaitable);
    }
}

}  // namespace pawl::queue
