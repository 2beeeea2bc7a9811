#pragma once

#include <memory>
#include <set>
#include <string>

#include "core/telemetry.hpp"
#include "queue/page_queue.hpp"
#include "queue/redis_connection.hpp"

namespace pawl::queue {

/// The page queue of one source in Redis.
class RedisPageQueue final : public PageQueue {
  public:
    /// `reading` is used by read() alone, which blocks it; it must not be `connection`.
    RedisPageQueue(std::shared_ptr<RedisConnection> connection,
                   std::shared_ptr<RedisConnection> reading, std::string source,
                   core::Telemetry& telemetry);

    core::Task<std::vector<int>> hold_shards(core::Nonce worker, core::Millis ttl) override;
    core::Task<> release_shards(core::Nonce worker) override;
    core::Task<std::vector<QueuedJob>> read(std::map<int, std::string> after, std::size_t jobs_max,
                                            std::size_t bytes_max, core::Millis wait) override;
    core::Task<std::vector<std::string>> oldest(int shard, std::size_t count) override;
    core::Task<std::optional<QueuedJob>> fetch(int shard, std::string entry) override;
    core::Task<std::vector<int>> start(std::vector<core::Link> links) override;
    core::Task<> give_back(std::vector<core::Link> links) override;
    core::Task<> acknowledge(std::vector<Acknowledgement> done) override;
    core::Task<QueueTotals> totals() override;

  private:
    [[nodiscard]] std::string queue_key(int shard) const;
    /// XREAD … in an order of shards that changes with each call, so that a bound cuts off another
    /// shard each time.
    [[nodiscard]] std::vector<std::string> read_command(const std::map<int, std::string>& after,
                                                        std::size_t jobs_max, std::size_t bytes_max,
                                                        core::Millis wait);
    /// Within the bounds, at least one; learns how large pages are and how many shards are busy.
    [[nodiscard]] std::vector<QueuedJob> cut(RedisReply reply, std::size_t jobs_max,
                                             std::size_t bytes_max);

    std::shared_ptr<RedisConnection> connection_, reading_;
    std::string source_, prefix_;
    core::Telemetry& telemetry_;
    std::size_t job_bytes_ = 64u << 10;  ///< of an average job, as read so far
    std::size_t busy_shards_ = 1;        ///< that had entries at the last read
    std::size_t turn_ = 0;
};

}  // namespace pawl::queue
