#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "collector/http.hpp"
#include "core/json_document.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// A body as a job carries it, unpacked and as UTF-8, with the index over it that the paginator needs.
struct PageBody {
    enum class Fault : std::uint8_t {
        none,
        unreadable,  ///< asked again: it may have been cut off
        too_large,   ///< when it is unpacked
        unsuitable,  ///< asking again gives the same
    };
    std::optional<core::JsonDocument> document;  ///< what paging looks at; nullopt where text is not paged by what it holds
    std::string compressed;                      ///< zstd
    std::string hash;                            ///< sha256 of the body that is in `compressed`, hex
    std::uint64_t size = 0;                      ///< of that body
    Fault fault = Fault::none;
    std::string failure;  ///< why it is no body of a page; "" : it is one
};

/// What a body came with; refers to its response.
struct BodyOrigin {
    bool told_empty = false;         ///< the server said that the body has length 0; an empty one is else a cut one
    std::string_view content_type;
    std::size_t body_max = 32u << 20;  ///< bytes after unpacking
};

[[nodiscard]] BodyOrigin origin_of(const HttpResponse& response, std::size_t body_max);

/// Unpacks and decodes a body (core/decoded.hpp), visits every value of it once, then compresses and hashes it. Burns a
/// millisecond of CPU for each few hundred KiB. Never throws for what a body may hold.
[[nodiscard]] PageBody read_body(std::string body, const core::Stream& stream, const BodyOrigin& origin);

}  // namespace pawl::collector
