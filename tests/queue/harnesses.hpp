#pragma once

#include "core/clock.hpp"
#include "tests/fakes/memory_queue.hpp"
#include "tests/queue/harness.hpp"

namespace pawl::test {

/// The three ports in memory.
class MemoryHarness {
  public:
    queue::Frontiers& frontiers() { return frontiers_; }
    queue::PageQueue& pages() { return pages_; }
    queue::Quota& quota() { return quota_; }
    std::unique_ptr<queue::Quota> quota_of(std::string slot) {
        return std::make_unique<MemoryQuota>(queue_, std::move(slot));
    }

    template <typename T>
    T run(core::Task<T> task) {
        return run_task(io, std::move(task));
    }
    void pass(std::chrono::milliseconds duration) { run(clock_.sleep(duration)); }
    void wipe() { queue_.wipe(); }
    std::int64_t now_us() { return queue_.now_us(); }

    boost::asio::io_context io;
    core::SeededRandom random{7};

  private:
    core::SystemClock clock_;
    MemoryQueue queue_{clock_, random, contract_bytes_max};
    MemoryFrontiers frontiers_{queue_};
    MemoryPageQueue pages_{queue_};
    MemoryQuota quota_{queue_};
};

}  // namespace pawl::test

/// The adapters that the contract's cases run against.
#define PAWL_QUEUES ::pawl::test::RedisHarness, ::pawl::test::MemoryHarness
