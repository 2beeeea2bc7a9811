#pragma once

#include <string>

#include "app/session.hpp"
#include "core/identity.hpp"
#include "core/task.hpp"

namespace pawl::app {

/// First contact with the servers, for commands that must tell a person at once when one is away:
/// both wait a bounded time (10 s), then throw core::TransientError with the address and what to
/// do. core::RefusedError and ConfigError come through at once.
core::Task<> reach_redis(Session& session, std::shared_ptr<queue::RedisConnection> redis);
/// Also migrates where settings say so, and throws core::ConfigError where they do not and a
/// migration is missing. Returns the identity of the catalogue.
core::Task<core::Token> reach_postgres(Session& session);
/// One try of the same: throws core::TransientError when Postgres is away.
core::Task<core::Token> contact_postgres(Session& session);
/// For commands that only look: one try, and nothing is migrated. Throws core::ConfigError where pawl's tables are missing or of
/// another version.
core::Task<> look_at_catalogue(Session& session);

}  // namespace pawl::app
