#include "tests/end_to_end/http_client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <stdexcept>

namespace pawl::test {

HttpReply http_get(const std::string& url, const std::map<std::string, std::string>& headers) {
    return http_send("GET", url, "", headers);
}

HttpReply http_send(const std::string& method, const std::string& url, const std::string& body,
                    const std::map<std::string, std::string>& headers) {
    namespace asio = boost::asio;
    namespace http = boost::beast::http;
    const std::string scheme = "http://";
    const auto slash = url.find('/', scheme.size());
    const auto address = url.substr(scheme.size(), slash - scheme.size());
    const auto colon = address.rfind(':');
    if (!url.starts_with(scheme) || colon == std::string::npos)
        throw std::invalid_argument("not http://address:port/path: " + url);

    asio::io_context io;
    asio::ip::tcp::socket socket(io);
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)));
    socket.connect({asio::ip::make_address(address.substr(0, colon)), port});

    http::request<http::string_body> request(http::string_to_verb(method), slash == std::string::npos ? "/" : url.substr(slash), 11);
    request.set(http::field::host, address);
    for (const auto& [name, value] : headers) request.set(name, value);
    request.keep_alive(false);
    request.body() = body;
    if (method != "GET") request.prepare_payload();
    http::write(socket, request);

    boost::beast::flat_buffer buffer;
    http::response_parser<http::string_body> parser;
    parser.body_limit(64u << 20);
    http::read(socket, buffer, parser);
    const auto& reply = parser.get();
    return {.status = static_cast<int>(reply.result_int()), .body = reply.body(), .location = std::string(reply[http::field::location])};
}

}  // namespace pawl::test
