#pragma once

#include <optional>
#include <string>

#include "tests/fakes/memory_queue.hpp"
#include "tests/fakes/memory_store.hpp"

namespace pawl::simulation {

/// Watches the servers while a run goes on, for what must hold between any two steps. What it watches for is work that is
/// not done twice; that no record is lost or doubled is seen at the end.
class Witness {
  public:
    Witness(const test::MemoryQueue& redis, const test::MemoryStore& postgres) : redis_(redis), postgres_(postgres) {}

    /// Redis was wiped or set back: from now on it may know less than Postgres, and its queue may lack pages.
    void redis_forgot() { has_forgotten_ = true; }
    /// What is queued belongs to a branch. As long as Redis has forgotten nothing, each slice's pages are one branch, the
    /// frontier is its end, and what lies between tip and frontier is queued.
    void look();
    /// `before`: what Redis had of the slice when it answered this advance. Who holds the lease and continues the frontier
    /// is not refused, and nobody else is let through.
    void saw_advance(const std::optional<test::MemoryQueue::Slice>& before, const core::Job& job, core::Nonce nonce,
                     queue::Advance answer);

    /// The first thing that did not hold.
    [[nodiscard]] const std::string& breach() const { return breach_; }

  private:
    void note(core::SliceId slice, const std::string& what);
    void look_at_chain(core::SliceId slice, const std::map<core::Link, test::MemoryQueue::Queued>& chain);

    const test::MemoryQueue& redis_;
    const test::MemoryStore& postgres_;
    bool has_forgotten_ = false;
    std::string breach_;
};

}  // namespace pawl::simulation
