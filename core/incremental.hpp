#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/expression.hpp"
#include "core/request_body.hpp"
#include "core/time_format.hpp"

/// Asking only for what is new: `incremental` of a source file. A *mark* is how far a partition has been read: a time in
/// microseconds since 1970, or a number. It moves when a walk has ended well, and never back.
namespace pawl::core {

struct Incremental {
    enum class Kind : std::uint8_t {
        since,         ///< the API is told the mark: only what changed since then comes
        window,        ///< the API is told from and to; each window is a slice of its own
        newest_first,  ///< the API lists the newest first: a walk ends where it meets the mark
    };
    Kind kind = Kind::since;
    std::optional<Expression> field;     ///< since, newest_first: of a record; its largest value is the mark
    Into into;                           ///< since: what takes the mark
    Into from_into, to_into;             ///< window
    bool numeric = false;                ///< marks are numbers, not times
    bool hex = false;                    ///< numbers are sent as 0x1f
    std::optional<TimeFormat> format;    ///< times are sent so
    std::optional<std::int64_t> start;   ///< where the first walk begins; since: absent, it is told nothing
    std::optional<std::int64_t> end;     ///< window: where the last one ends, or the last there is where it is `inclusive`
    std::optional<Expression> end_value; ///< or this value of the parent row or list entry; neither: now
    std::int64_t step = 0;               ///< window: its length
    std::int64_t lookback = 0;           ///< so far before the mark a walk begins
    std::int64_t granularity = 1;        ///< what the API tells apart: what is sent is whole multiples of it
    bool inclusive = false;              ///< window: the API counts the end in
    bool newest_windows_first = false;

    /// What must be the same for a kept mark to mean the same.
    [[nodiscard]] std::string identity() const;
};

/// What one walk asks for: from `lo` up to, not including, `hi`. since and newest_first have no `hi`, and no `lo` at first.
struct Window {
    std::optional<std::int64_t> lo, hi;

    bool operator==(const Window&) const = default;
};

/// A value as a mark: a time, or a whole number (also 0x1f). Where marks are times a number is seconds since 1970 or, where
/// it is as large, milliseconds. nullopt: neither.
[[nodiscard]] std::optional<std::int64_t> mark_of(const Value& value, bool numeric);
/// The number that an API writes as 12 or 0x1f.
[[nodiscard]] std::optional<std::int64_t> parse_number(std::string_view text);

/// The windows that a walk of a partition has to ask for, in the order in which they are to be asked for, and the mark when
/// all have ended well. `mark`: how far it was read; `end`: the value of `end_value`, nullopt where it is none.
struct Windows {
    std::vector<Window> windows;   ///< empty: there is nothing new
    std::optional<std::int64_t> mark_after;
};
inline constexpr std::size_t windows_max = 100'000;  ///< of one walk; the next one goes on
[[nodiscard]] Windows windows_due(const Incremental& incremental, std::optional<std::int64_t> mark, std::int64_t now,
                                  std::optional<std::int64_t> end);

/// The value of `end_value` for a partition with these values (JSON object texts); nullopt where there is none, or it is no mark.
[[nodiscard]] std::optional<std::int64_t> windows_end(const Incremental& incremental, const std::string& parent,
                                                      const std::string& list);

/// The two halves of a window that an API's ceiling would cut off; nullopt where it is as short as can be.
[[nodiscard]] std::optional<std::pair<Window, Window>> halves(const Incremental& incremental, const Window& window);

/// What is put into the request for `window`; a text, or digits where `is_number`.
struct Sent {
    const Into* into = nullptr;
    std::string value;
    bool is_number = false;
};
[[nodiscard]] std::vector<Sent> sent_for(const Incremental& incremental, const Window& window);

/// `window.start` and `window.end`: ISO 8601, or numbers.
[[nodiscard]] NamedValues window_values(bool numeric, const Window& window, Arena& arena);

}  // namespace pawl::core
