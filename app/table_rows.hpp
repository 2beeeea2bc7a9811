#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "app/dry_page.hpp"

namespace pawl::app {

/// Tables as lines of text: file name → lines.
using TableFiles = std::map<std::string, std::vector<std::string>>;

/// What tables hold after some pages, without Postgres: rows of one key are merged as their emit says, page after page; rows
/// are never deleted.
class TableRows {
  public:
    void add(const DryPage& page);
    /// TABLE.jsonl each: the types of its columns in the first line, then a row each, in the order in which they came first;
    /// _rejected.jsonl where records were rejected.
    [[nodiscard]] TableFiles files() const;

  private:
    struct Row {
        std::map<std::string, std::string> cells;       // column → JSON text
        std::map<std::size_t, std::int64_t> versions;   // emit → of merge: newest
    };
    struct Table {
        std::vector<std::string> columns;
        std::map<std::string, std::optional<core::ColumnType>> types;
        std::vector<Row> rows;
        std::map<std::string, std::size_t> by_key;
    };
    void add(const core::Emit& emit, const core::EmitRows& rows, Table& table);
    static void merge(const core::Emit& emit, const core::EmitRows& rows, std::size_t row, Row& into);

    std::map<std::string, Table> tables_;
    std::vector<std::string> rejected_;
};

/// Files of `folder` that end in .jsonl; none where it is not there. Blocks.
[[nodiscard]] TableFiles read_tables(const std::string& folder);
/// Replaces them. Blocks. Throws core::PermanentError where a file cannot be written.
void write_tables(const std::string& folder, const TableFiles& files);

/// What is otherwise: `-` lines are expected and missing, `+` lines are there and not expected; whatever their order. "" where
/// nothing is. Pure.
[[nodiscard]] std::string difference(const TableFiles& expected, const TableFiles& found);

}  // namespace pawl::app
