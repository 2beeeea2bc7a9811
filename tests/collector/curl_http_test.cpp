#include "collector/curl_http.hpp"

#include <zlib.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <optional>

#include "collector/gunzip.hpp"
#include "collector/private_address.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_server.hpp"

using namespace std::chrono_literals;
using pawl::collector::CurlHttp;
using pawl::collector::CurlSettings;
using pawl::collector::Gunzip;
using pawl::collector::HttpFailure;
using pawl::collector::HttpRequest;
using pawl::collector::HttpResponse;
using pawl::collector::HttpResult;
using pawl::test::ScriptedServer;
using Do = ScriptedServer::Step::Do;
using Kind = HttpFailure::Kind;

namespace {

/// A CurlHttp with the io_context it runs on, for tests that fetch and wait.
struct Client {
    boost::asio::io_context context;
    std::optional<CurlHttp> http;

    explicit Client(CurlSettings settings = {}) {
        http.emplace(context.get_executor(), std::move(settings));
    }

    std::vector<HttpResult> fetch_all(std::vector<HttpRequest> requests) {
        std::vector<HttpResult> results(requests.size(), HttpFailure{});
        std::size_t left = requests.size();
        for (std::size_t i = 0; i < requests.size(); ++i) {
            const auto done = [&results, &left, i](std::exception_ptr error, HttpResult result) {
                --left;
                if (error) std::rethrow_exception(error);
                results[i] = std::move(result);
            };
            boost::asio::co_spawn(context, http->fetch(requests[i]), done);
        }
        context.restart();
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (left > 0 && std::chrono::steady_clock::now() < deadline)
            context.run_one_until(deadline);
        REQUIRE(left == 0);
        return results;
    }

    HttpResult fetch(HttpRequest request) {
        return std::move(fetch_all({std::move(request)}).front());
    }
    HttpResult fetch(const std::string& url) { return fetch(request_for(url)); }

    HttpResponse response(const std::string& url) {
        auto result = fetch(url);
        if (const auto* failed = std::get_if<HttpFailure>(&result))
            FAIL("unexpected failure: " << failed->reason);
        return std::get<HttpResponse>(std::move(result));
    }
    HttpFailure failure(HttpRequest request) {
        auto result = fetch(std::move(request));
        REQUIRE(std::holds_alternative<HttpFailure>(result));
        return std::get<HttpFailure>(std::move(result));
    }
    HttpFailure failure(const std::string& url) { return failure(request_for(url)); }

    static HttpRequest request_for(const std::string& url) {
        HttpRequest request;
        request.url = url;
        return request;
    }
};

std::string gzip(std::string_view text) {
    z_stream z{};
    REQUIRE(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8,
                         Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(deflateBound(&z, static_cast<uLong>(text.size())) + 32, '\0');
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    z.avail_in = static_cast<uInt>(text.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out.resize(z.total_out);
    deflateEnd(&z);
    return out;
}

ScriptedServer::Script send(std::string text) {
    return {{.what = Do::send, .text = std::move(text)}};
}

ScriptedServer::Script send_then(std::string text, Do then) {
    return {{.what = Do::send, .text = std::move(text)}, {.what = then}};
}

/// Text that does not compress to nothing and has no repeats that hide a lost piece.
std::string numbers(std::size_t bytes) {
    std::string out;
    for (int i = 0; out.size() < bytes; ++i) out += std::to_string(i) + ",";
    out.resize(bytes);
    return out;
}

}  // namespace

TEST_CASE("a response comes with status, lower-case headers, body and wire size", "[collector]") {
    ScriptedServer server;
    server.on("/a?b=1", "hello", "X-RateLimit-Remaining:  41 \r\nETag: \"x\"\r\n");
    Client client;
    const auto response = client.response(server.url("/a?b=1"));
    CHECK(response.status == 200);
    CHECK(response.body == "hello");
    CHECK(response.wire_bytes == 5);
    CHECK(response.header("x-ratelimit-remaining") == "41");
    CHECK(response.header("etag") == "\"x\"");
    CHECK(response.location.empty());
}

TEST_CASE("a request carries its own headers and says who asks", "[collector]") {
    ScriptedServer server;
    server.on("/", "{}");
    Client client;
    auto request = Client::request_for(server.url("/"));
    request.headers = {{"X-One", "1"}, {"X-Empty", ""}};
    (void)client.fetch(request);
    request.headers = {{"User-Agent", "someone (ops@example.org)"}};
    (void)client.fetch(request);
    const auto sent = server.requests();
    REQUIRE(sent.size() == 2);
    CHECK(sent[0].starts_with("GET / HTTP/1.1\r\n"));
    CHECK(sent[0].find("X-One: 1\r\n") != std::string::npos);
    CHECK(sent[0].find("X-Empty:\r\n") != std::string::npos);
    CHECK(sent[0].find("User-Agent: pawl/" PAWL_VERSION "\r\n") != std::string::npos);
    CHECK(sent[0].find("Accept-Encoding: gzip\r\n") != std::string::npos);
    CHECK(sent[1].find("User-Agent: someone (ops@example.org)\r\n") != std::string::npos);
    CHECK(sent[1].find("X-One") ==
          std::string::npos);  // nothing of the request before is left on the handle
    CHECK(sent[1].find("pawl/") == std::string::npos);
}

TEST_CASE("a proxy of the environment is not used", "[collector]") {
    ScriptedServer server;
    server.on("/", "direct");
    ::setenv("http_proxy", "http://127.0.0.1:1", 1);
    Client client;
    const auto result = client.fetch(server.url("/"));
    ::unsetenv("http_proxy");
    REQUIRE(std::holds_alternative<HttpResponse>(result));
    CHECK(std::get<HttpResponse>(result).body == "direct");
}

TEST_CASE("a line break in a request header is refused before anything is sent", "[collector]") {
    ScriptedServer server;
    Client client;
    auto request = Client::request_for(server.url("/"));
    request.headers = {{"X-Name", "a\r\nX-Admin: 1"}};
    const auto failed = client.failure(request);
    CHECK(failed.kind == Kind::protocol);
    CHECK_FALSE(failed.sent);
    CHECK(server.connections() == 0);
}

TEST_CASE("a chunked body is put together, its trailers are no headers", "[collector]") {
    ScriptedServer server;
    server.on(
        "/",
        send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5\r\npedia\r\n0\r\n"
             "X-Late: 1\r\n\r\n"));
    Client client;
    const auto response = client.response(server.url("/"));
    CHECK(response.body == "wikipedia");
    CHECK_FALSE(response.header("x-late"));
}

TEST_CASE("headers of an interim response are not those of the answer", "[collector]") {
    ScriptedServer server;
    server.on("/", send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
                        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    Client client;
    const auto response = client.response(server.url("/"));
    CHECK(response.status == 200);
    CHECK(response.body == "ok");
    CHECK_FALSE(response.header("x-early"));
}

TEST_CASE("a gzip body is unpacked", "[collector]") {
    ScriptedServer server;
    const auto text = numbers(300'000);
    const auto packed = gzip(text);
    server.on("/", packed, "Content-Encoding: gzip\r\n");
    Client client;
    const auto response = client.response(server.url("/"));
    CHECK(response.body == text);
    CHECK(response.wire_bytes == packed.size());
}

TEST_CASE("a gzip body that is cut off is truncated, though the connection ended in order",
          "[collector]") {
    ScriptedServer server;
    const auto packed = gzip(numbers(50'000));
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n";
    for (const std::size_t left :
         {packed.size() - 1, packed.size() / 2, std::size_t{1}, std::size_t{0}}) {
        server.on("/", send_then(head + packed.substr(0, left), Do::close));
        Client client;
        const auto failed = client.failure(server.url("/"));
        CHECK(failed.kind == Kind::truncated);
        CHECK(failed.sent);
    }
}

TEST_CASE("a damaged gzip body is truncated, another coding is a protocol error", "[collector]") {
    ScriptedServer server;
    auto packed = gzip(numbers(50'000));
    packed[packed.size() / 2] = static_cast<char>(~packed[packed.size() / 2]);
    server.on("/damaged", packed, "Content-Encoding: gzip\r\n");
    server.on("/twice", gzip(gzip("{}")), "Content-Encoding: gzip, gzip\r\n");
    server.on("/br", "xx", "Content-Encoding: br\r\n");
    Client client;
    CHECK(client.failure(server.url("/damaged")).kind == Kind::truncated);
    CHECK(client.failure(server.url("/twice")).kind == Kind::protocol);
    CHECK(client.failure(server.url("/br")).kind == Kind::protocol);
}

TEST_CASE("a gzip bomb is too large before it is unpacked", "[collector]") {
    ScriptedServer server;
    server.on("/", gzip(std::string(64u << 20, '0')), "Content-Encoding: gzip\r\n");
    Client client;
    auto request = Client::request_for(server.url("/"));
    request.body_max = 1u << 20;
    CHECK(client.failure(request).kind == Kind::too_large);
}

TEST_CASE("a body may be as large as body_max and not a byte larger", "[collector]") {
    ScriptedServer server;
    const auto exact = numbers(100'000);
    const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    server.on("/exact", exact);
    server.on("/exact-gzip", gzip(exact), "Content-Encoding: gzip\r\n");
    server.on("/more", exact + "x");
    server.on("/more-gzip", gzip(exact + "x"), "Content-Encoding: gzip\r\n");
    server.on("/more-chunked", send(chunked + "186A1\r\n" + exact + "x\r\n0\r\n\r\n"));
    Client client;
    const auto with_bound = [&](const char* target) {
        auto request = Client::request_for(server.url(target));
        request.body_max = exact.size();
        return client.fetch(request);
    };
    CHECK(std::get<HttpResponse>(with_bound("/exact")).body == exact);
    CHECK(std::get<HttpResponse>(with_bound("/exact-gzip")).body == exact);
    for (const auto* target : {"/more", "/more-gzip", "/more-chunked"}) {
        const auto result = with_bound(target);
        REQUIRE(std::holds_alternative<HttpFailure>(result));
        CHECK(std::get<HttpFailure>(result).kind == Kind::too_large);
    }
}

TEST_CASE("a body shorter than its Content-Length is truncated", "[collector]") {
    ScriptedServer server;
    server.on("/", send_then("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", Do::close));
    Client client;
    const auto failed = client.failure(server.url("/"));
    CHECK(failed.kind == Kind::truncated);
    CHECK(failed.sent);
}

TEST_CASE("a chunked body without its end is truncated", "[collector]") {
    ScriptedServer server;
    server.on("/", send_then("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n",
                             Do::close));
    Client client;
    CHECK(client.failure(server.url("/")).kind == Kind::truncated);
}

TEST_CASE("a reset in the middle of a body is truncated", "[collector]") {
    ScriptedServer server;
    server.on("/", {{.what = Do::send, .text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"},
                    {.what = Do::pause, .wait = 50ms},
                    {.what = Do::reset}});
    Client client;
    CHECK(client.failure(server.url("/")).kind == Kind::truncated);
}

TEST_CASE("a connection closed without an answer is unreachable, and the request was sent",
          "[collector]") {
    ScriptedServer server;
    server.on("/", {{.what = Do::close}});
    Client client;
    const auto failed = client.failure(server.url("/"));
    CHECK(failed.kind == Kind::unreachable);
    CHECK(failed.sent);
}

TEST_CASE("a body that ends with its connection and an empty one are responses", "[collector]") {
    ScriptedServer server;
    server.on("/close", send_then("HTTP/1.1 200 OK\r\n\r\nall of it", Do::close));
    server.on("/empty", "");
    server.on("/304",
              send("HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\nETag: \"a\"\r\n\r\n"));
    Client client;
    CHECK(client.response(server.url("/close")).body == "all of it");
    CHECK(client.response(server.url("/empty")).body.empty());
    CHECK(client.response(server.url("/304")).status == 304);
}

TEST_CASE("a slow head and a slow body are timeouts", "[collector]") {
    ScriptedServer server;
    server.on("/silent", {{.what = Do::pause, .wait = 30s}});
    server.on("/head", {{.what = Do::drip,
                         .text = "HTTP/1.1 200 OK\r\nX: " + std::string(500, 'x'),
                         .wait = 40ms}});
    server.on("/body",
              {{.what = Do::send, .text = "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"},
               {.what = Do::drip, .text = std::string(900, 'x'), .wait = 40ms}});
    CurlSettings settings;
    settings.slow_time = 1s;
    Client client(settings);
    auto silent = Client::request_for(server.url("/silent"));
    silent.timeout = 300ms;
    const auto failed = client.failure(silent);
    CHECK(failed.kind == Kind::timeout);
    CHECK(failed.sent);
    CHECK(client.failure(server.url("/head")).kind ==
          Kind::timeout);  // slower than 100 bytes a second
    CHECK(client.failure(server.url("/body")).kind == Kind::timeout);
}

TEST_CASE("a flood of headers is a protocol error", "[collector]") {
    ScriptedServer server;
    std::string many = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 1'000; ++i) many += "X-" + std::to_string(i) + ": 1\r\n";
    server.on("/many", send(many + "Content-Length: 0\r\n\r\n"));
    server.on("/long", "", "X-Long: " + std::string(90'000, 'x') + "\r\n");
    Client client;
    CHECK(client.failure(server.url("/many")).kind == Kind::protocol);
    CHECK(client.failure(server.url("/long")).kind == Kind::protocol);
}

TEST_CASE("a redirect is not followed, its target is absolute", "[collector]") {
    ScriptedServer server;
    const auto redirect = [](const std::string& to) {
        return send("HTTP/1.1 301 Moved\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n");
    };
    server.on("/a/b?x=1", redirect("../c?y=2"));
    server.on("/other", redirect("https://api.example.org/new"));
    server.on("/created",
              send("HTTP/1.1 201 Created\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"));
    Client client;
    const auto moved = client.response(server.url("/a/b?x=1"));
    CHECK(moved.status == 301);
    CHECK(moved.location == server.url("/c?y=2"));
    CHECK(client.response(server.url("/other")).location == "https://api.example.org/new");
    CHECK(client.response(server.url("/created")).location.empty());
    CHECK(server.requests().size() == 3);
}

TEST_CASE("a redirect to another scheme or with a password in it is refused", "[collector]") {
    ScriptedServer server;
    Client client;
    for (const auto* target :
         {"file:///etc/passwd", "ftp://example.org/", "gopher://127.0.0.1:6379/_FLUSHALL",
          "http://user:password@example.org/", "javascript:alert(1)"}) {
        server.on("/", send("HTTP/1.1 302 Found\r\nLocation: " + std::string(target) +
                            "\r\nContent-Length: 0\r\n\r\n"));
        auto result = client.fetch(server.url("/"));
        if (const auto* response = std::get_if<HttpResponse>(&result)) {
            // What is no absolute URL is a path of the same host.
            CHECK(std::string_view(target) == "javascript:alert(1)");
            CHECK(response->location.starts_with(server.url("/")));
        } else {
            CHECK(std::get<HttpFailure>(result).kind == Kind::refused_target);
        }
    }
}

TEST_CASE("a URL that is not plain http or https is refused unsent", "[collector]") {
    Client client;
    for (const auto* url : {"file:///etc/passwd", "ftp://example.org/",
                            "http://user:password@127.0.0.1/", "", "/path"}) {
        const auto failed = client.failure(url);
        CHECK(failed.kind == Kind::refused_target);
        CHECK_FALSE(failed.sent);
    }
}

TEST_CASE("a space in a URL is escaped, an escape stays as it is", "[collector]") {
    ScriptedServer server;
    server.on("/a%20b?c=%2F", "ok");
    Client client;
    CHECK(client.response(server.url("/a b?c=%2F")).status == 200);
}

TEST_CASE("a refused connection and an unknown host cost nothing", "[collector]") {
    Client client;
    int port = 0;
    { port = ScriptedServer().port(); }
    const auto refused = client.failure("http://127.0.0.1:" + std::to_string(port) + "/");
    CHECK(refused.kind == Kind::unreachable);
    CHECK_FALSE(refused.sent);
    const auto unknown = client.failure("http://no-such-host.invalid/");
    CHECK((unknown.kind == Kind::unreachable ||
           unknown.kind == Kind::timeout));  // a name server may be silent
    CHECK_FALSE(unknown.sent);
}

TEST_CASE("a TLS handshake that fails costs nothing", "[collector]") {
    ScriptedServer server;  // speaks no TLS: it waits for an empty line that does not come
    Client client;
    auto request = Client::request_for("https://127.0.0.1:" + std::to_string(server.port()) + "/");
    request.timeout = 500ms;
    CHECK_FALSE(client.failure(request).sent);
}

TEST_CASE("requests to one host share a connection", "[collector]") {
    ScriptedServer server;
    server.on("/", "ok");
    Client client;
    for (int i = 0; i < 5; ++i) CHECK(client.response(server.url("/")).body == "ok");
    CHECK(server.requests().size() == 5);
    CHECK(server.connections() == 1);
}

TEST_CASE("a kept connection that the server closed is replaced", "[collector]") {
    ScriptedServer server;
    server.on("/", send_then("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", Do::close));
    Client client;
    for (int i = 0; i < 5; ++i) CHECK(client.response(server.url("/")).body == "ok");
}

TEST_CASE("fifty fetches at once all come back whole", "[collector]") {
    ScriptedServer server;
    std::vector<HttpRequest> requests;
    for (int i = 0; i < 50; ++i) {
        const auto target = "/" + std::to_string(i);
        server.on(target, numbers(20'000 + static_cast<std::size_t>(i)));
        requests.push_back(Client::request_for(server.url(target)));
    }
    Client client;
    for (int round = 0; round < 3; ++round) {
        const auto results = client.fetch_all(requests);
        for (std::size_t i = 0; i < results.size(); ++i) {
            REQUIRE(std::holds_alternative<HttpResponse>(results[i]));
            CHECK(std::get<HttpResponse>(results[i]).body == numbers(20'000 + i));
        }
    }
    CHECK(server.connections() <= 50);
}

TEST_CASE("connections to one host stay within their bound", "[collector]") {
    ScriptedServer server;
    server.on("/", "ok");
    CurlSettings settings;
    settings.connections_per_host = 3;
    Client client(settings);
    const auto results =
        client.fetch_all(std::vector<HttpRequest>(30, Client::request_for(server.url("/"))));
    for (const auto& result : results) CHECK(std::holds_alternative<HttpResponse>(result));
    CHECK(server.connections() <= 3);
}

TEST_CASE("a private address is refused where it is not allowed", "[collector]") {
    ScriptedServer server;
    server.on("/", "ok");
    CurlSettings settings;
    settings.private_addresses = false;
    Client client(settings);
    for (const auto& url :
         {server.url("/"), "http://localhost:" + std::to_string(server.port()) + "/"}) {
        const auto failed = client.failure(url);
        CHECK(failed.kind == Kind::refused_target);
        CHECK_FALSE(failed.sent);
    }
    CHECK(server.connections() == 0);
}

TEST_CASE("special networks are private, the rest is not", "[collector]") {
    const auto is_private = [](const char* text) {
        return pawl::collector::is_private(boost::asio::ip::make_address(text));
    };
    for (const auto* text :
         {"127.0.0.1", "10.1.2.3", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1",
          "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00:ec2::254",
          "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1"})
        CHECK(is_private(text));
    for (const auto* text :
         {"8.8.8.8", "172.32.0.1", "100.128.0.1", "192.169.0.1", "2606:4700::1111",
          "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"})
        CHECK_FALSE(is_private(text));
}

TEST_CASE("no reason of a failure shows a secret", "[collector]") {
    ScriptedServer server;
    server.on("/cut?token=canary-in-url",
              send_then("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", Do::close));
    server.on("/go?token=canary-in-url",
              send("HTTP/1.1 302 Found\r\nLocation: ftp://u:canary-in-url@h/\r\n"
                   "Content-Length: 0\r\n\r\n"));
    int port = 0;
    { port = ScriptedServer().port(); }
    Client client;
    const std::string query = "?token=canary-in-url";
    for (const auto& url :
         {server.url("/cut" + query), server.url("/go" + query), "ftp://127.0.0.1/" + query,
          "http://127.0.0.1:" + std::to_string(port) + "/" + query,
          "http://u:canary-in-url@127.0.0.1/" + query, "http://no-such-host.invalid/" + query}) {
        auto request = Client::request_for(url);
        request.headers = {{"Authorization", "Bearer canary-in-header"}};
        const auto failed = client.failure(request);
        CHECK_FALSE(failed.reason.empty());
        CHECK(failed.reason.find("canary") == std::string::npos);
    }
}

TEST_CASE("a cancelled fetch ends at once and leaves the client usable", "[collector]") {
    ScriptedServer server;
    server.on("/silent", {{.what = Do::pause, .wait = 30s}});
    server.on("/", "ok");
    Client client;
    boost::asio::cancellation_signal cancel;
    std::exception_ptr ended;
    bool done = false;
    boost::asio::co_spawn(client.context,
                          client.http->fetch(Client::request_for(server.url("/silent"))),
                          boost::asio::bind_cancellation_slot(
                              cancel.slot(), [&](std::exception_ptr error, HttpResult) {
                                  ended = error;
                                  done = true;
                              }));
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (server.requests().empty() && std::chrono::steady_clock::now() < give_up)
        client.context.run_one_for(10ms);
    cancel.emit(boost::asio::cancellation_type::terminal);
    while (!done && std::chrono::steady_clock::now() < give_up) client.context.run_one_for(10ms);
    REQUIRE(ended);
    CHECK_THROWS_AS(std::rethrow_exception(ended), boost::system::system_error);
    CHECK(client.response(server.url("/")).body == "ok");
}

TEST_CASE("coroutines destroyed in the middle of fetches drop their transfers", "[collector]") {
    ScriptedServer server;
    server.on("/silent", {{.what = Do::pause, .wait = 30s}});
    for (int round = 0; round < 3; ++round) {
        Client client;
        for (int i = 0; i < 10; ++i)
            boost::asio::co_spawn(client.context,
                                  client.http->fetch(Client::request_for(server.url("/silent"))),
                                  [](std::exception_ptr, HttpResult) {});
        const auto give_up = std::chrono::steady_clock::now() + 10s;
        const auto wanted = static_cast<std::size_t>(10 * (round + 1));
        while (server.requests().size() < wanted && std::chrono::steady_clock::now() < give_up)
            client.context.run_one_for(10ms);
        CHECK(server.requests().size() == wanted);
    }
}

TEST_CASE("gzip members one behind the other are one body", "[collector]") {
    Gunzip gunzip;
    std::string out;
    const auto wire = gzip("first ") + gzip("second");
    for (const char c : wire) REQUIRE(gunzip.feed({&c, 1}, out, 100) == Gunzip::Step::ok);
    CHECK(out == "first second");
    CHECK(gunzip.is_complete());
    CHECK(gunzip.feed("rubbish behind it", out, 100) == Gunzip::Step::broken);
}
