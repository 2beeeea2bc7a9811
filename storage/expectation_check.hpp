#pragma once

#include <optional>

#include "core/source_file.hpp"
#include "storage/pq_door.hpp"
#include "storage/verify.hpp"

namespace pawl::storage {

/// How far the last walks of a stream with `expect` came from the number of records that it says, told as information:
/// what an API counts and what it lists may differ. Looks at walks that ended as `ok` and read every page anew, and at
/// the records of the first table. Nothing where all are within the tolerance. Cost: the ledger's pages of those walks.
[[nodiscard]] std::optional<Finding> check_expectation(pqxx::transaction_base& transaction,
                                                       const core::SourceFile& source,
                                                       const core::Stream& stream);

}  // namespace pawl::storage
