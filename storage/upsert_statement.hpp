#pragma once

#include <string>
#include <vector>

#include "core/source_file.hpp"

/// SQL that moves one emit's staged rows into its table. Pure: texts in, text out.
///
/// The stage has the emit's columns under their identifiers, `_pawl_p int` (number of the page in
/// the batch, from 1, in the order in which the pages were requested), `_pawl_o int` (ordinal
/// within the page) and, for Merge::newest and history, `_pawl_v bigint`.
///
/// All statements take $1 = bigint[] of page ids by `_pawl_p` and $2 = bigint[] of `requested_at`
/// by `_pawl_p`, and yield rows (what text, which bigint, count bigint). All hold under READ
/// COMMITTED with other writers on the same keys.
namespace pawl::storage {

struct UpsertTarget {
    std::string table;                ///< quoted, with schema
    std::string stage;                ///< quoted
    std::vector<std::string> key;     ///< identifiers; empty: keyless
    std::vector<std::string> values;  ///< identifiers of the other columns that this emit owns
    core::Emit::Merge merge = core::Emit::Merge::overwrite;
    std::string version;    ///< identifier of the version column; "" for fill_null and keyless
    bool replaces = false;  ///< has replace_by: unchanged rows move to the page that confirms them
};

/// What the rows of an upsert's result say; `which` is `_pawl_p` for small letters, a page id for
/// capitals.
///  'i','u': winners of deduplication judged new or changed · 'n': the same, nothing to do · 'a':
///  the same, version or page to advance · 's': the table holds a newer version · 'I','U': rows
///  really inserted, updated · 'A': rows really advanced
///  (`which` is `_pawl_p`). Fewer 'A' than 'a': another writer changed a row meanwhile, run the
///  transaction again.
[[nodiscard]] std::string upsert_sql(const UpsertTarget& target);

/// End of a walk, for emits with replace_by: deletes rows of the same values that older walks left.
/// `stage` holds the columns of replace_by and `_pawl_p`. Yields ('D', _pawl_p, count). `children`: more of the WITH, over
/// `gone`, the rows as they were.
[[nodiscard]] std::string replace_sql(const UpsertTarget& target, const std::vector<std::string>& replace_by,
                                      const std::string& children = "");

/// End of a walk, for keyless emits without replace_by: deletes what older walks of the same
/// partition and window left. $1 = page ids of the last pages. Yields ('D', index in $1 from 1,
/// count).
[[nodiscard]] std::string replace_walk_sql(const std::string& table);

}  // namespace pawl::storage
