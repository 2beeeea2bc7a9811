#include "tests/support/forwarder.hpp"

#include <fcntl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <algorithm>
#include <future>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace pawl::test {

namespace asio = boost::asio;

namespace {

constexpr auto as_outcome = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t piece_bytes = 64u << 10;
const std::string own_host = "127.0.0.1:";

std::size_t port_at(const std::string& url) {
    const auto at = url.find(own_host);
    if (at == std::string::npos) throw std::logic_error("no " + own_host + " in " + url);
    return at + own_host.size();
}

/// A child of the test that inherits it would hold a connection that we have cut.
template <typename Socket>
void keep_from_children(Socket& socket) {
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
}

asio::ip::tcp::endpoint own_endpoint(int port) {
    return {asio::ip::address_v4::loopback(), static_cast<asio::ip::port_type>(port)};
}

}  // namespace

void Forwarder::Line::reset() {
    for (auto* socket : {&client, &server}) {
        boost::system::error_code gone;  // it may be closed, or not connected yet
        socket->set_option(asio::socket_base::linger(true, 0), gone);
        socket->shutdown(Tcp::socket::shutdown_both, gone);
        socket->close(gone);
    }
}

Forwarder::Forwarder(std::string url) : acceptor_(io_, own_endpoint(0)), healed_(io_, asio::steady_timer::time_point::max()), url_(std::move(url)) {
    const auto begin = port_at(url_);
    const auto end = std::min(url_.find_first_not_of("0123456789", begin), url_.size());
    server_port_ = std::stoi(url_.substr(begin, end - begin));
    port_ = acceptor_.local_endpoint().port();
    keep_from_children(acceptor_);
    url_.replace(begin, end - begin, std::to_string(port_));
    core::spawn(io_.get_executor(), "forwarder", accept());
    thread_ = std::thread([this] { io_.run(); });
}

Forwarder::~Forwarder() {
    now([this] {
        ended_ = true;
        acceptor_.close();
        healed_.cancel();
        for (const auto& line : lines_) line->reset();
    });
    thread_.join();  // run() returns when the last pump has seen that its line is gone
}

void Forwarder::lead_to(int server_port) {
    now([this, server_port] { server_port_ = server_port; });
}

void Forwarder::cut() {
    now([this] {
        for (const auto& line : lines_) line->reset();
    });
}

void Forwarder::black_hole(Way way) {
    now([this, way] { held_ways_ = static_cast<int>(way); });
}

void Forwarder::heal() {
    now([this] {
        held_ways_ = 0;
        healed_.cancel();
    });
}

void Forwarder::watch(Watch watch) {
    now([this, &watch] { watch_ = std::move(watch); });
}

/// All that the pumps touch is touched on their thread.
void Forwarder::now(const std::function<void()>& what) {
    std::promise<void> done;
    asio::post(io_, [&] {
        what();
        done.set_value();
    });
    done.get_future().wait();
}

core::Task<> Forwarder::accept() {
    while (!ended_) {
        const auto line = std::make_shared<Line>(io_);
        const auto accepted = co_await acceptor_.async_accept(line->client, as_outcome);
        if (std::get<0>(accepted) || ended_) continue;
        keep_from_children(line->client);
        lines_.insert(line);
        core::spawn(io_.get_executor(), "forwarded line", join(line));
    }
}

/// A connection: to the server, then both ways at once.
core::Task<> Forwarder::join(LinePointer line) {
    co_await open(Way::both);
    const auto target = own_endpoint(server_port_);
    const auto connected = co_await line->server.async_connect(target, as_outcome);
    if (std::get<0>(connected) || ended_ || !line->client.is_open()) {
        line->reset();
        lines_.erase(line);
        co_return;
    }
    keep_from_children(line->server);
    line->client.set_option(Tcp::no_delay(true));
    line->server.set_option(Tcp::no_delay(true));
    core::spawn(io_.get_executor(), "forwarded answers", pump(line, Way::to_client));
    co_await pump(line, Way::to_server);
}

/// Passes on until one end closes; the other way then goes on by itself.
core::Task<> Forwarder::pump(LinePointer line, Way way) {
    auto& from = way == Way::to_server ? line->client : line->server;
    auto& to = way == Way::to_server ? line->server : line->client;
    std::string piece;
    while (true) {
        piece.resize(piece_bytes);
        const auto read = co_await from.async_read_some(asio::buffer(piece), as_outcome);
        co_await open(way);
        const auto error = std::get<0>(read);
        piece.resize(std::get<1>(read));
        if (error == asio::error::eof) break;
        const auto fate = !error && way == Way::to_server && watch_ ? watch_(piece) : Fate::pass;
        if (error || fate == Fate::cut || (way == Way::to_client && line->answers_cut)) line->reset();
        line->answers_cut = line->answers_cut || fate == Fate::answer_cut;
        const auto written = co_await asio::async_write(to, asio::buffer(piece), as_outcome);
        if (std::get<0>(written) || fate == Fate::pass_cut) line->reset();
        if (!line->client.is_open()) break;
    }
    boost::system::error_code gone;
    to.shutdown(Tcp::socket::shutdown_send, gone);
    if (--line->open_ways == 0) lines_.erase(line);
}

/// Waits until nothing holds this way up.
core::Task<> Forwarder::open(Way way) {
    const auto is_held = [this, way] { return (held_ways_ & static_cast<int>(way)) != 0 && !ended_; };
    if (is_held()) ++held_;
    while (is_held()) co_await healed_.async_wait(as_outcome);  // the timer never ends by itself: heal() wakes all
}

}  // namespace pawl::test
