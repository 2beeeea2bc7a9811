#include "app/commands.hpp"
#include "app/one_shot.hpp"

namespace pawl::app {

core::ExitCode sync(const Invocation& invocation) {
    Session session(quiet_on_terminal(invocation));
    const auto all =
        load_sources(source_files(source_paths(session.settings)), invocation.environment);
    OneShot wanted;
    wanted.sources = sources_named(all, invocation.names);
    wanted.slice_class = core::SliceClass::on_demand;
    wanted.resume = command_to_resume(invocation);
    return collect_once(session, std::move(wanted));
}

}  // namespace pawl::app
