#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "collector/curl_http.hpp"
#include "tests/support/catch.hpp"

namespace asio = boost::asio;
using pawl::collector::CurlHttp;
using pawl::collector::CurlSettings;
using pawl::collector::HttpFailure;
using pawl::collector::HttpRequest;
using pawl::collector::HttpResponse;
using pawl::collector::HttpResult;

namespace {

/// A certificate that signs itself, for 127.0.0.1 only, made anew for each test.
struct Certificate {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), &EVP_PKEY_free};
    std::unique_ptr<X509, decltype(&X509_free)> x509{X509_new(), &X509_free};
    std::string file;

    explicit Certificate(const char* address) {
        X509_set_version(x509.get(), 2);
        ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
        X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
        X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
        X509_set_pubkey(x509.get(), key.get());
        auto* name = X509_get_subject_name(x509.get());
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<const unsigned char*>("pawl test"), -1, -1, 0);
        X509_set_issuer_name(x509.get(), name);
        extend(NID_basic_constraints, "critical,CA:TRUE");
        extend(NID_subject_alt_name, (std::string("IP:") + address).c_str());
        REQUIRE(X509_sign(x509.get(), key.get(), EVP_sha256()) > 0);
        auto pattern = (std::filesystem::temp_directory_path() / "pawl-ca-XXXXXX").string();
        const int fd = ::mkstemp(pattern.data());
        REQUIRE(fd >= 0);
        file = pattern;
        auto* out = ::fdopen(fd, "w");
        PEM_write_X509(out, x509.get());
        std::fclose(out);
    }
    ~Certificate() { std::filesystem::remove(file); }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;

  private:
    void extend(int what, const char* value) {
        auto* extension = X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
        REQUIRE(extension);
        X509_add_ext(x509.get(), extension, -1);
        X509_EXTENSION_free(extension);
    }
};

/// Answers one connection with "ok" over TLS.
class TlsServer {
  public:
    TlsServer(const Certificate& certificate, int version_max)
        : tls_(asio::ssl::context::tls_server),
          acceptor_(io_, {asio::ip::address_v4::loopback(), 0}) {
        SSL_CTX_use_certificate(tls_.native_handle(), certificate.x509.get());
        SSL_CTX_use_PrivateKey(tls_.native_handle(), certificate.key.get());
        SSL_CTX_set_security_level(tls_.native_handle(),
                                   0);  // so that old versions are offered at all
        SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_VERSION);
        SSL_CTX_set_max_proto_version(tls_.native_handle(), version_max);
        url_ = "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) +
               "/?token=canary";
        thread_ = std::thread([this] { serve(); });
    }
    ~TlsServer() { thread_.join(); }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    [[nodiscard]] const std::string& url() const { return url_; }

  private:
    void serve() {
        boost::system::error_code error;
        asio::ssl::stream<asio::ip::tcp::socket> stream(acceptor_.accept(), tls_);
        stream.handshake(asio::ssl::stream_base::server, error);
        if (error) return;
        std::string head;
        asio::read_until(stream, asio::dynamic_buffer(head), "\r\n\r\n", error);
        const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        asio::write(stream, asio::buffer(answer), error);
        stream.shutdown(error);
    }

    asio::io_context io_;
    asio::ssl::context tls_;
    asio::ip::tcp::acceptor acceptor_;
    std::string url_;
    std::thread thread_;
};

HttpResult fetch(const std::string& url, const CurlSettings& settings) {
    asio::io_context context;
    CurlHttp http(context.get_executor(), settings);
    HttpRequest request;
    request.url = url;
    HttpResult result = HttpFailure{};
    bool done = false;
    asio::co_spawn(context, http.fetch(request), [&](std::exception_ptr error, HttpResult fetched) {
        done = true;
        if (error) std::rethrow_exception(error);
        result = std::move(fetched);
    });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done && std::chrono::steady_clock::now() < deadline) context.run_one_until(deadline);
    REQUIRE(done);
    return result;
}

void require_refused(const HttpResult& result) {
    REQUIRE(std::holds_alternative<HttpFailure>(result));
    const auto& failed = std::get<HttpFailure>(result);
    INFO(failed.reason);
    CHECK(failed.kind == HttpFailure::Kind::tls);
    CHECK_FALSE(failed.sent);
    CHECK(failed.reason.find("canary") == std::string::npos);
}

}  // namespace

TEST_CASE("a server with a certificate of the given authority is trusted", "[collector]") {
    const Certificate certificate("127.0.0.1");
    TlsServer server(certificate, TLS1_3_VERSION);
    CurlSettings settings;
    settings.ca_file = certificate.file;
    const auto result = fetch(server.url(), settings);
    REQUIRE(std::holds_alternative<HttpResponse>(result));
    CHECK(std::get<HttpResponse>(result).body == "ok");
}

TEST_CASE("a certificate of an unknown authority is refused before anything is sent",
          "[collector]") {
    const Certificate certificate("127.0.0.1");
    TlsServer server(certificate, TLS1_3_VERSION);
    require_refused(fetch(server.url(), {}));
}

TEST_CASE("a certificate for another host is refused before anything is sent", "[collector]") {
    const Certificate certificate("127.0.0.2");
    TlsServer server(certificate, TLS1_3_VERSION);
    CurlSettings settings;
    settings.ca_file = certificate.file;
    require_refused(fetch(server.url(), settings));
}

TEST_CASE("a server that speaks less than TLS 1.2 is refused", "[collector]") {
    const Certificate certificate("127.0.0.1");
    TlsServer server(certificate, TLS1_1_VERSION);
    CurlSettings settings;
    settings.ca_file = certificate.file;
    require_refused(fetch(server.url(), settings));
}
