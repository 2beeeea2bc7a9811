#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#include "core/task.hpp"
#include "tests/support/temporary_directory.hpp"

namespace pawl::test {

/// The one name server that this thread and its children know, in the hands of the test: on port 53 of an address of its own,
/// named by a resolv.conf that nobody else sees.
class NameServer {
  public:
    enum class Answer : std::uint8_t {
        none,
        no_such_name,  ///< NXDOMAIN
        loopback,      ///< every name is 127.0.0.1, and has no IPv6 address
    };
    /// Throws std::system_error where this process may not mount, or not listen on port 53.
    NameServer();
    ~NameServer();
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;

    void answer(Answer how) { how_ = how; }
    /// How many questions have come so far.
    [[nodiscard]] int asked() const { return asked_; }

  private:
    void listen();
    core::Task<> serve();
    [[nodiscard]] std::string reply_to(std::string_view question) const;

    TemporaryDirectory directory_;
    boost::asio::io_context io_;
    boost::asio::ip::udp::socket socket_;
    std::atomic<Answer> how_{Answer::none};
    std::atomic<int> asked_{0};
    std::thread thread_;
};

}  // namespace pawl::test
