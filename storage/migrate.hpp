#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/identity.hpp"
#include "storage/connection.hpp"
#include "storage/schema.hpp"

namespace pawl::storage {

struct Migrated {
    std::vector<std::string> applied;  ///< "1 first", in order; empty: everything was there
    int version = 0;                   ///< of the schema, now
    core::Token instance;              ///< identity of this catalogue, drawn once
};

/// Runs the migrations that are missing, each in a transaction of its own, under an advisory lock:
/// safe to call from many processes at once. Throws core::ConfigError when the database was
/// migrated by a newer pawl, or rights are missing; core::TransientError while Postgres is away.
/// Blocks.
Migrated migrate(Connection& connection);
/// The same for a list of migrations other than pawl's own: for tests.
Migrated migrate(Connection& connection, std::span<const Migration> known);
/// What is there, applying nothing. Throws core::ConfigError when a migration is missing or a newer
/// pawl migrated it. Blocks.
Migrated require_migrated(Connection& connection);

}  // namespace pawl::storage
