#pragma once

#include <cstdint>
#include <string>

#include "core/job.hpp"
#include "core/source_file.hpp"
#include "storage/pq_door.hpp"

namespace pawl::storage {

/// Begins walks of up to `limit` due partitions of a stream with `incremental`, inside the caller's transaction: from each
/// one's mark, a slice for each window that is due. A partition where nothing is new has ended its walk at once. Returns how
/// many partitions fell to it.
[[nodiscard]] std::int64_t begin_incremental_walks(pqxx::transaction_base& transaction, const std::string& source,
                                                   const core::Stream& stream, std::size_t limit,
                                                   core::SliceClass slice_class);

}  // namespace pawl::storage
