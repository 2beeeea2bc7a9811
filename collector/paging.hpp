#pragma once

#include <optional>
#include <string>

#include "collector/http.hpp"
#include "core/json_document.hpp"
#include "core/outcome.hpp"
#include "core/source_file.hpp"

namespace pawl::collector {

/// A page that was read, as the paginator sees it.
struct PageRead {
    std::string url;                    ///< it came from, after redirects
    std::optional<std::string> cursor;  ///< that asked for it
    const Headers* headers = nullptr;
    const core::JsonDocument* document = nullptr;  ///< nullptr where it is not looked at
    core::Window window;       ///< that the walk asks for
    std::string secret_query;  ///< query parameter that carries a credential: cut from next links;
                               ///< "" : none
};

/// What comes after a page.
struct Following {
    std::optional<std::string> cursor;  ///< of the next page; nullopt: the end, and the API said so
    std::string why;                    ///< at the end, in words
    core::Shift shift = core::Shift::none;
    bool rewalk = false;                ///< at the end: records moved meanwhile
};

/// Decides what follows a page that was read well (status and body are fine). The end of the data
/// is only believed where the API asserts it: no next link on a valid page, `more` false, no next
/// cursor, the last number reached, an empty page. A short page is not the end. A next link or
/// cursor that cannot be used is returned all the same: page_request refuses it. Throws
/// core::PermanentError when the page holds more records than core::Expression::records counts.
[[nodiscard]] Following what_follows(const core::Stream& stream, const PageRead& page);

/// A walk that must end before another request, with a page of its own that says so.
struct Ending {
    core::Outcome outcome = core::Outcome::failed;
    std::string reason;
    bool rewalk = false;  ///< the walk is to be done again, from page one
};

/// Bounds a walk: max_pages, and the bits that a page id has for its number. `pages` are on the
/// queue already.
[[nodiscard]] std::optional<Ending> reached_bound(const core::Stream& stream, std::int64_t pages);

}  // namespace pawl::collector
