// What every adapter of collector/http.hpp does: libcurl over a socket, and the server in memory that the simulation and the
// tests of walks speak to.
#include "collector/curl_http.hpp"
#include "tests/fakes/memory_http.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/scripted_server.hpp"

namespace pawl::test {

using collector::HttpFailure;
using collector::HttpRequest;
using collector::HttpResponse;
using collector::HttpResult;

namespace {

class CurlServer {
  public:
    [[nodiscard]] std::string url(const std::string& path) const { return server_.url(path); }
    void on(const std::string& path, int status, const std::string& body, const collector::Headers& headers = {}) {
        std::string text = "HTTP/1.1 " + std::to_string(status) + " Word\r\n";
        for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
        text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        server_.on(path, ScriptedServer::Script{{.what = ScriptedServer::Step::Do::send, .text = text}});
    }
    void break_off(const std::string& path) {
        server_.on(path, ScriptedServer::Script{{.what = ScriptedServer::Step::Do::send, .text = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"},
                                                {.what = ScriptedServer::Step::Do::close}});
    }
    HttpResult fetch(HttpRequest request) { return run_task(io_, http_.fetch(std::move(request))); }

  private:
    ScriptedServer server_;
    boost::asio::io_context io_;
    collector::CurlHttp http_{io_.get_executor(), {}};
};

class MemoryServer {
  public:
    [[nodiscard]] std::string url(const std::string& path) const { return "http://127.0.0.1:1" + path; }
    void on(const std::string& path, int status, const std::string& body, const collector::Headers& headers = {}) {
        HttpResponse response;
        response.status = status;
        response.body = body;
        response.headers = headers;
        http_.on(url(path), std::move(response));
    }
    void break_off(const std::string& path) {
        http_.on(url(path), HttpFailure{HttpFailure::Kind::truncated, "cut off", true});
    }
    HttpResult fetch(HttpRequest request) { return run_task(io_, http_.fetch(std::move(request))); }

  private:
    boost::asio::io_context io_;
    MemoryHttp http_;
};

#define PAWL_HTTP_SERVERS CurlServer, MemoryServer

template <typename Server>
HttpResponse answer_of(Server& server, const std::string& url) {
    HttpRequest request;
    request.url = url;
    auto result = server.fetch(std::move(request));
    REQUIRE(std::holds_alternative<HttpResponse>(result));
    return std::get<HttpResponse>(std::move(result));
}

template <typename Server>
HttpFailure failure_of(Server& server, const std::string& url, std::size_t body_max = 32u << 20) {
    HttpRequest request;
    request.url = url;
    request.body_max = body_max;
    auto result = server.fetch(std::move(request));
    REQUIRE(std::holds_alternative<HttpFailure>(result));
    return std::get<HttpFailure>(std::move(result));
}

}  // namespace

TEMPLATE_TEST_CASE("an answer comes with status, lower-case headers, body and size", "[http_contract]", PAWL_HTTP_SERVERS) {
    TestType server;
    server.on("/page?x=1", 200, "[1, 2]", {{"X-RateLimit-Remaining", "7"}, {"Link", "<a>; rel=next"}, {"Link", "<b>; rel=last"}});
    server.on("/busy", 503, "later", {{"Retry-After", "3"}});
    const auto page = answer_of(server, server.url("/page?x=1"));
    CHECK(page.status == 200);
    CHECK(page.body == "[1, 2]");
    CHECK(page.wire_bytes >= page.body.size());
    CHECK(page.header("x-ratelimit-remaining") == "7");
    CHECK(collector::link_header_of(page.headers) == "<a>; rel=next, <b>; rel=last");
    CHECK_FALSE(page.header("retry-after"));
    CHECK(page.location.empty());
    const auto busy = answer_of(server, server.url("/busy"));
    CHECK(busy.status == 503);
    CHECK(busy.header("retry-after") == "3");
    CHECK(answer_of(server, server.url("/unknown")).status == 404);
}

TEMPLATE_TEST_CASE("a redirect is told with an absolute target, or refused", "[http_contract]", PAWL_HTTP_SERVERS) {
    TestType server;
    server.on("/a/b", 301, "", {{"Location", "../c?y=2"}});
    server.on("/created", 201, "", {{"Location", "/x"}});
    server.on("/out", 302, "", {{"Location", "file:///etc/passwd"}});
    CHECK(answer_of(server, server.url("/a/b")).location == server.url("/c?y=2"));
    CHECK(answer_of(server, server.url("/created")).location.empty());
    CHECK(failure_of(server, server.url("/out")).kind == HttpFailure::Kind::refused_target);
}

TEMPLATE_TEST_CASE("a body may be as large as body_max and not a byte larger", "[http_contract]", PAWL_HTTP_SERVERS) {
    TestType server;
    server.on("/big", 200, std::string(1'000, 'x'));
    CHECK(failure_of(server, server.url("/big"), 999).kind == HttpFailure::Kind::too_large);
    HttpRequest request;
    request.url = server.url("/big");
    request.body_max = 1'000;
    CHECK(std::holds_alternative<HttpResponse>(server.fetch(request)));
}

TEMPLATE_TEST_CASE("what a server does wrong is a failure, and a URL that may not be asked is never sent", "[http_contract]",
                   PAWL_HTTP_SERVERS) {
    TestType server;
    server.break_off("/half");
    const auto half = failure_of(server, server.url("/half"));
    CHECK(half.kind == HttpFailure::Kind::truncated);
    CHECK(half.sent);
    for (const auto* url : {"file:///etc/passwd", "http://user:password@127.0.0.1/", "", "/path"}) {
        INFO(url);
        const auto refused = failure_of(server, url);
        CHECK(refused.kind == HttpFailure::Kind::refused_target);
        CHECK_FALSE(refused.sent);
    }
}

}  // namespace pawl::test
