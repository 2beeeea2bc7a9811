#include "collector/walk.hpp"

#include <algorithm>

#include "collector/numbered_paging.hpp"
#include "collector/pacing.hpp"
#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"

namespace pawl::collector {

namespace {

using core::Failpoint;
using core::Metric;
using Kind = Judgement::Kind;

constexpr int redirects_max = 5;
constexpr core::Micros hold_least =
    std::chrono::minutes(5);  // a page in hand outlives a restart of Redis
constexpr int hold_leases = 10;
constexpr int same_bodies_max = 3;

FetchedPage ended(PageRequest request, Ending ending) {
    FetchedPage page;
    page.request = std::move(request);
    page.ending = std::move(ending);
    return page;
}

Ending failed(std::string reason) {
    return {.outcome = core::Outcome::failed, .reason = std::move(reason)};
}

// `request` moves to where a redirect points; an ending when it must not.
std::optional<Ending> follow_redirect(PageRequest& request, const HttpResponse& response,
                                      int redirects) {
    if (redirects > redirects_max)
        return failed("more than " + std::to_string(redirects_max) + " redirects");
    try {
        request = redirected(request, response.status, response.location);
        return std::nullopt;
    } catch (const core::PermanentError& error) {
        return failed(error.what());
    }
}

}  // namespace

Walk::Walk(WalkContext& context, std::shared_ptr<const core::SourceFile> source,
           const core::Stream& stream, queue::Lease lease)
    : context_(context), source_(std::move(source)), stream_(stream), lease_(std::move(lease)) {
    exchange_.attempts = lease_.attempts;
}

core::Task<WalkEnd> Walk::run() {
    co_await learn_validators();
    while (context_.may_walk(lease_.slice.slice, lease_.nonce)) {
        auto fetched = co_await next_page();
        if (!fetched) break;
        auto reservation = fetched->reservation;
        const auto now = context_.ports.clock.now().time_since_epoch().count();
        auto job = make_job(*source_, stream_, lease_, std::move(*fetched),
                            core::Link::random(context_.ports.random), now);
        const auto end = co_await put(job, std::move(reservation));
        if (end) co_return *end;
        step_to(job);
        if (!job.last) continue;
        note_ending(job);
        co_return WalkEnd::finished;
    }
    const auto* held = context_.find(lease_.slice.slice, lease_.nonce);
    co_return held && !held->lost ? WalkEnd::stopped : WalkEnd::lost;
}

// Validators live in Postgres only. Without it the walk asks for everything: more traffic, the same
// rows.
core::Task<> Walk::learn_validators() {
    if (!lease_.slice.revisit || !may_be_conditional(stream_)) co_return;
    try {
        validators_ = co_await context_.ports.catalogue.validators(lease_.slice.partition);
    } catch (const core::TransientError& error) {
        core::log::debug("No validators, Postgres does not answer",
                         {{"source", source_->name}, {"error", error.what()}});
    }
}

// The page after the one on the queue, or the ending that takes its place because it must not be
// asked for.
core::Task<Walk::Fetched> Walk::next_page() {
    PageRequest request;
    std::optional<Ending> ending = stuck_ ? stuck_ : reached_bound(stream_, lease_.seq);
    try {
        request = page_request(*source_, stream_, lease_.slice, lease_.cursor);
    } catch (const core::PermanentError& error) {
        ending = failed(error.what());
    }
    // A walk that steps back in a numbered list asks for a page again, under another cursor.
    const auto asked = request.identity() + (is_numbered(stream_) ? lease_.cursor.value_or("") : "");
    if (!ending && recent_.contains(asked))
        ending = Ending{.outcome = core::Outcome::stuck,
                        .reason = "the next page was asked for before in this walk"};
    if (ending) co_return ended(std::move(request), std::move(*ending));
    recent_.remember(asked);
    auto fetched = co_await fetch(std::move(request));
    co_return fetched;
}

// Asks until there is a page or an ending, waiting for quota, room and what is worth another try.
core::Task<Walk::Fetched> Walk::fetch(PageRequest request) {
    const auto first_request = request;  // validators belong to it, whatever it is redirected to
    int redirects = 0;
    while (true) {
        const bool has_key = co_await await_key(request);
        if (!has_key) co_return std::nullopt;
        auto grant = co_await reserve(request);
        if (!grant) co_return std::nullopt;
        const auto key = validator_key(first_request, grant->payer.owner);
        auto validator = validator_for(key);
        auto asked = co_await ask(request, *grant, validator);
        auto& judgement = asked.judgement;
        if (judgement.kind == Kind::redirect) {
            const auto ending = follow_redirect(request, asked.response, ++redirects);
            if (!ending) continue;
            judgement.kind = Kind::ending;
            judgement.ending = *ending;
        }
        if (asked.renewed) continue;
        if (judgement.kind == Kind::again || judgement.kind == Kind::rate_limited ||
            judgement.kind == Kind::quarantine_key) {
            const bool go_on = co_await prepare_retry(judgement, *grant, asked.blocked);
            if (!go_on) co_return std::nullopt;
            continue;
        }
        FetchedPage page;
        page.reservation = grant->granted.reservation;
        page.requested_at = grant->granted.at_us;
        page.request = std::move(request);
        page.validator_key = key;
        page.response = std::move(asked.response);
        page.body = std::move(asked.body);
        if (judgement.kind == Kind::ending) page.ending = std::move(judgement.ending);
        if (judgement.kind == Kind::not_modified) page.confirmed = std::move(validator);
        if (judgement.kind == Kind::page) follow(page);
        co_return page;
    }
}

// What comes after a page that was read well.
void Walk::follow(FetchedPage& page) {
    PageRead read;
    read.url = page.request.url;
    read.cursor = lease_.cursor;
    read.window = lease_.slice.window;
    read.headers = &page.response.headers;
    read.document = page.body.document ? &*page.body.document : nullptr;
    read.secret_query = secret_query_of(*source_);
    try {
        page.following = what_follows(stream_, read);
    } catch (const core::PermanentError& error) {
        page.ending = failed(error.what());
        return;
    }
    // A list that moves by just one page between two requests shows the same page twice; a server that does not heed the
    // number, always.
    const bool same = is_numbered(stream_) && page.body.hash == last_body_hash_;
    same_bodies_ = same ? same_bodies_ + 1 : 0;
    if (same_bodies_ >= same_bodies_max && page.following.cursor)
        stuck_ = Ending{.outcome = core::Outcome::stuck,
                        .reason = std::to_string(same_bodies_ + 1) + " pages in a row are the same"};
    last_body_hash_ = page.body.hash;
}

// Puts a page on the queue, and holds it while the queue is full or Redis is away: what was fetched
// is not asked for again as long as Redis may still take it. Returns nothing when the page is on
// the queue.
core::Task<std::optional<WalkEnd>> Walk::put(core::Job job, std::string reservation) {
    auto& ports = context_.ports;
    const auto& options = context_.options;
    const auto give_up =
        ports.clock.steady() + std::max<core::Micros>(hold_least, options.lease * hold_leases);
    core::Micros wait = retry_least;
    while (true) {
        std::optional<queue::Advance> answer;
        std::string trouble;
        const auto asked_at = ports.clock.steady();
        try {
            core::Job copy = job;
            answer = co_await ports.frontiers.advance(std::move(copy), lease_.nonce, reservation,
                                                      options.lease);
            core::hit(Failpoint::after_append_sent);
        } catch (const core::TransientError& error) {
            trouble = error.what();
        }
        context_.saw_redis(answer.has_value(), trouble);
        if (answer)
            ports.telemetry.add(Metric::advances, {source_->name, queue::to_string(*answer)});
        if (answer == queue::Advance::ok || answer == queue::Advance::duplicate) {
            if (answer == queue::Advance::ok) context_.note_ours(lease_.slice.slice, lease_.nonce, asked_at);
            core::hit(Failpoint::after_append_ok);
            co_return std::nullopt;
        }
        if (answer == queue::Advance::fenced) {
            if (!context_.abandoned)
                note_discarded("the lease is no longer ours");  // else drain() told
            co_return WalkEnd::lost;
        }
        if (context_.abandoned) co_return WalkEnd::stopped;
        if (!answer && ports.clock.steady() > give_up) {
            note_discarded("Redis did not take it: " + trouble);
            co_return WalkEnd::lost;
        }
        co_await ports.clock.sleep(with_jitter(wait, ports.random));
        wait = doubled(wait);
    }
}

// One line for each request that will be made again although it was answered.
void Walk::note_discarded(const std::string& reason) const {
    core::log::info("Page discarded, its request is made again", {{"source", source_->name},
                                                                  {"stream", stream_.name},
                                                                  {"slice", lease_.slice.slice},
                                                                  {"seq", lease_.seq + 1},
                                                                  {"reason", reason}});
}

void Walk::note_ending(const core::Job& job) const {
    if (core::needs_attention(job.outcome))
        core::log::warn("Slice ended badly", {{"source", job.source},
                                              {"stream", job.stream},
                                              {"part", job.part},
                                              {"outcome", core::to_string(job.outcome)},
                                              {"pages", job.seq},
                                              {"reason", job.reason}});
    else
        core::log::debug("Slice finished", {{"source", job.source},
                                            {"stream", job.stream},
                                            {"part", job.part},
                                            {"outcome", core::to_string(job.outcome)},
                                            {"pages", job.seq}});
}

// The page is on the queue: the next one is asked for from here.
void Walk::step_to(const core::Job& job) {
    lease_.seq = job.seq;
    lease_.link = job.link;
    lease_.cursor = job.next_cursor;
    lease_.attempts = 0;
    exchange_ = {};
    context_.room.saw(stream_.name, job.body.size());
    note_asked(false);
}

void Walk::note_asked(bool asked) {
    auto* held = context_.find(lease_.slice.slice, lease_.nonce);
    if (!held) return;
    held->seq = lease_.seq + 1;
    held->asked = asked;
}

}  // namespace pawl::collector
