#pragma once

#include <map>
#include <memory>
#include <string>

#include "collector/fair_queue.hpp"
#include "core/event.hpp"
#include "core/job.hpp"
#include "core/task.hpp"

namespace pawl::collector {

/// Where the walks of a process wait to ask the ledger: at most `askers_max` ask at a time for the same limits, so a
/// hundred walks do not call Redis, nor the API, in one instant when a window opens; and who asks next is decided by
/// FairQueue, not by who polls fastest. Used by one thread.
class Turnstile {
  public:
    static constexpr std::size_t askers_max = 4;  // hides the round trip to Redis behind others

    /// The right to ask, given up when it goes out of scope. May outlive the turnstile.
    class Turn {
      public:
        Turn() = default;
        Turn(Turn&& other) noexcept : lane_(std::move(other.lane_)) {}
        Turn& operator=(Turn&& other) noexcept;
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        ~Turn() { pass_on(); }

      private:
        friend class Turnstile;
        struct Lane;
        void pass_on();
        std::shared_ptr<Lane> lane_;
    };

    /// Waits for a turn. `limits` tells which walks wait for the same.
    core::Task<Turn> enter(std::string limits, core::SliceClass slice_class, std::string stream);
    /// For one whose wait is over: lets whoever is next go first, and waits for another turn.
    core::Task<Turn> enter_again(Turn turn, core::SliceClass slice_class, std::string stream);
    void set_weights(const queue::Weights& weights);
    /// Walks that wait for a turn.
    [[nodiscard]] std::size_t waiting() const;

  private:
    using Lane = Turn::Lane;
    static core::Task<Turn> wait_in(std::shared_ptr<Lane> lane, core::SliceClass slice_class, std::string stream, bool first);

    queue::Weights weights_;
    std::map<std::string, std::shared_ptr<Lane>> lanes_;  // few: distinct sets of limits
};

}  // namespace pawl::collector
