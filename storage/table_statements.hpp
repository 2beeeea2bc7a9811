#pragma once

#include <string>
#include <utility>
#include <vector>

#include "storage/tables.hpp"

namespace pawl::storage {

/// pawl's own columns of a table: name, and what follows it in DDL.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> own_columns(const TableShape& shape);

/// The statements that make `info` have `wanted` (pure). Without `info.exists` the table is
/// created, with the schema. Throws core::ConfigError where a column that would have to widen must
/// not: call it with what may.
[[nodiscard]] std::vector<std::string> table_statements(const core::SourceFile& source,
                                                        const TableShape& shape,
                                                        const TableInfo& info,
                                                        const std::vector<WantedColumn>& wanted);

}  // namespace pawl::storage
