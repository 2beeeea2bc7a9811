#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/outlook.hpp"
#include "app/snapshot.hpp"
#include "core/clock.hpp"
#include "core/task.hpp"

namespace pawl::app {

struct ForecasterOptions {
    std::vector<std::string> streams;   ///< those that the command names; empty: all
    std::vector<collector::Paying> keys;  ///< that are here
    std::int64_t walks_max = 64;        ///< of this process
};

/// The outlook of one source while it is worked on. Reads the backlog now and then: every 10 s, less often where that
/// takes long (at most a fiftieth of the time), and gives up after 5 s. Used by the event loop's thread.
class Forecaster {
  public:
    /// The ports outlive it.
    Forecaster(storage::Backlog& backlog, core::Clock& clock, ForecasterOptions options)
        : backlog_(backlog), clock_(clock), options_(std::move(options)) {}

    /// As of the last reading, aged; nothing while nothing is left or known. `snapshot`: what Redis said just now.
    core::Task<std::optional<Outlook>> look(std::shared_ptr<const core::SourceFile> source, const Snapshot* snapshot);

  private:
    core::Task<> read(std::shared_ptr<const core::SourceFile> source, const Snapshot* snapshot);

    storage::Backlog& backlog_;
    core::Clock& clock_;
    ForecasterOptions options_;
    std::optional<Outlook> last_;
    core::SteadyTime read_at_, next_;
};

}  // namespace pawl::app
