#include "app/http_endpoint.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <charconv>

#include "core/errors.hpp"
#include "core/log.hpp"

namespace pawl::app {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

constexpr int connections_max = 32;
constexpr std::uint32_t header_bytes_max = 8 * 1024;
constexpr std::uint64_t body_bytes_max = 1'024;
constexpr std::chrono::seconds request_time_max{
    5};  // reading the request and writing the answer, each

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

struct Answer {
    http::status status = http::status::ok;
    std::string body;
    std::string type = "text/plain; charset=utf-8";
};

Answer answer(const Request& request, const PrometheusTelemetry& telemetry, const Health& health) {
    if (request.method() != http::verb::get && request.method() != http::verb::head)
        return {http::status::method_not_allowed, "GET or HEAD\n"};
    const std::string target(request.target());
    const std::string path = target.substr(0, target.find('?'));
    if (path == "/metrics")
        return {http::status::ok, telemetry.text(), "text/plain; version=0.0.4; charset=utf-8"};
    if (path == "/livez") return {http::status::ok, "alive\n"};
    if (path == "/readyz")
        return {health.is_ready() ? http::status::ok : http::status::service_unavailable,
                health.describe()};
    return {http::status::not_found, "/metrics, /livez or /readyz\n"};
}

Response response_to(const Request& request, Answer answered) {
    Response response(answered.status, request.version());
    response.set(http::field::content_type, answered.type);
    response.set(http::field::cache_control, "no-store");
    response.keep_alive(false);
    response.body() = std::move(answered.body);
    response.prepare_payload();
    if (request.method() == http::verb::head) response.body().clear();
    return response;
}

tcp::endpoint parse_address(const std::string& listen) {
    const auto colon = listen.rfind(':');
    unsigned port = 0;
    const char* const end = listen.data() + listen.size();
    const char* const digits = colon == std::string::npos ? end : listen.data() + colon + 1;
    const auto parsed = std::from_chars(digits, end, port);
    std::string host = colon == std::string::npos ? listen : listen.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    boost::system::error_code error;
    const auto address = asio::ip::make_address(host, error);
    if (error || digits == end || parsed.ec != std::errc{} || parsed.ptr != end || port > 65'535)
        throw core::ConfigError("http.listen: '" + listen +
                                "' is not address:port, such as 127.0.0.1:9464");
    return {address, static_cast<std::uint16_t>(port)};
}

}  // namespace

struct HttpEndpoint::Server : std::enable_shared_from_this<HttpEndpoint::Server> {
    Server(asio::io_context& io, std::shared_ptr<const PrometheusTelemetry> numbers,
           std::shared_ptr<const Health> fitness)
        : context(io), acceptor(io), telemetry(std::move(numbers)), health(std::move(fitness)) {}

    asio::io_context& context;
    tcp::acceptor acceptor;
    std::shared_ptr<const PrometheusTelemetry> telemetry;
    std::shared_ptr<const Health> health;
    int connections = 0;

    void listen(const std::string& text);
    core::Task<> accept_all(std::shared_ptr<Server> self);
    core::Task<> serve(std::shared_ptr<Server> self, std::shared_ptr<beast::tcp_stream> stream);
};

void HttpEndpoint::Server::listen(const std::string& text) {
    const auto endpoint = parse_address(text);
    boost::system::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(connections_max, error);
    if (error)
        throw core::ConfigError("cannot listen on " + text + ": " + error.message() +
                                "; choose another address with --listen, or none with --listen ''");
}

core::Task<> HttpEndpoint::Server::accept_all(std::shared_ptr<Server> self) {
    while (self->acceptor.is_open()) {
        boost::system::error_code error;
        tcp::socket socket =
            co_await self->acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted) co_return;
        if (error) {  // out of file descriptors: try again, but not at once
            asio::steady_timer pause(self->context, std::chrono::milliseconds(100));
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
            continue;
        }
        if (self->connections >= connections_max) continue;  // closes it
        auto stream = std::make_shared<beast::tcp_stream>(std::move(socket));
        core::spawn(self->context.get_executor(), "http connection", self->serve(self, stream));
    }
}

core::Task<> HttpEndpoint::Server::serve(std::shared_ptr<Server> self,
                                         std::shared_ptr<beast::tcp_stream> stream) {
    ++self->connections;
    boost::system::error_code error;
    beast::flat_buffer buffer(header_bytes_max + body_bytes_max);
    http::request_parser<http::string_body> parser;
    parser.header_limit(header_bytes_max);
    parser.body_limit(body_bytes_max);
    stream->expires_after(request_time_max);
    co_await http::async_read(*stream, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, error));
    if (!error) {
        Response response =
            response_to(parser.get(), answer(parser.get(), *self->telemetry, *self->health));
        stream->expires_after(request_time_max);
        co_await http::async_write(*stream, response,
                                   asio::redirect_error(asio::use_awaitable, error));
        stream->socket().shutdown(tcp::socket::shutdown_send, error);
    }
    --self->connections;
}

HttpEndpoint::HttpEndpoint(asio::io_context& context, const std::string& listen,
                           std::shared_ptr<const PrometheusTelemetry> telemetry,
                           std::shared_ptr<const Health> health)
    : server_(std::make_shared<Server>(context, std::move(telemetry), std::move(health))) {
    server_->listen(listen);
}

HttpEndpoint::~HttpEndpoint() { stop(); }

void HttpEndpoint::start() {
    core::spawn(server_->context.get_executor(), "http endpoint", server_->accept_all(server_));
}

void HttpEndpoint::stop() {
    boost::system::error_code ignored;  // closed already is as good
    server_->acceptor.close(ignored);
}

std::string HttpEndpoint::address() const {
    const auto endpoint = server_->acceptor.local_endpoint();
    const auto host = endpoint.address().to_string();
    return (endpoint.address().is_v6() ? "[" + host + "]" : host) + ":" +
           std::to_string(endpoint.port());
}

}  // namespace pawl::app
