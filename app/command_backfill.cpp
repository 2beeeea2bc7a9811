#include "app/commands.hpp"
#include "app/failure.hpp"
#include "app/one_shot.hpp"

namespace pawl::app {

core::ExitCode backfill(const Invocation& invocation) {
    if (!invocation.from.empty() || !invocation.to.empty())
        throw UsageError(
            "--from and --to: no stream of this source has windows; incremental is not supported "
            "in this version");
    Session session(quiet_on_terminal(invocation));
    OneShot wanted;
    wanted.sources = {
        source_named(session.settings, invocation.environment, invocation.names.front())};
    for (std::size_t i = 1; i < invocation.names.size(); ++i)
        wanted.streams.push_back(find_stream(*wanted.sources.front(), invocation.names[i]).name);
    wanted.slice_class = core::SliceClass::backfill;
    wanted.resume = command_to_resume(invocation);
    return collect_once(session, std::move(wanted));
}

}  // namespace pawl::app
