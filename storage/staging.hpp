#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/rows.hpp"
#include "core/source_file.hpp"
#include "storage/page_store.hpp"
#include "storage/spare_buffers.hpp"
#include "storage/tables.hpp"
#include "storage/upsert_statement.hpp"

/// Rows of a batch on their way into temporary tables: one stage per (table, emit), encoded for
/// COPY before the transaction begins, so that nothing is parsed or widened while locks are held.
namespace pawl::storage {

/// A page of a batch and its number in it. Pages are numbered in the order in which they were
/// requested.
struct BatchPage {
    PageCommit* page = nullptr;
    const core::Stream* stream = nullptr;
    PageResult* result = nullptr;
    std::size_t index = 0;  ///< place in the batch that the caller gave
};

/// A page becomes rows when it is ok and not on its way to the dead letters.
[[nodiscard]] bool has_rows(const PageCommit& page);
/// The walk ends here with all that the API gives: rows that older walks left may go. That it ends at a ceiling is told by
/// its outcome; were the older rows kept, a table without key would hold some records twice.
[[nodiscard]] bool ends_walk(const PageCommit& page);

/// The walk ends here and has shown all that there is, so that what it did not show is absent. One at a ceiling has not, nor
/// one over a list that moved.
[[nodiscard]] bool ends_whole_walk(const PageCommit& page);

/// All rows of a batch for one emit.
struct Stage {
    struct Column {
        std::string original;  ///< as the rows call it
        std::string name;      ///< identifier
        std::string sql_type;  ///< of the table's column
        core::ColumnType type = core::ColumnType::text;
        bool is_key = false;
        bool is_fixed = false;  ///< key, or declared with `as`: never widens
    };
    const core::Stream* stream = nullptr;
    std::size_t emit = 0;
    std::string name;  ///< of the temporary table, quoted
    UpsertTarget target;
    std::vector<Column> columns;
    std::string rows;                  ///< COPY text
    std::vector<std::int64_t> staged;  ///< rows per page of the batch, by its number
    std::vector<std::vector<core::Rejected>> rejected;  ///< by page
    std::int64_t repaired = 0;            ///< cells that are stored, but not byte for byte
    std::vector<Column> replace_columns;  ///< of replace_by
    std::string replaced;  ///< COPY text: values of replace_by of walks that end in this batch
    bool replaces_walks = false;  ///< keyless without replace_by, and a walk ends in this batch

    [[nodiscard]] const core::Emit& source_emit() const { return stream->emits[emit]; }
    [[nodiscard]] bool has_staged() const { return !rows.empty(); }
    [[nodiscard]] std::string create_sql() const;           ///< ends in COPY
    [[nodiscard]] std::string create_replaced_sql() const;  ///< ends in COPY
    [[nodiscard]] std::string replaced_name() const;
};

/// Encodes the batch: makes tables have the columns that the data needs (in transactions of their
/// own), rejects rows that fit no column that may not change. Stages come sorted by table, so that
/// all writers lock tables in one order. Their `rows` are in buffers of `spare`, to be given back. Throws SqlError, core::ConfigError, core::TransientError.
[[nodiscard]] std::vector<Stage> stage_batch(PqConnection& connection, Tables& tables,
                                             const core::SourceFile& source,
                                             const std::vector<BatchPage>& pages,
                                             SpareBuffers& spare);

}  // namespace pawl::storage
