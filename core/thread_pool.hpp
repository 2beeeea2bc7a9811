#pragma once

#include <boost/asio/thread_pool.hpp>

#include "core/task.hpp"

namespace pawl::core {

/// The real Offload: a fixed number of threads for what blocks or burns CPU.
class ThreadPool final : public Offload {
  public:
    explicit ThreadPool(std::size_t threads) : pool_(threads) {}
    /// Blocks until running work has ended.
    ~ThreadPool() override { finish(); }
    /// The same, for an owner that is not the last: work lets go of the executor that waited for it on its own thread, a
    /// moment after that went on. So finish before that executor's context is destroyed.
    void finish() { pool_.join(); }
    /// Once started, `work` runs to its end even if the caller is cancelled: it must own what it touches.
    Task<> run(std::function<void()> work) override;

  private:
    asio::thread_pool pool_;
};

}  // namespace pawl::core
