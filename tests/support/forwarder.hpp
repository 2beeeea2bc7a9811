#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include "core/task.hpp"

namespace pawl::test {

/// The network between pawl and one server, in the hands of the test: a port of 127.0.0.1 that passes everything on to the
/// server's, on a thread of its own. What a black hole holds up arrives when it is healed, as a network sends again what was
/// not acknowledged.
class Forwarder {
  public:
    enum class Way : std::uint8_t { to_server = 1, to_client = 2, both = 3 };
    /// What becomes of bytes on their way to the server.
    enum class Fate : std::uint8_t {
        pass,
        cut,         ///< the connection breaks before they arrive
        pass_cut,    ///< it breaks as soon as they are sent: nobody knows whether they had effect
        answer_cut,  ///< the server answers, and it breaks before the answer arrives
    };
    /// Sees, and may change, what clients send, as it was read. Called on the forwarder's thread.
    using Watch = std::function<Fate(std::string& sent)>;

    /// To the server that `url` names as 127.0.0.1:PORT.
    explicit Forwarder(std::string url);
    ~Forwarder();
    Forwarder(const Forwarder&) = delete;
    Forwarder& operator=(const Forwarder&) = delete;

    /// `url` with this port in the place of the server's.
    [[nodiscard]] std::string url() const { return url_; }
    [[nodiscard]] int port() const { return port_; }

    /// Connections from now on lead to another server; those that are open stay where they are.
    void lead_to(int server_port);
    /// Breaks all connections, at both ends.
    void cut();
    /// Connections are taken, and nothing passes.
    void black_hole(Way way);
    void heal();
    void watch(Watch watch);
    /// How many pieces and connections a black hole has held up so far.
    [[nodiscard]] int held() const { return held_; }

  private:
    using Tcp = boost::asio::ip::tcp;
    struct Line {
        explicit Line(boost::asio::io_context& io) : client(io), server(io) {}
        void reset();

        Tcp::socket client, server;
        bool answers_cut = false;
        int open_ways = 2;
    };
    using LinePointer = std::shared_ptr<Line>;

    void now(const std::function<void()>& what);
    core::Task<> accept();
    core::Task<> join(LinePointer line);
    core::Task<> pump(LinePointer line, Way way);
    core::Task<> open(Way way);

    boost::asio::io_context io_;
    Tcp::acceptor acceptor_;
    boost::asio::steady_timer healed_;
    std::set<LinePointer> lines_;
    Watch watch_;
    int server_port_ = 0, port_ = 0, held_ways_ = 0;
    bool ended_ = false;
    std::atomic<int> held_{0};
    std::string url_;
    std::thread thread_;
};

}  // namespace pawl::test
