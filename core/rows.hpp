#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/json_document.hpp"
#include "core/source_file.hpp"
#include "core/value.hpp"

namespace pawl::core {

/// A record that cannot be stored: kept with its reason in pawl.rejected_record, while its page commits.
struct Rejected {
    std::string reason;
    std::string record;  ///< source text, at most 64 KiB of it
};

/// The rows that one page yields for one emit of its stream, row-major.
struct EmitRows {
    std::size_t emit = 0;                  ///< index into Stream::emits
    std::vector<std::string> columns;      ///< names as in the source file (short form: as found in the data)
    std::vector<Value> cells;              ///< rows × columns.size(); views into `PageRows::document` and `arena`
    std::vector<std::int64_t> versions;    ///< one per row where the emit has `newest`, microseconds or a number; else empty
    std::int64_t read = 0;                 ///< values that `each` yielded = rows + rejected
    std::vector<Rejected> rejected;
    std::vector<Value> replace_values;     ///< values of replace_by for this page (may be known with no rows); else empty

    [[nodiscard]] std::size_t row_count() const { return columns.empty() ? 0 : cells.size() / columns.size(); }
};

/// All rows of one page. Owns what the cells view.
struct PageRows {
    std::unique_ptr<JsonDocument> document;
    std::unique_ptr<Arena> arena;
    std::vector<EmitRows> emits;           ///< one per emit of the stream, in order
    std::optional<std::int64_t> mark;      ///< incremental: the largest of its field
};

}  // namespace pawl::core
