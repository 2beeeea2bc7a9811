#pragma once

#include <cstdint>
#include <vector>

#include "core/json_projection.hpp"
#include "core/source_file.hpp"

namespace pawl::core {

/// What tells the records of a page apart: a hash of each one's key, where a table of the stream has a key that stands in
/// the record; else of its whole text. In the order of `records` (core::listed_records); 0 for one without a key.
[[nodiscard]] std::vector<std::uint64_t> record_identities(const Stream& stream, const JsonDocument& document,
                                                           const std::vector<Record>& records);

/// Adds to `root` what `record_identities` looks at of the records at `records`.
void want_identities(const Stream& stream, const std::vector<JsonProjection*>& records, JsonProjection& root);

/// True when a record that comes twice in one walk is stored once: every table of the stream has a key.
[[nodiscard]] bool is_keyed(const Stream& stream);
/// True when a walk that is done again leaves records twice in a table: they are appended.
[[nodiscard]] bool appends(const Stream& stream);

}  // namespace pawl::core
