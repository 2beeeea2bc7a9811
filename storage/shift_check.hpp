#pragma once

#include <string>
#include <vector>

#include "storage/pq_door.hpp"
#include "storage/verify.hpp"

namespace pawl::storage {

/// What is known of lists that moved while they were walked, one finding a stream: told, and explained.
/// `stream`: "" for all.
[[nodiscard]] std::vector<Finding> shift_findings(pqxx::transaction_base& transaction, const std::string& source,
                                                  const std::string& stream);

}  // namespace pawl::storage
