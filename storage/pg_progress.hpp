#pragma once

#include <memory>

#include "storage/connection.hpp"
#include "storage/progress.hpp"

namespace pawl::storage {

/// Progress from running totals, open slices and partitions. `tables` adds up the ledger, which
/// takes a second per some million pages: for people, not for a loop. Throws core::TransientError
/// while Postgres is away.
class PgProgress final : public Progress {
  public:
    explicit PgProgress(std::shared_ptr<ConnectionPool> pool);

    core::Task<std::vector<StreamProgress>> streams(std::string source) override;
    core::Task<std::vector<TableProgress>> tables(std::string source) override;
    /// Failed, stuck, dead, too large and truncated slices, newest first; then rejected records by
    /// table.
    core::Task<std::vector<Problem>> problems(std::string source, std::size_t limit) override;

  private:
    std::shared_ptr<ConnectionPool> pool_;
};

}  // namespace pawl::storage
