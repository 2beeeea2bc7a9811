#include "app/leave.hpp"

#include <unistd.h>

#include <iostream>

#include "core/log.hpp"

namespace pawl::app {

void leave_without_destructors(Session& session, core::ExitCode code) {
    try {
        session.local->leave_at_once();
    } catch (const std::exception& error) {
        core::log::warn("Local servers may still run", {{"reason", error.what()}});
    }
    std::cout.flush();
    ::_exit(static_cast<int>(code));
}

}  // namespace pawl::app
