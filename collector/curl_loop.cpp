#include "collector/curl_loop.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <new>
#include <system_error>

#include "collector/curl_http.hpp"
#include "collector/curl_transfer.hpp"

namespace pawl::collector {

namespace {

constexpr std::size_t spare_max = 256;      // easy handles kept for reuse, about 6 KB each
constexpr long idle_connections_max = 256;  // kept open for reuse
constexpr int events_at_a_time = 64;

int new_epoll() {
    // Before any thread that uses libcurl: the first CurlLoop of a process does it.
    static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
    if (initialised != CURLE_OK) throw std::bad_alloc();
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return fd;
}

int ready_mask(std::uint32_t events) {
    int mask = 0;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) mask |= CURL_CSELECT_IN;
    if (events & EPOLLOUT) mask |= CURL_CSELECT_OUT;
    if (events & EPOLLERR) mask |= CURL_CSELECT_ERR;
    return mask;
}

}  // namespace

std::shared_ptr<CurlLoop> CurlLoop::create(boost::asio::any_io_executor executor,
                                           const CurlSettings& settings) {
    std::shared_ptr<CurlLoop> loop(new CurlLoop(std::move(executor), settings));
    loop->arm_descriptor();
    return loop;
}

CurlLoop::CurlLoop(boost::asio::any_io_executor executor, const CurlSettings& settings)
    : epoll_(executor, new_epoll()), timer_(executor), multi_(curl_multi_init()) {
    if (!multi_) throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, settings.connections_per_host);
    curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS, settings.streams_per_connection);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, idle_connections_max);
}

CurlLoop::~CurlLoop() {
    for (auto* easy : spare_) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi_);  // closes the idle connections through close()
}

CURL* CurlLoop::borrow() {
    if (!spare_.empty()) {
        auto* easy = spare_.back();
        spare_.pop_back();
        return easy;
    }
    auto* easy = curl_easy_init();
    if (!easy) throw std::bad_alloc();
    return easy;
}

void CurlLoop::give_back(CURL* easy) {
    if (spare_.size() >= spare_max) return curl_easy_cleanup(easy);
    curl_easy_reset(easy);
    spare_.push_back(easy);
}

void CurlLoop::add(CURL* easy) {
    if (curl_multi_add_handle(multi_, easy) != CURLM_OK) throw std::bad_alloc();
}

void CurlLoop::remove(CURL* easy) { curl_multi_remove_handle(multi_, easy); }

int CurlLoop::on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
    std::uint32_t events = 0;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= EPOLLIN | EPOLLRDHUP;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= EPOLLOUT;
    static_cast<CurlLoop*>(self)->watch(socket, events);
    return 0;
}

int CurlLoop::on_timer(CURLM*, long timeout_ms, void* self) {
    auto* loop = static_cast<CurlLoop*>(self);
    loop->timeout_ = std::chrono::milliseconds(timeout_ms);
    loop->arm_timer();
    return 0;
}

// `events` 0 takes the socket out. It is level-triggered, so nothing is lost when libcurl leaves
// data unread.
void CurlLoop::watch(curl_socket_t socket, std::uint32_t events) {
    const auto at = static_cast<std::size_t>(socket);
    if (at >= watched_.size()) watched_.resize(at + 64, 0);
    if (watched_[at] == events) return;
    epoll_event event{};
    event.events = events;
    event.data.fd = socket;
    const int set = epoll_.native_handle();
    if (events == 0) {
        ::epoll_ctl(set, EPOLL_CTL_DEL, socket, nullptr);
    } else if (watched_[at] == 0 || ::epoll_ctl(set, EPOLL_CTL_MOD, socket, &event) != 0) {
        ::epoll_ctl(set, EPOLL_CTL_ADD, socket, &event);
    }
    watched_[at] = events;
}

void CurlLoop::close(curl_socket_t socket) {
    watch(socket, 0);
    ::close(socket);
}

void CurlLoop::arm_descriptor() {
    epoll_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                      [weak = weak_from_this()](const boost::system::error_code& error) {
                          const auto self = weak.lock();
                          if (error || !self) return;
                          self->take_events();
                          self->arm_descriptor();
                      });
}

void CurlLoop::arm_timer() {
    if (timeout_.count() < 0) {
        timer_.cancel();
        return;
    }
    timer_.expires_after(timeout_);
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self) return;
        int running = 0;
        curl_multi_socket_action(self->multi_, CURL_SOCKET_TIMEOUT, 0, &running);
        self->tell_finished();
    });
}

void CurlLoop::take_events() {
    std::array<epoll_event, events_at_a_time> events;
    const int count = ::epoll_wait(epoll_.native_handle(), events.data(), events_at_a_time, 0);
    for (int i = 0; i < count; ++i) {
        const auto& event = events[static_cast<std::size_t>(i)];
        int running = 0;
        // An event of a socket that was closed since is harmless: libcurl finds nothing to read.
        curl_multi_socket_action(multi_, event.data.fd, ready_mask(event.events), &running);
    }
    tell_finished();
}

void CurlLoop::tell_finished() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const auto code = message->data.result;
        char* transfer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        reinterpret_cast<CurlTransfer*>(transfer)->finish(code);  // only wakes its coroutine
    }
}

}  // namespace pawl::collector
