#include "collector/page_job.hpp"

#include <algorithm>

#include "collector/numbered_paging.hpp"
#include "core/redact.hpp"

namespace pawl::collector {

namespace {

bool uses_link(const core::Stream& stream) {
    const auto uses = [](const std::optional<core::Expression>& expression) {
        return expression && expression->uses_link();
    };
    if (uses(stream.records)) return true;
    return std::any_of(stream.emits.begin(), stream.emits.end(), [&](const core::Emit& emit) {
        return uses(emit.each) || uses(emit.newest) ||
               std::any_of(
                   emit.columns.begin(), emit.columns.end(),
                   [](const core::Emit::Column& column) { return column.value.uses_link(); });
    });
}

void keep_headers(const core::Stream& stream, const HttpResponse& response, core::Job& job) {
    for (const auto& name : stream.header_names)
        if (const auto value = response.header(name))
            job.headers.emplace_back(name, std::string(*value));
    if (uses_link(stream)) job.link_header = link_header_of(response.headers);
}

void keep_validators(const core::Stream& stream, const FetchedPage& page, core::Job& job) {
    if (!stream.conditional) return;
    job.validator_key = page.validator_key;
    job.etag = page.response.header("etag").value_or("");
    job.last_modified = page.response.header("last-modified").value_or("");
    if (job.etag.empty() && job.last_modified.empty()) job.validator_key.clear();
}

void carry_body(const core::Stream& stream, FetchedPage page, core::Job& job) {
    keep_headers(stream, page.response, job);
    keep_validators(stream, page, job);
    // Where the walk steps back is no way for a later one to go on after a 304.
    if (page.following.shift == core::Shift::reread || is_reread(stream, job.cursor)) job.validator_key.clear();
    job.last = !page.following.cursor.has_value();
    job.shift = page.following.shift;
    job.rewalk = page.following.rewalk;
    job.next_cursor = std::move(page.following.cursor);
    job.body = std::move(page.body.compressed);
    job.body_size = page.body.size;
    job.body_hash = std::move(page.body.hash);
}

void confirm(const core::Stream& stream, const storage::Validator& validator, const FetchedPage& page, core::Job& job) {
    job.outcome = core::Outcome::not_modified;
    job.confirms = validator.page_id;
    job.next_cursor = validator.next_cursor;
    job.last = validator.last || !validator.next_cursor;
    if (is_numbered(stream)) {
        auto following = follow_unchanged(stream, job.cursor, validator.next_cursor);
        job.next_cursor = std::move(following.cursor);
        job.rewalk = following.rewalk;
    }
    job.validator_key = validator.key;
    job.etag = page.response.header("etag").value_or(validator.etag);
    job.last_modified = page.response.header("last-modified").value_or(validator.last_modified);
}

// A ceiling of the API, met in a window that can be halved.
bool is_to_be_split(const core::Stream& stream, const Ending& ending, const core::Window& window) {
    return ending.outcome == core::Outcome::truncated && !ending.rewalk && stream.incremental &&
           stream.paginate.on_max == core::Pagination::OnMax::split && core::halves(*stream.incremental, window).has_value();
}

}  // namespace

core::Job make_job(const core::SourceFile& source, const core::Stream& stream,
                   const queue::Lease& lease, FetchedPage page, core::Link link,
                   std::int64_t fetched_at) {
    core::Job job;
    job.slice = lease.slice.slice;
    job.partition = lease.slice.partition;
    job.seq = lease.seq + 1;
    job.link = link;
    job.previous = lease.link;
    job.source = source.name;
    job.stream = stream.name;
    job.part = lease.slice.part;
    job.request_hash = lease.slice.request_hash;
    job.status = page.response.status;
    job.url = core::redact(page.request.url);
    job.cursor = lease.cursor;
    job.requested_at = page.requested_at;
    job.fetched_at = fetched_at;
    job.parent = lease.slice.parent;
    job.list = lease.slice.list;
    job.window = lease.slice.window;
    job.begun = lease.slice.begun;
    if (page.ending) {
        job.outcome = page.ending->outcome;
        job.reason = core::redact(page.ending->reason);
        job.rewalk = page.ending->rewalk;
        job.split = is_to_be_split(stream, *page.ending, job.window);
        job.last = true;
    } else if (page.confirmed) {
        confirm(stream, *page.confirmed, page, job);
    } else {
        carry_body(stream, std::move(page), job);
    }
    return job;
}

bool may_be_conditional(const core::Stream& stream) {
    if (!stream.conditional) return false;
    if (stream.paginate.kind == core::Pagination::Kind::none) return true;
    return std::none_of(stream.emits.begin(), stream.emits.end(),
                        [](const core::Emit& emit) { return emit.needs_whole_walks(); });
}

}  // namespace pawl::collector
