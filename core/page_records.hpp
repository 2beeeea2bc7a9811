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

/// Incremental: the largest mark of a page's listed records, or of the document where it is no list; nullopt: no record has
/// one, or the stream has no field to look at.
[[nodiscard]] std::optional<std::int64_t> largest_mark(const Stream& stream, const JsonDocument& document);
/// The mark of one record.
[[nodiscard]] std::optional<std::int64_t> mark_of_record(const Incremental& incremental, const JsonDocument& document,
                                                         const Record& record);

/// A path may stand for one array instead of its elements: `$.items` means `$.items[*]`.
[[nodiscard]] std::vector<Record> spread(const JsonDocument& document, const Expression& path, std::vector<Record> records);

}  // namespace pawl::core
