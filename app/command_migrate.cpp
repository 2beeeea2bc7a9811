#include <iostream>
#include <nlohmann/json.hpp>

#include "app/commands.hpp"
#include "app/session.hpp"
#include "core/errors.hpp"
#include "storage/migrate.hpp"

namespace pawl::app {

namespace {

storage::Migrated migrate_now(const Session& session) {
    try {
        storage::Connection connection(session.settings.postgres.url);
        return storage::migrate(connection);
    } catch (const core::TransientError& error) {
        throw core::TransientError("cannot migrate at " + session.postgres_address() + ": " +
                                   error.what());
    }
}

}  // namespace

core::ExitCode migrate(const Invocation& invocation) {
    Session session(invocation, {.redis = false, .postgres = true});
    const auto migrated = migrate_now(session);
    if (invocation.json) {
        std::cout << nlohmann::ordered_json{{"applied", migrated.applied},
                                            {"version", migrated.version}}
                         .dump()
                  << '\n';
        return core::ExitCode::ok;
    }
    for (const auto& step : migrated.applied) std::cout << "applied " << step << '\n';
    if (migrated.applied.empty()) std::cout << "nothing to do\n";
    std::cout << "schema version " << migrated.version << '\n';
    return core::ExitCode::ok;
}

}  // namespace pawl::app
