#pragma once

#include <string>
#include <vector>

#include "app/invocation.hpp"
#include "app/progress_line.hpp"

namespace pawl::app {

/// Shows the progress of a one-shot command: one line that is redrawn on a terminal, a line now and
/// then elsewhere, or JSON objects on stdout. Messages and lines go to stderr.
class ProgressWriter {
  public:
    ProgressWriter(core::SteadyTime begin, std::vector<std::string> streams,
                   const Invocation& invocation);

    /// A new look at all sources; shown when it is time.
    void update(core::SteadyTime now, std::vector<Snapshot> snapshots);
    /// A message on a line of its own.
    void say(const std::string& text);
    /// The last state and the summary: a table on stdout (JSON where that was asked for).
    void finish();
    /// Slices were lost since the first look, or there are dead letters.
    [[nodiscard]] bool has_losses() const;

  private:
    void show();
    void clear();
    ProgressLine line_;
    core::SteadyTime next_;
    core::Millis every_;
    bool is_terminal_ = false, is_json_ = false, is_result_json_ = false;
    bool is_drawn_ = false;
    std::int64_t lost_before_ = -1;
};

}  // namespace pawl::app
