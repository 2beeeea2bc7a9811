#pragma once

#include "core/source_file.hpp"

namespace pawl::core {

/// The records of a page before any `each`. Without `records`, they are the elements of an array that is the document where
/// Stream::reads_elements says so; else the one record is the document itself. `records: {element: …}` means those of this
/// name wherever they stand, but not within another one.
[[nodiscard]] std::vector<Record> page_records(const Stream& stream, const JsonDocument& document);

/// The records that a paginator counts: those of `records`, else the elements of the array that the document is; nullopt
/// where the document is no list.
[[nodiscard]] std::optional<std::vector<Record>> listed_records(const Stream& stream, const JsonDocument& document);

/// A path may stand for one array instead of its elements: `$.items` means `$.items[*]`.
[[nodiscard]] std::vector<Record> spread(const JsonDocument& document, const Expression& path, std::vector<Record> records);

}  // namespace pawl::core
