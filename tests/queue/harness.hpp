#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "core/random.hpp"
#include "core/telemetry.hpp"
#include "queue/redis_connection.hpp"
#include "queue/redis_frontiers.hpp"
#include "queue/redis_page_queue.hpp"
#include "queue/redis_quota.hpp"
#include "tests/support/private_redis.hpp"
#include "tests/support/run_task.hpp"

namespace pawl::test {

inline constexpr std::size_t contract_bytes_max = 100'000;  // of the queue in the contract's cases

/// One redis-server for all cases that do not stop or starve it.
inline PrivateRedis& shared_redis() {
    static PrivateRedis redis;
    return redis;
}

/// The three ports over a real Redis that holds nothing yet.
class RedisHarness {
  public:
    explicit RedisHarness(PrivateRedis& server = shared_redis(),
                          std::size_t bytes_max = contract_bytes_max)
        : server_(server) {
        queue::RedisOptions options;
        options.address = queue::parse_redis_url(server.socket_url());
        connection_ = std::make_shared<queue::RedisConnection>(io.get_executor(), options, random);
        reading_ = std::make_shared<queue::RedisConnection>(io.get_executor(), options, random);
        frontiers_ = std::make_unique<queue::RedisFrontiers>(connection_, "test", telemetry, random,
                                                             bytes_max);
        pages_ = std::make_unique<queue::RedisPageQueue>(connection_, reading_, "test", telemetry);
        quota_ =
            std::make_unique<queue::RedisQuota>(connection_, "test", random, bytes_max);
        wipe();
    }

    queue::Frontiers& frontiers() { return *frontiers_; }
    queue::PageQueue& pages() { return *pages_; }
    queue::Quota& quota() { return *quota_; }
    /// That of another process, in this slot.
    std::unique_ptr<queue::Quota> quota_of(std::string slot) {
        auto quota = std::make_unique<queue::RedisQuota>(connection_, "test", random, contract_bytes_max);
        quota->take_slot(std::move(slot));
        return quota;
    }

    template <typename T>
    T run(core::Task<T> task) {
        return run_task(io, std::move(task));
    }
    /// Lets time pass for whatever lapses.
    void pass(std::chrono::milliseconds duration) {
        const auto end = std::chrono::steady_clock::now() + duration;
        run_until(io, task_patience, [&] { return std::chrono::steady_clock::now() >= end; });
    }
    /// Loses everything, as FLUSHALL does.
    void wipe() { command({"FLUSHALL"}); }
    queue::RedisReply command(std::vector<std::string> arguments) {
        return run(connection_->command(std::move(arguments)));
    }
    /// Redis TIME, µs.
    std::int64_t now_us() {
        const auto time = command({"TIME"});
        return time.at(0).integer() * 1'000'000 + time.at(1).integer();
    }
    queue::RedisConnection& connection() { return *connection_; }
    std::shared_ptr<queue::RedisConnection> shared_connection() { return connection_; }

    boost::asio::io_context io;
    core::SeededRandom random{7};
    core::CountingTelemetry telemetry;

  private:
    PrivateRedis& server_;
    std::shared_ptr<queue::RedisConnection> connection_, reading_;
    std::unique_ptr<queue::RedisFrontiers> frontiers_;
    std::unique_ptr<queue::RedisPageQueue> pages_;
    std::unique_ptr<queue::RedisQuota> quota_;
};

}  // namespace pawl::test
