#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/job.hpp"
#include "core/source_file.hpp"
#include "queue/frontiers.hpp"
#include "storage/catalogue.hpp"

/// The planner's decisions, pure.
namespace pawl::collector {

enum class PlanMode : std::uint8_t {
    schedule,  ///< `run`: streams fall due by the schedule; tables are scanned now and then
    once,  ///< `sync`, `backfill`: streams fall due at the start, unless an earlier run left work;
           ///< then drain
};

/// How many slices may be offered now: `offers_max` less what waits in Redis, at most 500 a call.
[[nodiscard]] std::size_t offers_wanted(const queue::FrontierTotals& totals,
                                        core::SliceClass slice_class, std::size_t offers_max);

/// Do streams fall due now? `last`: when they did before.
[[nodiscard]] bool schedule_is_due(const core::Schedule& schedule,
                                   std::optional<core::WallTime> last, core::WallTime now);

/// The streams that fall due by themselves: `asked` where the command names some, else the roots of
/// the schedule. Streams whose partitions come from another stream's rows follow those rows.
[[nodiscard]] std::vector<std::string> root_streams(const core::SourceFile& source,
                                                    const std::vector<std::string>& asked);

/// Streams whose partitions come from a table by scanning.
[[nodiscard]] std::vector<std::string> scanned_streams(const core::SourceFile& source);

/// Follows the scans of all tables, to know when a full pass over them has found nothing new.
class ScanPasses {
  public:
    explicit ScanPasses(std::vector<std::string> streams) : streams_(std::move(streams)) {}

    [[nodiscard]] bool none() const { return streams_.empty(); }
    /// The stream whose table is scanned next, and from where.
    [[nodiscard]] const std::string& stream() const { return streams_[at_]; }
    [[nodiscard]] const std::optional<std::string>& after() const { return after_; }
    /// True when a pass begins with the next scan.
    [[nodiscard]] bool at_start() const { return at_ == 0 && !after_; }
    void saw(const storage::Catalogue::Scan& scan);
    /// Work was done meanwhile, so that a pass under way proves nothing.
    void disturb() {
        clean_ = false;
        settled_ = none();
    }
    /// A full pass that began after the last disturbance added nothing.
    [[nodiscard]] bool settled() const { return none() || settled_; }

  private:
    std::vector<std::string> streams_;
    std::size_t at_ = 0;
    std::optional<std::string> after_;
    bool clean_ = true;
    bool settled_ = false;
};

}  // namespace pawl::collector
