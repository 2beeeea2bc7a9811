#pragma once

#include <curl/curl.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "collector/curl_http.hpp"
#include "collector/gunzip.hpp"
#include "collector/http.hpp"
#include "collector/http_url.hpp"

namespace pawl::collector {

class CurlLoop;

/// One exchange: sets up an easy handle, takes in headers and body within their bounds, and says
/// how it ended. Lives in the frame of CurlHttp::fetch; its destructor drops a transfer that has
/// not ended.
class CurlTransfer {
  public:
    CurlTransfer(std::shared_ptr<CurlLoop> loop, std::shared_ptr<const CurlSettings> settings,
                 HttpRequest request);
    ~CurlTransfer();
    CurlTransfer(const CurlTransfer&) = delete;
    CurlTransfer& operator=(const CurlTransfer&) = delete;

    /// False when the request is not one we send; it is finished then. `when_finished` is called
    /// from the loop.
    [[nodiscard]] bool start(std::function<void()> when_finished);
    /// The loop's word that libcurl is done.
    void finish(CURLcode code);
    [[nodiscard]] bool is_finished() const { return result_.has_value(); }
    [[nodiscard]] HttpResult take_result() { return std::move(*result_); }

  private:
    enum class Body : std::uint8_t { unknown, plain, gzip, unknown_coding };
    /// Why a callback stopped the transfer. libcurl itself only says "write error" then.
    enum class Stop : std::uint8_t { none, too_large, damaged, coding, headers };

    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static curl_socket_t on_open(void* self, curlsocktype purpose, struct curl_sockaddr* address);

    [[nodiscard]] std::optional<HttpFailure> prepare();
    [[nodiscard]] bool set_headers();
    void set_options();
    [[nodiscard]] bool take_header(std::string_view line);
    [[nodiscard]] bool begin_body();
    [[nodiscard]] bool take_body(std::string_view data);
    [[nodiscard]] bool stop(Stop why);
    [[nodiscard]] HttpFailure failure(HttpFailure::Kind kind, std::string_view reason) const;
    [[nodiscard]] HttpFailure why_failed(CURLcode code) const;
    [[nodiscard]] HttpResult answer();
    [[nodiscard]] bool may_have_body() const;

    std::shared_ptr<CurlLoop> loop_;
    std::shared_ptr<const CurlSettings> settings_;
    HttpRequest request_;
    HttpResponse response_;
    std::optional<HttpResult> result_;
    std::function<void()> when_finished_;
    CURL* easy_;
    std::optional<HttpUrl> url_;
    std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers_;
    std::optional<Gunzip> gunzip_;
    std::size_t header_bytes_ = 0;
    Body body_ = Body::unknown;
    Stop stop_ = Stop::none;
    bool headers_ended_ = false;
    bool private_refused_ = false;
    bool added_ = false;
    std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace pawl::collector
