#include "app/commands.hpp"
#include "app/daemon.hpp"
#include "app/leave.hpp"

namespace pawl::app {

core::ExitCode run(const Invocation& invocation) {
    Session session(invocation);
    Daemon daemon(session);
    const auto code = session.wait_for(daemon.live());
    if (!daemon.has_ended()) leave_without_destructors(session, code);
    return code;
}

}  // namespace pawl::app
