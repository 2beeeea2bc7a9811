#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/http.hpp"

namespace pawl::collector {

/// One link of a Link header (RFC 8288).
struct WebLink {
    std::string target;                  ///< as it stands between < and >: absolute or relative
    std::vector<std::string> relations;  ///< in lower case: {"next"}
};

/// The links of a header value. What does not parse ends the list; at most 64 links and 16 KiB are
/// read.
[[nodiscard]] std::vector<WebLink> parse_link_header(std::string_view value);

/// All Link headers of a response joined by ", "; "" when there are none.
[[nodiscard]] std::string link_header_of(const Headers& headers);

/// The target of the first link with this relation.
[[nodiscard]] std::optional<std::string> find_link(std::string_view value,
                                                   std::string_view relation);

}  // namespace pawl::collector
