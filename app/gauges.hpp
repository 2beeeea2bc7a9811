#pragma once

#include <memory>

#include "app/health.hpp"
#include "app/pipeline.hpp"

namespace pawl::app {

/// Keeps the gauges and the health of a process fresh: queue, slices, quota and both servers every
/// 5 s, freshness of streams once at the start (each commit moves it on). O(1) in the size of the
/// data; a server that hangs delays its own numbers only.
class Gauges {
  public:
    Gauges(Session& session, Pipeline& pipeline, std::shared_ptr<Health> health);

    /// Both run until stop().
    core::Task<> watch_redis();
    core::Task<> watch_postgres();
    void stop() { is_stopping_ = true; }

  private:
    core::Task<> pause();
    core::Task<> load_freshness();
    void show(const Snapshot& snapshot);
    void set_up(const std::string& dependency, const std::string& error);

    Session& session_;
    Pipeline& pipeline_;
    std::shared_ptr<Health> health_;
    bool is_stopping_ = false;
};

}  // namespace pawl::app
