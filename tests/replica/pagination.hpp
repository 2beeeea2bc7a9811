#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pawl::replica {

/// The query of a request, in its order, percent-decoded.
using Query = std::vector<std::pair<std::string, std::string>>;
[[nodiscard]] Query parse_query(std::string_view text);
[[nodiscard]] std::optional<std::string> find(const Query& query, std::string_view name);

/// Which records a request for a list asks for.
struct Page {
    std::uint64_t number = 1;  ///< from 1; what is no number or below counts as 1
    std::uint64_t size = 30;   ///< `per_page`: 30 unless told, at most 100
};
[[nodiscard]] Page parse_page(const Query& query);

/// Number of the last page of a list of `records`; 0 for an empty one.
[[nodiscard]] std::uint64_t last_page(std::uint64_t records, std::uint64_t size);

/// GitHub's Link header for one page of a list, in its order: prev, next, last, first. Empty when
/// all is on one page, or beyond the end of an empty list. `url` is what the links start with; the
/// other parameters of the query are kept in place.
[[nodiscard]] std::string link_header(std::string_view url, const Query& query, std::uint64_t page,
                                      std::uint64_t last);

}  // namespace pawl::replica
