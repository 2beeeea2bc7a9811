#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <memory>
#include <vector>

#include "core/clock.hpp"
#include "core/task.hpp"
#include "queue/redis_address.hpp"

namespace pawl::queue {

/// A byte stream to a Redis: TCP, TLS over TCP or a unix socket. One read and one write may wait at
/// the same time. Throws boost::system::system_error; after close() whatever waits ends with
/// operation_aborted.
class RedisSocket {
  public:
    explicit RedisSocket(core::asio::any_io_executor executor);
    ~RedisSocket();

    /// Resolves, connects and shakes hands within `timeout` in all.
    core::Task<> connect(RedisAddress address, core::Millis timeout);
    core::Task<std::size_t> read_some(core::asio::mutable_buffer into);
    /// Writes all of the buffers, which must live until then.
    core::Task<> write(std::vector<core::asio::const_buffer> buffers);
    void close();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace pawl::queue
