#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/clock.hpp"
#include "core/task.hpp"
#include "queue/redis_address.hpp"
#include "queue/redis_codec.hpp"
#include "queue/redis_reply.hpp"
#include "queue/redis_socket.hpp"

namespace pawl::queue {

/// A call that waits for its replies. Shared by the coroutine that waits and the loop, either of
/// which may go first.
struct RedisCall {
    RedisCall(const core::asio::any_io_executor& executor, std::string wire, std::size_t expected)
        : bytes(std::move(wire)), replies_expected(expected), done_or_timeout(executor) {}

    std::string bytes;
    std::size_t replies_expected;
    std::vector<RedisReply> replies;
    std::exception_ptr error;
    bool is_done = false, is_sent = false;
    core::asio::steady_timer done_or_timeout;  ///< cancelled when done

    void finish(std::exception_ptr why = nullptr) {
        if (is_done) return;
        is_done = true;
        error = std::move(why);
        done_or_timeout.cancel();
    }
};
using RedisCallPointer = std::shared_ptr<RedisCall>;

/// One connection, from its first byte to its end.
struct RedisSession {
    RedisSession(const core::asio::any_io_executor& executor, std::size_t reply_bytes_max)
        : socket(executor), decoder(reply_bytes_max), work(executor) {}

    RedisSocket socket;
    RedisDecoder decoder;
    std::deque<RedisCallPointer> sent;  ///< in the order in which the replies will come
    core::asio::steady_timer work; ///< cancelled when there is something to write
    bool is_broken = false;
    std::string reason;  ///< why it is broken

    /// Connects and shakes hands. Throws boost::system::system_error, and what RedisConnection says of
    /// refused credentials and evicting servers; `reason` tells more where it is not empty.
    static core::Task<> connect(std::shared_ptr<RedisSession> session, RedisAddress address,
                                core::Millis timeout);

    /// The reader notices and cleans up.
    void fail(std::string why) {
        if (is_broken) return;
        is_broken = true;
        reason = std::move(why);
        socket.close();
        work.cancel();
    }

  private:
    core::Task<RedisReply> ask(std::vector<std::string> command);
    core::Task<> shake_hands(RedisAddress address);
};

}  // namespace pawl::queue
