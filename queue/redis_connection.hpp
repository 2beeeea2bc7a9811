#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "core/task.hpp"
#include "queue/redis_address.hpp"
#include "queue/redis_reply.hpp"
#include "queue/redis_script.hpp"

namespace pawl::queue {

struct RedisOptions {
    RedisAddress address;
    core::Millis connect_timeout{5'000};
    core::Millis command_timeout{
        5'000};  ///< from the call to the reply, waiting for a connection included
    core::Millis backoff_min{50};  ///< after a failed attempt to connect; doubles, with jitter …
    core::Millis backoff_max{2'000};             ///< … up to this
    std::size_t pending_max = 10'000;            ///< calls that wait; one more is refused
    std::size_t pending_bytes_max = 256u << 20;  ///< bytes of calls not yet written
    std::size_t reply_bytes_max =
        768u << 20;  ///< of one reply. Reads are bounded by the queue's bytes long before
};

/// One connection to Redis, shared by any number of coroutines of one executor: requests go out in
/// the order of the calls, replies come back in the same order. Connects when first needed and
/// again after a failure, with jittered backoff.
///
/// A call throws core::TransientError when it got no reply: `outcome_unknown` is true when the
/// request had gone out, false when it surely did not. A call that had gone out and gets no reply
/// in time breaks the connection, since the replies behind it could not be matched sooner. Throws
/// core::ConfigError when the server refuses the credentials or may evict keys. Cancel: safe; a
/// request that has gone out takes effect all the same.
class RedisConnection {
  public:
    RedisConnection(core::asio::any_io_executor executor, RedisOptions options,
                    core::Random& random);
    /// Calls that still wait end with TransientError.
    ~RedisConnection();
    RedisConnection(const RedisConnection&) = delete;
    RedisConnection& operator=(const RedisConnection&) = delete;

    /// One command; throws as throw_redis_error() when the reply is an error. `extra_wait` is added
    /// to the timeout, for commands that block: give those a connection of their own.
    core::Task<RedisReply> command(std::vector<std::string> arguments,
                                   core::Millis extra_wait = core::Millis(0));
    /// Several commands in one go. Errors come as values.
    core::Task<std::vector<RedisReply>> pipeline(std::vector<std::vector<std::string>> commands);

    /// Runs a script by its hash, and by its text where Redis does not know it (NOSCRIPT). `prefix`
    /// is KEYS[1].
    core::Task<RedisReply> run(const RedisScript& script, std::string prefix,
                               std::vector<std::string> arguments);
    /// The same script with several lists of arguments, in one go. Throws at the first error among
    /// the replies.
    core::Task<std::vector<RedisReply>> run_each(const RedisScript& script, std::string prefix,
                                                 std::vector<std::vector<std::string>> arguments);

    /// True while a connection stands.
    [[nodiscard]] bool is_connected() const;
    /// Breaks the connection and refuses what is called from now on.
    void close();

  private:
    class Loop;
    std::shared_ptr<Loop> loop_;
};

}  // namespace pawl::queue
