#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/identity.hpp"
#include "core/task.hpp"
#include "storage/connection.hpp"

namespace pawl::storage {

/// `pawl reset`: partitions of a stream fall due and are asked for from page one, without validators. Rows, ledger and dead
/// letters stay. One bounded transaction a step, beside whatever else works on the source; a pass that was broken off is
/// begun anew. Throws core::TransientError while Postgres is away.
class StreamReset {
  public:
    struct Step {
        std::optional<std::string> after;      ///< where the next step goes on; nullopt: the last partition was seen
        std::int64_t partitions = 0;           ///< active ones, which are due now
        std::vector<core::SliceId> cancelled;  ///< forget them in Redis
    };

    explicit StreamReset(std::shared_ptr<ConnectionPool> pool, std::size_t partitions_per_step = 500)
        : pool_(std::move(pool)), partitions_(partitions_per_step) {}

    core::Task<Step> step(std::string source, std::string stream, std::optional<std::string> after);
    /// Slices that an earlier reset or forget may have cancelled without telling Redis.
    core::Task<std::vector<core::SliceId>> untold(std::string source, std::string stream);

  private:
    std::shared_ptr<ConnectionPool> pool_;
    std::size_t partitions_;
};

}  // namespace pawl::storage
