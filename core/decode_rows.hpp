#pragma once

#include <string>

#include "core/json_document.hpp"
#include "core/source_file.hpp"

namespace pawl::core {

/// `records: {rows: …, columns: …}`: `json` with each row that `rows` finds, an array of values, as an object of the columns'
/// names. All else stays as it is. Values that a row lacks at its end are left out; a row with more values than columns stays
/// an array, so that nothing can take it for a record. Throws PermanentError when `json` is none, or tells no columns for
/// the rows it has.
[[nodiscard]] std::string rows_as_objects(const Expression& rows, const RowColumns& columns, std::string json,
                                          const JsonBounds& bounds = {});

}  // namespace pawl::core
