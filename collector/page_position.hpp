#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pawl::collector {

/// Where the next page of a numbered list begins (`paginate: page` and `offset`), and how to tell whether the list has moved
/// since the page before. The cursor of such a stream is its text, so it outlives the collector.
struct PagePosition {
    std::int64_t number = 0;               ///< page: its number · offset: records before it
    std::int64_t size = 0;                 ///< records of the page before; 0: there was none
    std::vector<std::uint64_t> last;       ///< identities of its last records (core::record_identities), the very last first
    std::int64_t overlap = 0;              ///< so many of them are asked for again
    std::optional<std::int64_t> total;     ///< that the page before told: of records · of pages
    int tries = 0;                         ///< steps back since the last page that continued the one before it
    std::int64_t back = 0;                 ///< steps back in this walk: no two of its cursors are the same
    std::int64_t reached = 0;              ///< page: the furthest that was read, when that is not the one before
    bool repeated = false;                 ///< somewhere in this walk records came twice …
    bool skipped = false;                  ///< … or may have been skipped

    static constexpr std::size_t last_max = 3;

    /// `200`, or `200;size=100;last=9c1f…,…;total=940`: what is not known is left out.
    [[nodiscard]] std::string str() const;
    /// Throws core::PermanentError for a text that is no position.
    [[nodiscard]] static PagePosition parse(std::string_view text);
};

}  // namespace pawl::collector
