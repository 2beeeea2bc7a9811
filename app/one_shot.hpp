#pragma once

#include <string>
#include <vector>

#include "app/invocation.hpp"
#include "app/session.hpp"
#include "app/source_set.hpp"
#include "core/job.hpp"

namespace pawl::app {

/// What `sync` and `backfill` have in common: collect until nothing is left, then end.
struct OneShot {
    Sources sources;
    std::vector<std::string> streams;  ///< empty: all
    core::SliceClass slice_class = core::SliceClass::live;
    std::string resume;  ///< command line that goes on where a Ctrl-C stopped it
};

/// Works until the sources are drained; tells progress meanwhile. The first Ctrl-C drains and
/// prints how to go on, a second ends at once. Returns ok, finished_with_losses, refused (the API
/// refuses all keys of a source) or failure (stopped before the end). Throws core::TransientError
/// when Redis or Postgres cannot be reached at the start.
[[nodiscard]] core::ExitCode collect_once(Session& session, OneShot wanted);

/// On a terminal the progress line says what goes on: lines at level info would tear it apart,
/// unless they were asked for.
[[nodiscard]] Invocation quiet_on_terminal(Invocation invocation);

/// The words of a command line that goes on where this one stopped. Pure.
[[nodiscard]] std::string command_to_resume(const Invocation& invocation);

}  // namespace pawl::app
