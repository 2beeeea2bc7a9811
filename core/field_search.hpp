#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/field_table.hpp"

namespace pawl::core {

/// What a person's words for a key of the source file lead to.
struct FieldSearch {
    std::vector<const Field*> found;  ///< one: that is it; several: it may be each of these
    std::string hint;  ///< `did you mean "…"?` where nothing is found, or only as any name (`streams.paginat`); or empty
};

/// The row that `words` name: a path as the table writes it (`streams.*.paginate`, `limits[].match`), one with names where
/// it has `*` or without them, and without `[]` (`streams.stargazers.paginate`, `streams.paginate`, `limits.match`), or the
/// end of one (`cursor.into`). Pure.
[[nodiscard]] FieldSearch find_field(std::string_view words);

}  // namespace pawl::core
