#pragma once

#include <curl/curl.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace pawl::collector {

struct CurlSettings;

/// Drives one libcurl multi handle from an Asio context. libcurl's sockets are watched by an epoll
/// set of our own, and Asio watches that set alone: there is no Asio object per socket that could
/// outlive its file descriptor, and the number of a closed socket may be reused freely. libcurl is
/// never called from inside its callbacks: they only note.
class CurlLoop : public std::enable_shared_from_this<CurlLoop> {
  public:
    [[nodiscard]] static std::shared_ptr<CurlLoop> create(boost::asio::any_io_executor executor,
                                                          const CurlSettings& settings);
    ~CurlLoop();
    CurlLoop(const CurlLoop&) = delete;
    CurlLoop& operator=(const CurlLoop&) = delete;

    /// An easy handle with nothing set, used before where there is one.
    [[nodiscard]] CURL* borrow();
    void give_back(CURL* easy);
    /// Starts the transfer of `easy`, whose CURLOPT_PRIVATE is a CurlTransfer; its end is told by
    /// CurlTransfer::finish.
    void add(CURL* easy);
    /// Drops a transfer, ended or not.
    void remove(CURL* easy);
    /// Closes a socket of libcurl, after taking it out of the epoll set.
    void close(curl_socket_t socket);

  private:
    CurlLoop(boost::asio::any_io_executor executor, const CurlSettings& settings);
    static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* unused);
    static int on_timer(CURLM* multi, long timeout_ms, void* self);
    void watch(curl_socket_t socket, std::uint32_t events);
    void arm_descriptor();
    void arm_timer();
    void take_events();
    void tell_finished();

    boost::asio::posix::stream_descriptor epoll_;
    boost::asio::steady_timer timer_;
    std::chrono::milliseconds timeout_{-1};  ///< what libcurl asked for; negative: nothing
    CURLM* multi_ = nullptr;
    std::vector<std::uint32_t>
        watched_;  ///< by file descriptor: its epoll events; 0: not in the set
    std::vector<CURL*> spare_;
};

}  // namespace pawl::collector
