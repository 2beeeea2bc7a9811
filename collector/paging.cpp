#include "collector/paging.hpp"

#include <algorithm>

#include "collector/numbered_paging.hpp"
#include "collector/page_answers.hpp"
#include "collector/url.hpp"
#include "core/errors.hpp"
#include "core/identity.hpp"
#include "core/link_header.hpp"
#include "core/page_records.hpp"
#include "core/redact.hpp"

namespace pawl::collector {

namespace {

using PagingKind = core::Pagination::Kind;

constexpr std::size_t cursor_bytes_max =
    16'384;  // it rides in every job, in Redis and in the ledger

Following end(std::string why) {
    Following following;
    following.why = std::move(why);
    return following;
}

Following next(std::string cursor) {
    Following following;
    following.cursor = std::move(cursor);
    return following;
}

// A cursor that cannot be kept or asked for becomes the empty one: page_request refuses it, so that
// this page is stored and the next one says why the walk failed.
Following next_token(std::string_view token) {
    if (token.size() > cursor_bytes_max || token.find('\0') != std::string_view::npos)
        return next("");
    return next(std::string(token));
}

// A target that is no URL stays as it is, for page_request to refuse.
Following follow_url(const PageRead& page, std::string_view target) {
    try {
        const auto url = resolve_url(page.url, target);
        return next_token(page.secret_query.empty() ? url : without_query(url, page.secret_query));
    } catch (const core::PermanentError&) {
        return next_token(core::redact(target));
    }
}

Following follow_link(const PageRead& page) {
    const auto target = core::find_link(link_header_of(*page.headers), "next");
    return target ? follow_url(page, *target) : end("no next link");
}

// What APIs write for "none": null, false and the empty string.
bool is_nothing(const core::Value& value) {
    using K = core::Value::Kind;
    if (value.is_null() || value.text.empty()) return true;
    return value.kind == K::boolean && value.text == "false";
}

Following follow_next_url(const core::Stream& stream, const PageRead& page) {
    PageAnswers answer(page.document, *page.headers);
    const auto target = answer(stream.paginate.next);
    if (is_nothing(target)) return end("no next URL");
    return follow_url(page, target.text);
}

Following follow_cursor(const core::Stream& stream, const PageRead& page) {
    PageAnswers answer(page.document, *page.headers);
    const auto more = answer(stream.paginate.more);
    if (!more.is_null() && !core::is_true(more)) return end("there is no more");
    const auto cursor = answer(stream.paginate.next);
    if (is_nothing(cursor)) return end("no next cursor");
    if (stream.paginate.last_id && page.cursor == cursor.text) return end("no record behind the last one");
    return next_token(cursor.text);
}

/// `newest_first`: the last record of the page is as old as what an earlier walk has seen. A pinned record, old among the
/// new ones, does not end the walk.
bool meets_the_known(const core::Stream& stream, const PageRead& page) {
    const auto& incremental = stream.incremental;
    if (!incremental || incremental->kind != core::Incremental::Kind::newest_first || !page.window.lo || !page.document)
        return false;
    const auto records = core::listed_records(stream, *page.document);
    if (!records || records->empty()) return false;
    const auto mark = core::mark_of_record(*incremental, *page.document, records->back());
    return mark && *mark <= *page.window.lo - incremental->lookback;
}

Following next_page(const core::Stream& stream, const PageRead& page) {
    switch (stream.paginate.kind) {
        case PagingKind::none:
            return end("one page");
        case PagingKind::link:
            return follow_link(page);
        case PagingKind::next_url:
            return follow_next_url(stream, page);
        case PagingKind::page:
        case PagingKind::offset:
            return follow_numbers(stream, page);
        case PagingKind::cursor:
            return follow_cursor(stream, page);
    }
    return end("one page");
}

}  // namespace

Following what_follows(const core::Stream& stream, const PageRead& page) {
    Following following = next_page(stream, page);
    // A step back reads again what may have been skipped: it goes before the end.
    if (!following.cursor || following.shift == core::Shift::reread) return following;
    PageAnswers answer(page.document, *page.headers);
    const bool stops = core::is_true(answer(stream.paginate.stop_when));
    if (!stops && !meets_the_known(stream, page)) return following;
    following.cursor.reset();
    following.why = stops ? "stop_when: " + stream.paginate.stop_when->text() : "what follows is known";
    return following;
}

std::optional<Ending> reached_bound(const core::Stream& stream, std::int64_t pages) {
    const auto bound = std::min(stream.paginate.max_pages, core::page_seq_max - 1);
    if (pages < bound) return std::nullopt;
    const bool stuck = stream.paginate.on_max == core::Pagination::OnMax::stuck;
    return Ending{
        .outcome = stuck ? core::Outcome::stuck : core::Outcome::truncated,
        .reason = "max_pages " + std::to_string(bound) + " is reached, and there is more"};
}

}  // namespace pawl::collector
