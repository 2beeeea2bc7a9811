#pragma once

#include <string>
#include <string_view>

#include "core/field_table.hpp"

/// The rows of the reference page, docs/source-files.md, as the table of fields has them.
namespace pawl::core {

/// `| path | type | default | what |` in Markdown, without a line end. A field that is not built yet has its short row.
[[nodiscard]] std::string reference_row(const Field& field);
/// All rows under one heading each for what is supported and what is not.
[[nodiscard]] std::string reference_rows();
/// `page` with the row of each field as the table has it: replaced where it stands; a field without one gets it behind the
/// field before it, rows of fields that are gone are left out. What stands between the rows stays as it is.
[[nodiscard]] std::string renewed_reference(std::string_view page);

}  // namespace pawl::core
