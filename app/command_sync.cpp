#include "app/commands.hpp"
#include "app/one_shot.hpp"

namespace pawl::app {

core::ExitCode sync(const Invocation& invocation) {
    Session session(quiet_on_terminal(invocation));
    const auto all =
        load_sources(source_files(source_paths(session.settings)), invocation.environment);
    OneShot wanted;
    if (invocation.names.empty()) wanted.sources = all;
    for (const auto& name : invocation.names) wanted.sources.push_back(find_source(all, name));
    wanted.slice_class = core::SliceClass::on_demand;
    wanted.resume = command_to_resume(invocation);
    return collect_once(session, std::move(wanted));
}

}  // namespace pawl::app
