#pragma once

namespace pawl::test {

/// From here on this thread and its children have a view of mounts of their own: what is mounted is seen by nobody else, and goes
/// with them whatever happens. Throws std::system_error where this process may not.
void see_own_mounts();

/// Throws std::system_error with `what` for a call of the system that failed.
void must(int result, const char* what);

}  // namespace pawl::test
