#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/task.hpp"
#include "storage/connection.hpp"

namespace pawl::storage {

/// What of a Postgres server bears on what pawl promises.
struct ServerFacts {
    std::string version;             ///< "15.18 (Debian …)"
    std::string synchronous_commit;  ///< on, remote_apply …; off
    bool fsync = true, full_page_writes = true;
    bool read_only = false;          ///< a standby, or set so
    std::int64_t connections = 0, connections_max = 0;
    std::int64_t now_us = 0;         ///< its clock
    std::int64_t oldest_transaction_s = 0;  ///< of anybody: rows cannot be cleaned up behind it
};

/// Throws core::TransientError while Postgres is away.
core::Task<ServerFacts> server_facts(std::shared_ptr<ConnectionPool> pool);

}  // namespace pawl::storage
