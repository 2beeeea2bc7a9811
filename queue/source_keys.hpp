#pragma once

#include <memory>
#include <string>

#include "core/task.hpp"
#include "queue/redis_connection.hpp"

namespace pawl::queue {

/// All keys of one source in Redis, as a whole. Throws core::TransientError when Redis cannot be reached.
class SourceKeys {
  public:
    SourceKeys(std::shared_ptr<RedisConnection> connection, std::string source);

    /// Workers that showed a sign of life within their lease.
    core::Task<std::int64_t> live_workers();
    /// Removes all of them but the budgets, a bounded number at a time. What was spent of an API's quota is spent, whoever
    /// forgets it: budgets end by themselves after 32 days, longer than any window lasts. Returns how many went.
    core::Task<std::int64_t> remove();

  private:
    std::shared_ptr<RedisConnection> connection_;
    std::string prefix_;
};

}  // namespace pawl::queue
