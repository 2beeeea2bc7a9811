#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/source_file.hpp"
#include "storage/catalogue.hpp"
#include "storage/pq_door.hpp"

namespace pawl::storage {

/// What of a table a scan step needs to know: from the system catalogue.
struct ScannedTable {
    struct Column {
        std::string name, type;  ///< type as format_type writes it: "bigint", "numeric(10,2)"
    };
    std::string schema, table;    ///< as the source file calls them
    std::vector<Column> columns;  ///< all of them, physical names
    std::vector<std::string>
        key;  ///< the stream's key columns, or the table's primary key; logical names
};

/// The rows of one step, as a SELECT of all columns: rows that satisfy `where` behind `after`
/// (texts of the key columns, in order), up to `last` where given; in the order of the key, at most
/// `limit` where given. Pure. Throws core::PermanentError when `after` is no token of this scan.
struct StepBounds {
    std::optional<std::string> after, last;  ///< JSON arrays of texts
    std::optional<std::size_t> limit;
};
[[nodiscard]] std::string step_select(const core::Stream& stream, const ScannedTable& table,
                                      const StepBounds& bounds);

/// Catalogue::scan_table inside the caller's transaction. `missing` is set, and nothing found,
/// where the table, or a column that the key or `where` names, does not exist (yet).
[[nodiscard]] Catalogue::Scan scan_step(pqxx::transaction_base& transaction,
                                        const core::SourceFile& source, const core::Stream& stream,
                                        const std::optional<std::string>& after, std::size_t limit,
                                        core::SliceClass slice_class, std::string& missing);

/// SELECT of the rows `parent` (jsonb) that a scan of the whole table would make due: rows without a partition, and rows
/// whose partition rested long enough. "" where the table, its key or a column of the key does not exist (yet). Running
/// it fails as names_something_missing() says where `where` names what is not there.
[[nodiscard]] std::string unenrolled_rows(pqxx::transaction_base& transaction,
                                          const core::SourceFile& source,
                                          const core::Stream& stream);

/// A statement names a table or a column that is not there.
[[nodiscard]] bool names_something_missing(const pqxx::sql_error& error);

}  // namespace pawl::storage
