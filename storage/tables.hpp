#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "core/identity.hpp"
#include "core/source_file.hpp"
#include "core/value.hpp"
#include "storage/pq_connection.hpp"
#include "storage/table_shape.hpp"

/// Knowledge of user tables, and the one place that changes them.
namespace pawl::storage {

/// A user table as it is in the database.
struct TableInfo {
    struct Column {
        std::string sql_type;   ///< as format_type tells it: "bigint", "character varying(20)"
        core::ColumnType type;  ///< the closest of ours: how cells are encoded for it
    };
    bool exists = false;
    std::map<std::string, Column> columns;  ///< by identifier; pawl's own `_pawl_…` columns too
    [[nodiscard]] const Column* find(const std::string& name) const;
};

/// A column as the data wants it to be.
struct WantedColumn {
    std::string original;   ///< name as in the source file or the data
    std::string name;       ///< identifier
    core::ColumnType type;  ///< at least this wide
};

/// Settled: beyond it, rows get too wide for a page of 8 KiB.
inline constexpr std::size_t columns_max = 500;

/// Where a drift was seen, for pawl.drift.
struct SeenAt {
    core::SliceId slice = 0;
    std::int64_t seq = 0;
};

/// The user tables of all sources of a process: cached, thread-safe. Blocks.
class Tables {
  public:
    /// The table as last seen; asks the database when it was never seen or forgotten. Throws
    /// SqlError.
    [[nodiscard]] std::shared_ptr<const TableInfo> find(PqConnection& connection,
                                                        const core::SourceFile& source,
                                                        const std::string& table);
    /// Makes the table have `wanted` at least, in a transaction of its own: creates it, adds
    /// columns, widens types that were inferred. Call it outside a transaction. Throws
    /// core::ConfigError where `tables.create` is false, listing the statements to run;
    /// core::TransientError where a lock is not to be had within 2 s; SqlError for the rest.
    std::shared_ptr<const TableInfo> ensure(PqConnection& connection,
                                            const core::SourceFile& source,
                                            const std::string& table,
                                            const std::vector<WantedColumn>& wanted, SeenAt seen);
    /// Fields that went into the overflow column, each told once in pawl.drift. Call it outside a transaction. Throws SqlError.
    void tell_overflow(PqConnection& connection, const core::SourceFile& source, const std::string& table,
                       const std::set<std::string>& fields, SeenAt seen);
    /// Something about these tables was not as expected: ask the database next time.
    void forget(const core::SourceFile& source);

  private:
    void remember(const std::string& key, std::shared_ptr<const TableInfo> info);

    std::mutex mutex_;
    std::map<std::string, std::shared_ptr<const TableInfo>> known_;  // by quoted schema.table
    std::map<std::string, std::set<std::string>> overflowed_;        // fields that were told, by the same
};

/// Creates the source's schema and those of its tables whose key types are known without data;
/// columns with a known type come with them. The rest is created with the first rows. Does nothing
/// where `tables.create` is false. Blocks; throws core::ConfigError and core::TransientError.
void create_known_tables(const std::string& url, const core::SourceFile& source);

}  // namespace pawl::storage
