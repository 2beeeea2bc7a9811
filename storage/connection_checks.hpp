#pragma once

#include "storage/pq_door.hpp"

namespace pawl::storage {

/// Refuses a server that pawl's promise cannot hold on: before version 15, or without fsync or
/// full_page_writes (unless PAWL_ALLOW_UNSAFE_POSTGRES=1) → core::ConfigError; a standby or a
/// read-only primary → core::TransientError.
void check_server(pqxx::connection& connection);

}  // namespace pawl::storage
