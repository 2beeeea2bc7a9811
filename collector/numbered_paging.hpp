#pragma once

#include "collector/paging.hpp"

namespace pawl::collector {

/// What follows a page of a numbered list. Records that come or go while such a list is walked move the others from page to
/// page: some come twice, some are never seen. Noticed by the identities of the last records of the page before:
///
/// - `offset` asks for the last record again (`overlap`). Where it stands first, nothing has moved. Where neither it nor one
///   of the two before it stands on the page, records between may have been skipped: the walk steps back, a page at a
///   time, until one of them is there.
/// - `page` cannot ask for one record more. A told number of pages that has shrunk makes it step back; a last record that
///   stands on the next page too shows that records came twice.
///
/// A stream with a table that has no key never steps back (its rows would be there twice): the walk is done again instead.
/// After `tries` steps back, too. Design: docs/decisions/0009-lists-that-move.md.
[[nodiscard]] Following follow_numbers(const core::Stream& stream, const PageRead& page);

/// What follows a page that has not changed since a finished walk, which went on at `cursor_then`.
[[nodiscard]] Following follow_unchanged(const core::Stream& stream, const std::optional<std::string>& cursor_now,
                                         const std::optional<std::string>& cursor_then);

/// True for `paginate: page` and `offset`.
[[nodiscard]] bool is_numbered(const core::Stream& stream);
/// True while a walk reads again what it has read: nothing about such a page may be taken from an earlier walk.
[[nodiscard]] bool is_reread(const core::Stream& stream, const std::optional<std::string>& cursor);

}  // namespace pawl::collector
