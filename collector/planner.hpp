#pragma once

#include <memory>
#include <string>
#include <vector>

#include "collector/plan.hpp"
#include "core/clock.hpp"
#include "core/source_file.hpp"
#include "core/telemetry.hpp"
#include "queue/frontiers.hpp"
#include "storage/catalogue.hpp"

namespace pawl::collector {

struct PlannerPorts {
    queue::Frontiers& frontiers;
    storage::Catalogue& catalogue;
    core::Clock& clock;
    core::Telemetry& telemetry;
};

struct PlannerOptions {
    PlanMode mode = PlanMode::schedule;
    core::SliceClass slice_class = core::SliceClass::live;  ///< of the walks it starts
    std::vector<std::string>
        streams;  ///< those that walks start of and slices are offered of; empty: all
    std::size_t offers_max = 1'000;  ///< slices that wait in Redis at a time
    core::Millis quiet{
        60'000};  ///< a slice whose tip does not move so long is offered again: twice the lease
    std::size_t scan_rows = 1'000;  ///< rows a step over a table looks at
    core::Millis scan_every{
        60'000};  ///< PlanMode::schedule: pause between two passes over the tables
    bool adopt_redis =
        false;  ///< --adopt-redis: take over a Redis that belongs to another catalogue
};

/// Plans one source: turns what is due in the catalogue into slices and offers them to Redis, a
/// bounded number at a time. Everything that needs repair after a loss of Redis or of a process is
/// offered again by the same step. One planner of a source works at a time; the others wait for its
/// lock. Used by one thread.
class Planner {
  public:
    Planner(std::shared_ptr<const core::SourceFile> source, PlannerPorts ports,
            PlannerOptions options);

    /// Runs until stop(). Dependencies that are away are waited for. Throws core::ConfigError when
    /// the Redis belongs to another catalogue, or Postgres refuses what the source file says.
    core::Task<> run();
    void stop() { stopping_ = true; }
    /// SIGHUP: registers `source` anew at the next step.
    void reload(std::shared_ptr<const core::SourceFile> source);

    /// PlanMode::once: nothing is due, no slice is open, and a full pass over the tables found
    /// nothing new.
    [[nodiscard]] bool drained() const { return drained_; }
    /// This process holds the planner's lock, and its configuration is the newest.
    [[nodiscard]] bool planning() const { return planning_; }
    /// What was left at the last look.
    [[nodiscard]] const storage::Catalogue::Remaining& remaining() const { return remaining_; }

  private:
    core::Task<core::Micros> step();
    core::Task<bool> enroll();
    core::Task<> know_redis();
    core::Task<bool> look_for_rest();
    core::Task<bool> fire_schedule();
    core::Task<> fire_once();
    core::Task<storage::Catalogue::Scan> scan();
    core::Task<bool> offer_due();
    core::Task<> offer(std::vector<storage::DueSlice> due);
    core::Task<std::vector<queue::Offer>> offer_once(std::vector<queue::Offer> offers);
    core::Task<> settle_behind(std::vector<queue::Offer> behind);
    core::Task<std::vector<queue::Offer>> with_fresh_tips(std::vector<queue::Offer> offers);
    core::Task<> look_for_the_end();
    core::Task<> give_up_lock();
    void note_answer(const queue::Offer& offer, queue::OfferAnswer answer);

    std::shared_ptr<const core::SourceFile> source_;
    PlannerPorts ports_;
    PlannerOptions options_;
    ScanPasses passes_;
    storage::Registration registration_;
    core::Token epoch_;
    storage::Catalogue::Remaining remaining_;
    core::SteadyTime next_pass_;
    bool enrolled_ = false;
    bool planning_ = false;
    bool fired_ = false;  // PlanMode::once: the streams fell due, or an earlier run is resumed
    bool is_unfinished_ = false, has_scanned_ = false;  // what look_for_rest found, and how
    bool drained_ = false;
    bool stopping_ = false;
    bool waiting_told_ = false;
    bool has_waited_ = false;  // another process planned while this one wanted to
    bool away_told_ = false;
};

}  // namespace pawl::collector
