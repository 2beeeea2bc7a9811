#pragma once

#include <optional>
#include <string>

#include "core/json_document.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// A body as a job carries it, with the index over it that the paginator needs.
struct PageBody {
    std::optional<core::JsonDocument> document;  ///< what paging looks at; nullopt for text
    std::string compressed;                      ///< zstd
    std::string hash;                            ///< sha256 of the body as it came, hex
    std::uint64_t size = 0;
    std::string failure;  ///< why it is no body of a page; "" : it is one
};

/// Visits every value of a JSON body once, then compresses and hashes it. Burns a millisecond of
/// CPU for each few hundred KiB. `told_empty` is true where the server said that the body has
/// length 0: an empty one is otherwise a cut one, and for JSON always an error. Never throws for
/// what a body may hold.
[[nodiscard]] PageBody read_body(std::string body, const core::Stream& stream, bool told_empty);

}  // namespace pawl::collector
