#include "collector/curl_transfer.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <cstring>

#include "collector/curl_error.hpp"
#include "collector/curl_loop.hpp"
#include "collector/private_address.hpp"
#include "core/characters.hpp"
#include "core/json_document.hpp"
#include "core/redact.hpp"

namespace pawl::collector {

namespace {

constexpr long receive_buffer =
    100L << 10;  // fewer reads; below the size from which malloc maps pages each time
constexpr std::size_t reserve_max = 8u
                                    << 20;  // a Content-Length is only a claim: believed up to here

bool is_token(
    std::string_view text) {  // RFC 9110: what a method or header name may be, on the safe side
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
}

bool is_one_line(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::optional<boost::asio::ip::address> address_of(const curl_sockaddr& from) {
    if (from.family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &from.addr, sizeof v4);
        return boost::asio::ip::address_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (from.family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &from.addr, std::min<std::size_t>(sizeof v6, from.addrlen));
        boost::asio::ip::address_v6::bytes_type bytes;
        std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
        return boost::asio::ip::address_v6(bytes);
    }
    return std::nullopt;
}

}  // namespace

CurlTransfer::CurlTransfer(std::shared_ptr<CurlLoop> loop,
                           std::shared_ptr<const CurlSettings> settings, HttpRequest request)
    : loop_(std::move(loop)),
      settings_(std::move(settings)),
      request_(std::move(request)),
      easy_(loop_->borrow()),
      headers_(nullptr, &curl_slist_free_all) {}

CurlTransfer::~CurlTransfer() {
    if (added_) loop_->remove(easy_);
    loop_->give_back(easy_);
}

bool CurlTransfer::start(std::function<void()> when_finished) {
    when_finished_ = std::move(when_finished);
    if (auto refused = prepare()) {
        refused->sent = false;
        result_ = std::move(*refused);
        return false;
    }
    loop_->add(easy_);
    added_ = true;
    return true;
}

void CurlTransfer::finish(CURLcode code) {
    if (code == CURLE_OK)
        result_ = answer();
    else
        result_ = why_failed(code);
    when_finished_();
}

std::optional<HttpFailure> CurlTransfer::prepare() {
    using Kind = HttpFailure::Kind;
    url_ = HttpUrl::parse(request_.url);
    if (!url_) return failure(Kind::refused_target, "the URL is not a plain http or https one");
    if (!is_token(request_.method)) return failure(Kind::protocol, "the method is not a word");
    if (!set_headers())
        return failure(Kind::protocol, "a request header has a bad name or holds a line break");
    set_options();
    return std::nullopt;
}

bool CurlTransfer::set_headers() {
    bool has_agent = false;
    bool has_encoding = false;
    const auto append = [this](const std::string& line) {
        auto* list = curl_slist_append(headers_.get(), line.c_str());
        if (!list) throw std::bad_alloc();
        (void)headers_.release();
        headers_.reset(list);
    };
    for (const auto& [name, value] : request_.headers) {
        if (!is_token(name) || !is_one_line(value)) return false;
        const auto known = core::lower(name);
        has_agent = has_agent || known == "user-agent";
        has_encoding = has_encoding || known == "accept-encoding";
        append(core::trimmed(value).empty() ? name + ";"
                                   : name + ": " + value);  // "name;": an empty value, to libcurl
    }
    if (!has_agent) append("User-Agent: " + settings_->user_agent);
    if (!has_encoding) append("Accept-Encoding: gzip");
    return true;
}

void CurlTransfer::set_options() {
    const auto set = [this](CURLoption option, auto value) {
        curl_easy_setopt(easy_, option, value);
    };
    set(CURLOPT_CURLU, url_->handle());
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_HTTPHEADER, headers_.get());
    set(CURLOPT_ERRORBUFFER, error_.data());
    if (request_.method == "HEAD")
        set(CURLOPT_NOBODY, 1L);
    else if (request_.method != "GET")
        set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    if (!request_.body.empty()) {
        set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
        set(CURLOPT_POSTFIELDS, request_.body.data());  // read while the transfer runs: it owns it
    }

    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    set(CURLOPT_PROXY,
        settings_->proxy.c_str());  // "" also keeps http_proxy of the environment out
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    set(CURLOPT_HTTP_CONTENT_DECODING, 0L);
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_2TLS});
    set(CURLOPT_PIPEWAIT, request_.url.starts_with("https:") ? 1L : 0L);

    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    if (!settings_->ca_file.empty()) set(CURLOPT_CAINFO, settings_->ca_file.c_str());

    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // a dead name server does not hold up the loop
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request_.timeout.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, settings_->slow_bytes_per_second);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(settings_->slow_time.count()));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_BUFFERSIZE, receive_buffer);

    set(CURLOPT_HEADERFUNCTION, &CurlTransfer::on_header);
    set(CURLOPT_HEADERDATA, this);
    set(CURLOPT_WRITEFUNCTION, &CurlTransfer::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_OPENSOCKETFUNCTION, &CurlTransfer::on_open);
    set(CURLOPT_OPENSOCKETDATA, this);
    // Kept by the connection, which outlives this transfer: hence the loop.
    set(
        CURLOPT_CLOSESOCKETFUNCTION, +[](void* loop, curl_socket_t socket) {
            static_cast<CurlLoop*>(loop)->close(socket);
            return 0;
        });
    set(CURLOPT_CLOSESOCKETDATA, loop_.get());
}

curl_socket_t CurlTransfer::on_open(void* self, curlsocktype, struct curl_sockaddr* address) {
    auto* transfer = static_cast<CurlTransfer*>(self);
    if (!transfer->settings_->private_addresses) {
        const auto target = address_of(*address);
        if (!target || is_private(*target)) {
            transfer->private_refused_ = true;
            return CURL_SOCKET_BAD;
        }
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->protocol);
}

std::size_t CurlTransfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<CurlTransfer*>(self)->take_header({data, size * count}) ? size * count : 0;
}

std::size_t CurlTransfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
    return static_cast<CurlTransfer*>(self)->take_body({data, size * count}) ? size * count : 0;
}

bool CurlTransfer::stop(Stop why) {
    stop_ = why;
    return false;
}

bool CurlTransfer::take_header(std::string_view line) {
    header_bytes_ += line.size();
    if (header_bytes_ > settings_->header_bytes_max) return stop(Stop::headers);
    if (line.starts_with("HTTP/")) {  // also once per 1xx before the answer proper
        response_.headers.clear();
        headers_ended_ = false;
        const auto code = line.substr(std::min(line.find(' '), line.size() - 1) + 1);
        std::from_chars(code.data(), code.data() + code.size(), response_.status);
        return true;
    }
    if (headers_ended_) return true;  // trailers of a chunked body: nobody asked for them
    const auto text = core::trimmed(line);
    if (text.empty()) {
        headers_ended_ = true;
        return response_.status < 200 || begin_body();
    }
    if (response_.headers.size() >= settings_->headers_max) return stop(Stop::headers);
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return true;
    response_.headers.emplace_back(core::lower(core::trimmed(text.substr(0, colon))),
                                   core::trimmed(text.substr(colon + 1)));
    return true;
}

bool CurlTransfer::begin_body() {
    std::string coding;
    std::size_t length = 0;
    for (const auto& [name, value] : response_.headers) {
        if (name == "content-encoding")
            coding += coding.empty() ? core::lower(value) : "," + core::lower(value);
        if (name == "content-length")
            std::from_chars(value.data(), value.data() + value.size(), length);
    }
    if (coding.empty() || coding == "identity")
        body_ = Body::plain;
    else if (coding == "gzip" || coding == "x-gzip")
        body_ = Body::gzip;
    else
        body_ = Body::unknown_coding;
    if (!may_have_body()) return true;
    if (length > request_.body_max) return stop(Stop::too_large);
    response_.body.reserve(std::min(length, reserve_max) + core::JsonDocument::padding);
    if (body_ == Body::gzip) gunzip_.emplace();
    return true;
}

bool CurlTransfer::may_have_body() const {
    return response_.status != 204 && response_.status != 304 && request_.method != "HEAD";
}

bool CurlTransfer::take_body(std::string_view data) {
    response_.wire_bytes += data.size();
    if (response_.wire_bytes > request_.body_max) return stop(Stop::too_large);
    if (body_ == Body::plain) {
        response_.body.append(data);
        return true;
    }
    if (!gunzip_) return stop(Stop::coding);
    switch (gunzip_->feed(data, response_.body, request_.body_max)) {
        case Gunzip::Step::ok:
            return true;
        case Gunzip::Step::too_large:
            return stop(Stop::too_large);
        case Gunzip::Step::broken:
            return stop(Stop::damaged);
    }
    return false;
}

HttpFailure CurlTransfer::failure(HttpFailure::Kind kind, std::string_view reason) const {
    HttpFailure out;
    out.kind = kind;
    out.reason = core::redact(reason);
    return out;
}

HttpFailure CurlTransfer::why_failed(CURLcode code) const {
    using Kind = HttpFailure::Kind;
    switch (stop_) {
        case Stop::too_large:
            return failure(Kind::too_large, "the body is larger than " +
                                                std::to_string(request_.body_max) + " bytes");
        case Stop::damaged:
            return failure(Kind::truncated, "the body is damaged: its gzip does not unpack");
        case Stop::coding:
            return failure(Kind::protocol, "the body has a content coding that was not asked for");
        case Stop::headers:
            return failure(Kind::protocol, "the response has too many or too long headers");
        case Stop::none:
            break;
    }
    if (private_refused_ && code == CURLE_COULDNT_CONNECT) {
        auto refused = failure(Kind::refused_target,
                               "the host's address is a private one, which is not allowed");
        refused.sent = false;
        return refused;
    }
    long request_bytes = 0;
    curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &request_bytes);
    auto out = failure(kind_of(code, response_.status != 0),
                       error_[0] ? error_.data() : curl_easy_strerror(code));
    out.sent = request_bytes > 0;
    return out;
}

HttpResult CurlTransfer::answer() {
    using Kind = HttpFailure::Kind;
    if (response_.status < 200) return failure(Kind::protocol, "the response has no status");
    if (body_ == Body::gzip && may_have_body() && !gunzip_->is_complete())
        return failure(Kind::truncated, "the gzip of the body ends in the middle");
    if (const auto location = response_.header("location");
        location && is_redirect(response_.status)) {
        const auto target = url_->resolve(std::string(*location));
        if (!target)
            return failure(Kind::refused_target,
                           "the redirect does not lead to a plain http or https URL");
        response_.location = target->str();
    }
    return std::move(response_);
}

}  // namespace pawl::collector
