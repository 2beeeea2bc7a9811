#pragma once

#include <string>

#include "storage/upsert_statement.hpp"

/// SQL that moves one emit's staged rows into a table with history. Pure: texts in, text out.
///
/// What a key is said to be, and when, are its *sightings*. Sorted by time, equal neighbours are one row: it holds from the
/// first of them until the next sighting of something else. So the table follows from what was said alone, not from the order
/// in which it came. For that a row keeps its sightings (`_pawl_sightings`, pairs of time and page): the first and the newest
/// `sightings_max - 1`. A page that comes later than that many others of an unchanged row finds its place among those kept.
namespace pawl::storage {

inline constexpr int sightings_max = 16;

/// One writer at a time, as rows follow from their neighbours: take it before the statement. $1: the table's quoted name.
inline constexpr const char* history_lock = "select pg_advisory_xact_lock(hashtext('pawl.history'), hashtext($1))";

/// $1 = bigint[] of page ids by `_pawl_p`, $2 = bigint[] of `requested_at`. Yields what upsert_sql does, for each record that
/// counts: 'i' began a row, 'u' is one's new content, 'n' changed nothing, 's' was overruled by a later page that says
/// something else of the same moment. Besides 'd': rows that went, less those that came by parting one in two; and
/// ('x', expected, count) of rows written: a difference means that somebody else wrote meanwhile.
[[nodiscard]] std::string history_sql(const UpsertTarget& target);

/// SQL for a bigint of microseconds since 1970 as timestamptz, exact from year 1 to 9999.
[[nodiscard]] std::string exact_time(const std::string& micros);

}  // namespace pawl::storage
