#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/random.hpp"

namespace pawl::simulation {

/// What may go wrong. Each kind is counted; a kind that never happened was not tested.
enum class Fault : std::uint8_t {
    kill,            ///< a process ends between two steps, and starts again later under the same slot
    pause,           ///< a process stands still, often past its leases, and goes on as a zombie
    request_lost,    ///< a call never reaches the server
    reply_lost,      ///< a call is carried out, and its answer is lost: a commit in doubt
    slow,            ///< a call takes seconds
    redis_wipe,      ///< all keys are gone
    redis_rollback,  ///< Redis comes back as it was a moment ago: a crash with everysec, a stale replica
    redis_full,      ///< Redis refuses writes for memory
    postgres_abort,  ///< a transaction is rolled back: deadlock, serialization, immediate stop
    api_refuses,     ///< 429 with Retry-After
    api_breaks,      ///< 500, a reset, a body cut in half
    api_drifts,      ///< records come and go between two pages
    api_reorders,    ///< a list stands in another order from now on
    api_expires,     ///< a cursor is not taken any more: 410
    clock_jump,      ///< the wall clock of a process is off
    count_
};
[[nodiscard]] std::string_view to_string(Fault fault);

/// One fault that was about to happen, in the order of the run.
struct Event {
    int number = 0;
    Fault fault = Fault::kill;
    std::int64_t at_ms = 0;  ///< virtual
    std::string what;
};

/// Decides by the seed what goes wrong and when, and keeps account of it. The same seed and the same set of faults left out
/// give the same run, step for step: that is how a failing run is replayed and made smaller.
class Fate {
  public:
    Fate(std::uint64_t seed, std::set<int> left_out) : random_(seed), left_out_(std::move(left_out)) {}

    /// True with probability `chance`, unless this fault is left out or faults are over.
    [[nodiscard]] bool strikes(Fault fault, double chance, std::int64_t at_ms, const std::string& what);
    /// From now on nothing goes wrong any more: what was begun must come to its end.
    void end() { over_ = true; }
    [[nodiscard]] bool is_over() const { return over_; }

    [[nodiscard]] core::SeededRandom& random() { return random_; }
    [[nodiscard]] const std::vector<Event>& events() const { return events_; }
    [[nodiscard]] std::int64_t count(Fault fault) const;

  private:
    core::SeededRandom random_;
    std::set<int> left_out_;
    std::vector<Event> events_;
    std::map<Fault, std::int64_t> counts_;
    int next_ = 0;
    bool over_ = false;
};

}  // namespace pawl::simulation
