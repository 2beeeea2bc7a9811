#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/job.hpp"
#include "core/rows.hpp"
#include "core/source_file.hpp"
#include "core/task.hpp"
#include "storage/connection.hpp"

/// Stored pages to be asked for again, and whether what comes is in the tables: `verify --sample`.
namespace pawl::storage {

/// A page of the ledger, with what its request was made of.
struct SampledPage {
    core::SliceDescriptor slice;
    std::int64_t seq = 0;
    std::optional<std::string> cursor;  ///< that asked for it
    std::string body_hash;              ///< as it was stored
};

/// At random, of open walks and of the newest finished walk of each partition. Throws core::TransientError while Postgres is
/// away.
core::Task<std::vector<SampledPage>> sample_pages(std::shared_ptr<ConnectionPool> pool, std::string source, std::string stream,
                                                  std::size_t count);
/// Rows of an emit whose keys are not in their table. 0 for one without a key. Throws as above; core::ConfigError where the
/// table is not there.
core::Task<std::int64_t> rows_missing(std::shared_ptr<ConnectionPool> pool, std::string schema, core::Emit emit,
                                      core::EmitRows rows);

}  // namespace pawl::storage
