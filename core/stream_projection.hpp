#pragma once

#include <memory>

#include "core/json_projection.hpp"
#include "core/source_file.hpp"

namespace pawl::core {

/// What of a page the mapping of `stream` looks at: its records and what its expressions read of them.
[[nodiscard]] std::shared_ptr<const JsonProjection> projection_for_rows(const Stream& stream);
/// What of a page the collector looks at: the cursor, which records there are where the paginator counts them, and what
/// the request cost of `limits`.
[[nodiscard]] std::shared_ptr<const JsonProjection> projection_for_paging(const Stream& stream,
                                                                          const std::vector<Limit>& limits);

}  // namespace pawl::core
