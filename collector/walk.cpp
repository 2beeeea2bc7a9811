#include "collector/walk.hpp"

#include <algorithm>
#include <cctype>

#include "collector/feedback.hpp"
#include "collector/limits.hpp"
#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"

namespace pawl::collector {

namespace {

using core::Failpoint;
using core::Metric;
using Kind = Judgement::Kind;

constexpr int redirects_max = 5;
constexpr core::Micros retry_least = std::chrono::milliseconds(100);  // while Redis is away or the queue is full
constexpr core::Micros retry_most = std::chrono::seconds(2);
constexpr core::Micros jitter_most = std::chrono::milliseconds(250);
constexpr std::size_t offload_bytes = 256u << 10;             // parsing this much takes about a millisecond
constexpr core::Micros hold_least = std::chrono::minutes(5);  // a page in hand outlives a restart of Redis
constexpr int hold_leases = 10;
constexpr core::Micros wait_least = std::chrono::milliseconds(10);  // the ledger may say "now" of a slot just taken

core::Micros doubled(core::Micros wait) { return std::min(wait * 2, retry_most); }

// Spreads walks that were told the same time. Never shortens a wait.
core::Micros with_jitter(core::Micros wait, core::Random& random) {
    const auto reach = static_cast<double>(std::min(wait / 10 + std::chrono::milliseconds(2), jitter_most).count());
    return wait + core::Micros(static_cast<std::int64_t>(reach * random.fraction()));
}

FetchedPage ended(PageRequest request, Ending ending) {
    FetchedPage page;
    page.request = std::move(request);
    page.ending = std::move(ending);
    return page;
}

Ending failed(std::string reason) { return {.outcome = core::Outcome::failed, .reason = std::move(reason)}; }

bool numbers_pages(const core::Stream& stream) {
    return stream.paginate.kind == core::Pagination::Kind::page ||
           stream.paginate.kind == core::Pagination::Kind::offset;
}

bool has_header(const Headers& headers, std::string_view lower_case_name) {
    return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
        return std::equal(header.first.begin(), header.first.end(), lower_case_name.begin(), lower_case_name.end(),
                          [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; });
    });
}

// The request as it goes out, but for the key.
HttpRequest to_http(const core::Stream& stream, const CollectorOptions& options, const PageRequest& request,
                    const std::optional<storage::Validator>& validator) {
    HttpRequest http;
    http.method = stream.method;
    http.url = request.url;
    http.headers = request.headers;
    http.body_max = options.body_max;
    http.connect_timeout = options.connect_timeout;
    http.timeout = options.request_timeout;
    if (!has_header(http.headers, "user-agent")) http.headers.emplace_back("User-Agent", "pawl/" PAWL_VERSION);
    if (validator && !validator->etag.empty())
        http.headers.emplace_back("If-None-Match", validator->etag);
    else if (validator && !validator->last_modified.empty())
        http.headers.emplace_back("If-Modified-Since", validator->last_modified);
    return http;
}

// `request` moves to where a redirect points; an ending when it must not.
std::optional<Ending> follow_redirect(PageRequest& request, const HttpResponse& response, int redirects) {
    if (redirects > redirects_max) return failed("more than " + std::to_string(redirects_max) + " redirects");
    try {
        request = redirected(request, response.location);
        return std::nullopt;
    } catch (const core::PermanentError& error) {
        return failed(error.what());
    }
}

// Marks a walk as waiting, in the log and in the metric, until it goes out of scope.
class WaitMark {
  public:
    explicit WaitMark(WalkContext& context) : context_(context) {}
    WaitMark(const WaitMark&) = delete;
    WaitMark& operator=(const WaitMark&) = delete;
    ~WaitMark() { clear(); }

    void set(const queue::Wait& wait) {
        if (marked_ && (reason_ != wait.reason || owner_ != wait.owner)) clear();
        if (marked_) return;
        marked_ = true;
        reason_ = wait.reason;
        owner_ = wait.owner;
        context_.waits.begin(reason_, owner_, wait.retry_in, context_.ports.clock.steady());
    }
    void clear() {
        if (marked_) context_.waits.end(reason_, owner_, context_.ports.clock.steady());
        marked_ = false;
    }

  private:
    WalkContext& context_;
    bool marked_ = false;
    std::string reason_, owner_;
};

}  // namespace

Walk::Walk(WalkContext& context, std::shared_ptr<const core::SourceFile> source, const core::Stream& stream,
           queue::Lease lease)
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
        auto job = make_job(*source_, stream_, lease_, std::move(*fetched), core::Link::random(context_.ports.random), now);
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

// Validators live in Postgres only. Without it the walk asks for everything: more traffic, the same rows.
core::Task<> Walk::learn_validators() {
    if (!lease_.slice.revisit || !may_be_conditional(stream_)) co_return;
    try {
        validators_ = co_await context_.ports.catalogue.validators(lease_.slice.partition);
    } catch (const core::TransientError& error) {
        core::log::debug("No validators, Postgres does not answer", {{"source", source_->name}, {"error", error.what()}});
    }
}

// The page after the one on the queue, or the ending that takes its place because it must not be asked for.
core::Task<Walk::Fetched> Walk::next_page() {
    PageRequest request;
    std::optional<Ending> ending = stuck_ ? stuck_ : reached_bound(stream_, lease_.seq);
    try {
        request = page_request(*source_, stream_, lease_.slice, lease_.cursor);
    } catch (const core::PermanentError& error) {
        ending = failed(error.what());
    }
    if (!ending && recent_.contains(request.url))
        ending = Ending{.outcome = core::Outcome::stuck, .reason = "the next page was asked for before in this walk"};
    if (ending) co_return ended(std::move(request), std::move(*ending));
    recent_.remember(request.url);
    auto fetched = co_await fetch(std::move(request));
    co_return fetched;
}

// Asks until there is a page or an ending, waiting for quota, room and what is worth another try.
core::Task<Walk::Fetched> Walk::fetch(PageRequest request) {
    const auto validator_key = request.validator_key;
    int redirects = 0;
    while (true) {
        auto grant = co_await reserve(request);
        if (!grant) co_return std::nullopt;
        auto validator = validator_for(validator_key);
        auto asked = co_await ask(request, *grant, validator);
        auto& judgement = asked.judgement;
        if (judgement.kind == Kind::redirect) {
            const auto ending = follow_redirect(request, asked.response, ++redirects);
            if (!ending) continue;
            judgement.kind = Kind::ending;
            judgement.ending = *ending;
        }
        if (judgement.kind == Kind::again || judgement.kind == Kind::rate_limited ||
            judgement.kind == Kind::quarantine_key) {
            const bool go_on = co_await prepare_retry(judgement, *grant, asked.settled);
            if (!go_on) co_return std::nullopt;
            continue;
        }
        FetchedPage page;
        page.reservation = grant->granted.reservation;
        page.requested_at = grant->granted.at_us;
        page.request = std::move(request);
        page.validator_key = validator_key;
        page.response = std::move(asked.response);
        page.body = std::move(asked.body);
        if (judgement.kind == Kind::ending) page.ending = std::move(judgement.ending);
        if (judgement.kind == Kind::not_modified) page.confirmed = std::move(validator);
        if (judgement.kind == Kind::page) follow(page);
        co_return page;
    }
}

// One exchange with the API: sent, judged, its body read, its quota settled.
core::Task<Walk::Asked> Walk::ask(PageRequest request, Grant grant, std::optional<storage::Validator> validator) {
    exchange_.validator_sent = validator.has_value();
    exchange_.with_credentials = request.with_credentials;
    auto http = to_http(stream_, context_.options, request, validator);
    if (request.with_credentials)
        inject_credentials(*source_, context_.accounts.next_key(grant.payer.owner), http);
    auto result = co_await send(std::move(http));

    Asked asked;
    asked.judgement = judge(*source_, result, exchange_, context_.ports.random);
    auto settlement = settlement_for(grant, result, asked.judgement);
    if (auto* response = std::get_if<HttpResponse>(&result)) asked.response = std::move(*response);
    if (asked.judgement.kind == Kind::page) {
        const bool told_empty = asked.response.header("content-length") == "0";
        auto body = std::move(asked.response.body);
        asked.body = co_await read(std::move(body), told_empty);
        if (!asked.body.failure.empty()) {
            asked.judgement =
                judge_body(*source_, asked.response, asked.body.failure, exchange_, context_.ports.random);
            settlement.release_room = asked.judgement.kind == Kind::again;
        }
    }
    context_.accounts.saw(settlement.feedback);
    asked.settled = co_await settle(std::move(settlement));
    co_return asked;
}

core::Task<HttpResult> Walk::send(HttpRequest request) {
    note_asked(true);
    const auto sent_at = context_.ports.clock.steady();
    core::hit(Failpoint::before_fetch);
    auto result = co_await context_.ports.http.fetch(std::move(request));
    core::hit(Failpoint::after_fetch);
    measure(result, sent_at);
    co_return result;
}

core::Task<PageBody> Walk::read(std::string body, bool told_empty) {
    const bool is_json = stream_.decode == core::Stream::Decode::json;
    if (body.size() < offload_bytes) co_return read_body(std::move(body), is_json, told_empty);
    PageBody page;
    std::function<void()> work = [&] { page = read_body(std::move(body), is_json, told_empty); };
    co_await context_.ports.offload.run(std::move(work));
    co_return page;
}

// What comes after a page that was read well.
void Walk::follow(FetchedPage& page) {
    PageRead read;
    read.url = page.request.url;
    read.cursor = lease_.cursor;
    read.headers = &page.response.headers;
    read.document = page.body.document ? &*page.body.document : nullptr;
    read.secret_query = secret_query_of(*source_);
    try {
        page.following = what_follows(stream_, read);
    } catch (const core::PermanentError& error) {
        page.ending = failed(error.what());
        return;
    }
    if (numbers_pages(stream_) && page.following.cursor && page.body.hash == last_body_hash_)
        stuck_ = Ending{.outcome = core::Outcome::stuck, .reason = "two pages in a row are the same"};
    last_body_hash_ = page.body.hash;
}

// Waits until one account has a request left in every limit that matches, and the queue has room for the page.
core::Task<std::optional<Walk::Grant>> Walk::reserve(PageRequest request) {
    auto& ports = context_.ports;
    WaitMark mark(context_);
    core::Micros trouble_wait = retry_least;
    while (context_.may_walk(lease_.slice.slice, lease_.nonce)) {
        const auto payers = payers_for(request);
        if (payers.empty()) {
            context_.credentials_refused = true;
            co_return std::nullopt;
        }
        std::optional<std::variant<queue::Granted, queue::Wait>> answer;
        std::string trouble;
        try {
            answer = co_await ports.quota.reserve(payers, context_.room.bytes(stream_.name));
        } catch (const core::TransientError& error) {
            trouble = error.what();
        }
        context_.saw_redis(answer.has_value(), trouble);
        core::Micros wait = trouble_wait;
        if (answer) {
            if (auto* granted = std::get_if<queue::Granted>(&*answer)) {
                context_.note_redis_time(granted->at_us);
                Grant grant{.granted = *granted, .payer = payers[granted->payer], .at = ports.clock.steady()};
                co_return grant;
            }
            const auto& told = std::get<queue::Wait>(*answer);
            mark.set(told);
            wait = std::max<core::Micros>(told.retry_in, wait_least);
        } else {
            trouble_wait = doubled(trouble_wait);
        }
        co_await context_.pause(lease_.slice.slice, lease_.nonce, with_jitter(wait, ports.random));
    }
    co_return std::nullopt;
}

std::vector<queue::Payer> Walk::payers_for(const PageRequest& request) {
    std::vector<queue::Payer> payers;
    if (!request.with_credentials) {
        payers.push_back({.owner = "", .limits = matching_limits(*source_, request, "")});
        return payers;
    }
    std::vector<std::string> names;
    for (const auto& limit : matching_limits(*source_, request, "")) names.push_back(limit.name);
    for (auto& owner : context_.accounts.payers(names, context_.redis_now_us())) {
        auto limits = matching_limits(*source_, request, owner);
        payers.push_back({.owner = std::move(owner), .limits = std::move(limits)});
    }
    return payers;
}

queue::Settlement Walk::settlement_for(const Grant& grant, const HttpResult& result,
                                       const Judgement& judgement) const {
    queue::Settlement settlement;
    settlement.reservation = grant.granted.reservation;
    settlement.limits = grant.payer.limits;
    if (const auto* failure = std::get_if<HttpFailure>(&result)) settlement.refund = !failure->sent;
    if (const auto* response = std::get_if<HttpResponse>(&result)) {
        settlement.refund = source_->feedback.free.contains(response->status);
        settlement.feedback = read_feedback(*source_, *response, grant.payer.limits, context_.redis_now_us());
    }
    settlement.release_room = judgement.kind != Kind::page && judgement.kind != Kind::not_modified &&
                              judgement.kind != Kind::ending;
    if (judgement.kind == Kind::rate_limited)
        settlement.block = std::chrono::duration_cast<core::Millis>(judgement.wait);
    return settlement;
}

// A settlement that is lost costs quota, not safety: the reservation lapses by itself.
core::Task<bool> Walk::settle(queue::Settlement settlement) {
    try {
        co_await context_.ports.quota.settle(std::move(settlement));
        co_return true;
    } catch (const core::TransientError& error) {
        context_.saw_redis(false, error.what());
        co_return false;
    }
}

// False: the walk does not go on.
core::Task<bool> Walk::prepare_retry(Judgement judgement, Grant grant, bool settled) {
    auto& telemetry = context_.ports.telemetry;
    note_asked(false);
    core::log::debug("Asked again", {{"source", source_->name},
                                     {"stream", stream_.name},
                                     {"slice", lease_.slice.slice},
                                     {"seq", lease_.seq + 1},
                                     {"reason", judgement.ending.reason},
                                     {"owner", grant.payer.owner}});
    telemetry.add(Metric::retries, {source_->name, judgement.label});
    core::Micros wait = judgement.wait;
    if (judgement.kind == Kind::again) {
        exchange_.sightings = judgement.label == "gone" ? exchange_.sightings + 1 : 0;
        co_await count_attempt();
    } else if (judgement.kind == Kind::rate_limited) {
        ++exchange_.refusals;
        telemetry.add(Metric::rate_limited, {source_->name});
        core::log::warn("The API refuses for now", {{"source", source_->name},
                                                    {"owner", grant.payer.owner},
                                                    {"reason", judgement.ending.reason},
                                                    {"seconds", std::chrono::duration<double>(wait).count()}});
        // Where the ledger holds the block, other accounts may go on at once.
        if (settled && !grant.payer.limits.empty()) wait = core::Micros(0);
    } else {
        co_await quarantine(grant.payer.owner, judgement.ending.reason);
    }
    const bool go_on = co_await context_.pause(lease_.slice.slice, lease_.nonce, wait);
    co_return go_on;
}

core::Task<> Walk::count_attempt() {
    int counted = 0;
    try {
        counted = co_await context_.ports.frontiers.count_attempt(lease_.slice.slice, lease_.nonce);
    } catch (const core::TransientError& error) {
        context_.saw_redis(false, error.what());
    }
    exchange_.attempts = std::max(exchange_.attempts + 1, counted);
}

core::Task<> Walk::quarantine(std::string owner, std::string reason) {
    context_.accounts.quarantine(owner);
    core::log::error("The API refuses the credentials of an account, it is used no more",
                     {{"source", source_->name}, {"owner", owner}, {"reason", reason}});
    try {
        co_await context_.ports.quota.quarantine(owner, reason);
    } catch (const core::TransientError& error) {
        context_.saw_redis(false, error.what());
    }
}

// Puts a page on the queue, and holds it while the queue is full or Redis is away: what was fetched is not asked for
// again as long as Redis may still take it. Returns nothing when the page is on the queue.
core::Task<std::optional<WalkEnd>> Walk::put(core::Job job, std::string reservation) {
    auto& ports = context_.ports;
    const auto& options = context_.options;
    const auto give_up = ports.clock.steady() + std::max<core::Micros>(hold_least, options.lease * hold_leases);
    core::Micros wait = retry_least;
    while (true) {
        std::optional<queue::Advance> answer;
        std::string trouble;
        try {
            core::Job copy = job;
            answer = co_await ports.frontiers.advance(std::move(copy), lease_.nonce, reservation, options.lease);
            core::hit(Failpoint::after_append_sent);
        } catch (const core::TransientError& error) {
            trouble = error.what();
        }
        context_.saw_redis(answer.has_value(), trouble);
        if (answer) ports.telemetry.add(Metric::advances, {source_->name, queue::to_string(*answer)});
        if (answer == queue::Advance::ok || answer == queue::Advance::duplicate) {
            core::hit(Failpoint::after_append_ok);
            co_return std::nullopt;
        }
        if (answer == queue::Advance::fenced) {
            if (!context_.abandoned) note_discarded("the lease is no longer ours");  // else drain() told
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

std::optional<storage::Validator> Walk::validator_for(const std::string& key) const {
    for (const auto& validator : validators_)
        if (validator.key == key) return validator;
    return std::nullopt;
}

void Walk::measure(const HttpResult& result, core::SteadyTime sent_at) {
    auto& ports = context_.ports;
    const auto* response = std::get_if<HttpResponse>(&result);
    const auto status = response ? std::to_string(response->status) : std::string("error");
    const std::chrono::duration<double> took = ports.clock.steady() - sent_at;
    ports.telemetry.add(Metric::requests, {source_->name, status});
    ports.telemetry.observe(Metric::request_seconds, {source_->name}, took.count());
    if (response)
        ports.telemetry.add(Metric::response_bytes, {source_->name}, static_cast<double>(response->wire_bytes));
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
