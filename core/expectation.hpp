#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/source_file.hpp"

/// How much a walk should find and ask, as far as a stream's `expect` and paginator say. Pure.
namespace pawl::core {

/// Records that the walk of a partition with these values should find; nothing where the stream has no `expect`, or its
/// count is null or no number. Throws PermanentError when a text is no JSON object.
[[nodiscard]] std::optional<std::int64_t> expected_records(const Stream& stream, std::string_view parent,
                                                           std::string_view list);

/// Records that one page of `stream` holds: by `expect`, the paginator, or a query parameter that APIs call so
/// (per_page, page_size, pagesize, limit, size). Nothing where none of them says.
[[nodiscard]] std::optional<std::int64_t> page_size(const Stream& stream);

/// Requests of a whole walk over `records` records, within max_pages; nothing where that cannot be known.
[[nodiscard]] std::optional<std::int64_t> requests_for(const Stream& stream, std::int64_t records);

}  // namespace pawl::core
