#include "collector/plan.hpp"

#include <algorithm>

#include "core/schedule.hpp"

namespace pawl::collector {

namespace {

constexpr std::int64_t offers_per_call = 500;  // Frontiers::offer takes as many

}  // namespace

std::size_t offers_wanted(const queue::FrontierTotals& totals, core::SliceClass slice_class,
                          std::size_t offers_max) {
    const auto room = static_cast<std::int64_t>(offers_max) - totals.of(slice_class);
    return static_cast<std::size_t>(std::clamp<std::int64_t>(room, 0, offers_per_call));
}

bool schedule_is_due(const core::Schedule& schedule, std::optional<core::WallTime> last,
                     core::WallTime now) {
    if (!last) return true;  // a new source begins at once
    const auto next = core::next_fire(schedule, *last);
    return next && *next <= now;
}

std::vector<std::string> root_streams(const core::SourceFile& source,
                                      const std::vector<std::string>& asked) {
    if (!asked.empty()) return asked;
    std::vector<std::string> roots;
    for (const auto& stream : source.streams)
        if (stream.scheduled) roots.push_back(stream.name);
    return roots;
}

std::vector<std::string> scanned_streams(const core::SourceFile& source) {
    std::vector<std::string> scanned;
    for (const auto& stream : source.streams)
        if (stream.foreach_.kind == core::Foreach::Kind::table) scanned.push_back(stream.name);
    return scanned;
}

void ScanPasses::saw(const storage::Catalogue::Scan& scan) {
    if (at_start()) clean_ = true;
    if (scan.added > 0) disturb();
    after_ = scan.after;
    if (after_) return;
    at_ = (at_ + 1) % streams_.size();
    if (at_ == 0) settled_ = clean_;
}

}  // namespace pawl::collector
