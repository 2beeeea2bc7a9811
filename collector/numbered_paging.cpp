#include "collector/numbered_paging.hpp"

#include <algorithm>

#include "collector/page_answers.hpp"
#include "collector/page_position.hpp"
#include "core/http_date.hpp"
#include "core/page_records.hpp"
#include "core/record_identity.hpp"

namespace pawl::collector {

namespace {

using PagingKind = core::Pagination::Kind;
using core::Shift;

constexpr int tries_max = 3;                 // steps back from one place
constexpr std::int64_t pages_back_max = 8;   // of one step
constexpr std::int64_t backs_free = 8, pages_per_back = 4;  // steps back of a walk: eight, and one for every four pages it is on

/// What a page says about the list.
struct Sight {
    std::int64_t count = 0;                  ///< of records
    std::vector<std::uint64_t> identities;   ///< of records; empty: they cannot be told apart
    std::optional<std::int64_t> total;
};

Sight look_at(const core::Stream& stream, const PageRead& page) {
    Sight sight;
    if (page.document) {
        const auto records = core::listed_records(stream, *page.document);
        sight.count = records ? static_cast<std::int64_t>(records->size()) : 1;
        if (records) sight.identities = core::record_identities(stream, *page.document, *records);
    }
    PageAnswers answer(page.document, *page.headers);
    const auto told = answer(stream.paginate.last);
    if (!told.is_null()) sight.total = core::parse_integer(told.text);
    if (sight.total < 0) sight.total.reset();  // what some APIs write for "unknown"
    return sight;
}

PagePosition position_of(const core::Stream& stream, const std::optional<std::string>& cursor) {
    if (cursor) return PagePosition::parse(*cursor);
    PagePosition first;
    if (stream.paginate.kind == PagingKind::page) first.number = stream.paginate.start;
    return first;
}

/// Index of a last record of the page before, the very last if it is there.
std::optional<std::int64_t> find_last(const PagePosition& at, const Sight& sight) {
    for (const auto identity : at.last) {
        const auto found = std::find(sight.identities.begin(), sight.identities.end(), identity);
        if (found != sight.identities.end()) return found - sight.identities.begin();
    }
    return std::nullopt;
}

bool has_shrunk(const PagePosition& at, const Sight& sight) {
    return at.total && sight.total && *sight.total < *at.total;
}

/// Then records of the page before may stand behind this one.
bool has_grown_by_a_page(const PagePosition& at, const Sight& sight) {
    return at.total && sight.total && *sight.total - *at.total >= at.size;
}

Following to(const PagePosition& position, Shift shift) { return {.cursor = position.str(), .why = {}, .shift = shift, .rewalk = false}; }

Following end_of_walk(const core::Stream& stream, std::string why, const PagePosition& at, Shift shift) {
    const bool moved = at.skipped || (at.repeated && !core::is_keyed(stream));
    const bool rewalk = moved && !core::appends(stream);  // another walk would store all of it twice
    return {.cursor = std::nullopt, .why = std::move(why), .shift = shift, .rewalk = rewalk};
}

/// The position behind a page that was accepted; `number` and `overlap` are the caller's.
PagePosition behind(const PagePosition& at, const Sight& sight) {
    PagePosition next;
    next.size = sight.count;
    for (auto one = sight.identities.rbegin(); one != sight.identities.rend() && next.last.size() < PagePosition::last_max; ++one)
        if (*one != 0) next.last.push_back(*one);
    next.total = sight.total;
    next.back = at.back;
    next.repeated = at.repeated;
    next.skipped = at.skipped;
    return next;
}

/// A list in an order of its own for each request would have it step back for ever.
bool may_step_back(const core::Stream& stream, const PagePosition& at, std::int64_t pages_on) {
    return core::is_keyed(stream) && at.tries < tries_max && at.back < backs_free + pages_on / pages_per_back;
}

Following step_back(PagePosition at, std::int64_t number, const Sight& sight) {
    at.number = number;
    at.overlap = 0;
    at.total = sight.total;
    ++at.tries;
    ++at.back;
    return to(at, Shift::reread);
}

/// How a page of records by offset continues the one before.
enum class Joint : std::uint8_t { whole, repeats, broken };

Joint joint_of_offset(const PagePosition& at, const Sight& sight, std::optional<std::int64_t> found) {
    const bool begins = at.number == 0 || at.last.empty();
    if (begins) return Joint::whole;
    if (at.overlap > 0 || at.tries > 0) {
        if (!found) return Joint::broken;
        return at.tries == 0 && *found >= at.overlap ? Joint::repeats : Joint::whole;
    }
    if (found || has_grown_by_a_page(at, sight)) return Joint::repeats;
    return has_shrunk(at, sight) ? Joint::broken : Joint::whole;
}

/// Steps by the records that came, not by those asked for: a server with a lower ceiling would make us skip records.
Following follow_offset(const core::Stream& stream, PagePosition at, const Sight& sight) {
    const bool keyed = core::is_keyed(stream);
    const auto found = find_last(at, sight);
    auto shift = Shift::none;
    switch (joint_of_offset(at, sight, found)) {
        case Joint::whole: break;
        case Joint::repeats:
            at.repeated = true;
            shift = Shift::repeated;
            break;
        case Joint::broken: {
            const auto page = std::max<std::int64_t>({stream.paginate.size, at.size, 1});
            if (may_step_back(stream, at, at.number / page))
                return step_back(at, std::max<std::int64_t>(0, at.number - page), sight);
            at.skipped = true;
            shift = Shift::skipped;
        }
    }
    if (sight.count == 0) return end_of_walk(stream, "an empty page", at, shift);
    const auto after = at.number + sight.count;
    if (sight.total && after >= *sight.total) return end_of_walk(stream, "the total is reached", at, shift);
    if (found && sight.count <= at.overlap) return end_of_walk(stream, "no record that the page before did not hold", at, shift);
    auto next = behind(at, sight);
    next.overlap = keyed && !next.last.empty() ? std::min(stream.paginate.overlap, sight.count - 1) : 0;
    next.number = after - next.overlap;
    return to(next, shift);
}

Following follow_page(const core::Stream& stream, PagePosition at, const Sight& sight) {
    auto shift = Shift::none;
    if (has_shrunk(at, sight)) {
        const auto gone = *at.total - *sight.total, pages_on = at.number - stream.paginate.start;
        if (pages_on > 0 && gone < pages_back_max && may_step_back(stream, at, pages_on)) {
            at.reached = std::max(at.reached, at.number);
            // A page that is gone held as many records as it is long, and the one that is last now may be half gone.
            return step_back(at, std::max(stream.paginate.start, at.number - gone - 1), sight);
        }
        if (pages_on > 0) {
            at.skipped = true;
            shift = Shift::skipped;
        }
    } else if (at.number > at.reached && find_last(at, sight)) {
        at.repeated = true;
        shift = Shift::repeated;
    }
    if (sight.total && at.number >= *sight.total) return end_of_walk(stream, "the last page is reached", at, shift);
    if (!sight.total && sight.count == 0) return end_of_walk(stream, "an empty page", at, shift);
    auto next = behind(at, sight);
    next.number = at.number + 1;
    if (next.number <= at.reached) {
        next.reached = at.reached;
        next.tries = at.tries;
    }
    return to(next, shift);
}

}  // namespace

Following follow_numbers(const core::Stream& stream, const PageRead& page) {
    const auto at = position_of(stream, page.cursor);
    const auto sight = look_at(stream, page);
    return stream.paginate.kind == PagingKind::page ? follow_page(stream, at, sight) : follow_offset(stream, at, sight);
}

Following follow_unchanged(const core::Stream& stream, const std::optional<std::string>& cursor_now,
                           const std::optional<std::string>& cursor_then) {
    const auto at = position_of(stream, cursor_now);
    if (!cursor_then) return end_of_walk(stream, "the last page has not changed", at, Shift::none);
    auto next = PagePosition::parse(*cursor_then);
    next.back = at.back;
    next.repeated = at.repeated;
    next.skipped = at.skipped;
    return to(next, Shift::none);
}

bool is_numbered(const core::Stream& stream) {
    return stream.paginate.kind == PagingKind::page || stream.paginate.kind == PagingKind::offset;
}

bool is_reread(const core::Stream& stream, const std::optional<std::string>& cursor) {
    if (!is_numbered(stream) || !cursor) return false;
    const auto at = PagePosition::parse(*cursor);
    return at.tries > 0 || at.reached > 0;
}

}  // namespace pawl::collector
