#pragma once

#include "app/session.hpp"

namespace pawl::app {

/// Ends the process now. For a drain that ran out of time and for a second Ctrl-C: coroutines still
/// refer to objects whose destructors would run. Nothing is lost: every step that was made holds.
[[noreturn]] void leave_without_destructors(Session& session, core::ExitCode code);

}  // namespace pawl::app
