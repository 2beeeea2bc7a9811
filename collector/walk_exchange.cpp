// One exchange of a walk with the API: paid for, sent, judged, settled. The walk itself is in
// walk.cpp.
#include <algorithm>
#include <cctype>
#include <utility>

#include "collector/feedback.hpp"
#include "collector/limits.hpp"
#include "collector/pacing.hpp"
#include "collector/walk.hpp"
#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/identity.hpp"
#include "core/log.hpp"

namespace pawl::collector {

namespace {

using core::Failpoint;
using core::Metric;
using Kind = Judgement::Kind;

constexpr std::size_t offload_bytes = 256u << 10;  // parsing this much takes about a millisecond
constexpr core::Micros wait_least =
    std::chrono::milliseconds(10);  // the ledger may say "now" of a slot just taken
constexpr core::Micros slot_wait = std::chrono::milliseconds(100);  // the ledger's word for: nobody knows when
constexpr core::Micros slot_step = std::chrono::milliseconds(5);    // how soon a slot freed here is noticed
constexpr core::Micros suspicion_wait = std::chrono::seconds(1);
// Mostly the first account grants; to read what the others could pay costs Redis as much for each.
constexpr std::size_t payers_first = 2, payers_most = 8;

bool has_header(const Headers& headers, std::string_view lower_case_name) {
    return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
        return std::equal(header.first.begin(), header.first.end(), lower_case_name.begin(),
                          lower_case_name.end(), [](char a, char b) {
                              return std::tolower(static_cast<unsigned char>(a)) == b;
                          });
    });
}

// The request as it goes out, but for the key.
HttpRequest to_http(const core::Stream& stream, const CollectorOptions& options,
                    const PageRequest& request,
                    const std::optional<storage::Validator>& validator) {
    HttpRequest http;
    http.method = stream.method;
    http.url = request.url;
    http.headers = request.headers;
    http.body_max = options.body_max;
    http.connect_timeout = options.connect_timeout;
    http.timeout = options.request_timeout;
    if (!has_header(http.headers, "user-agent"))
        http.headers.emplace_back("User-Agent", "pawl/" PAWL_VERSION);
    if (validator && !validator->etag.empty())
        http.headers.emplace_back("If-None-Match", validator->etag);
    else if (validator && !validator->last_modified.empty())
        http.headers.emplace_back("If-Modified-Since", validator->last_modified);
    return http;
}

// Walks of one lane wait for the same: the same limits of accounts that may all pay.
std::string lane_of(const core::Stream& stream, const PageRequest& request, const std::vector<MatchedLimit>& limits) {
    std::string lane = request.with_credentials ? "paid" : "free";
    for (const auto& limit : limits) lane += " " + limit.ask.name;
    for (const auto& scope : stream.scopes) lane += " +" + scope;
    return lane;
}

// What a limit that is learned can learn from an answer.
queue::Signal signal_of(const HttpResult& result, const Judgement& judgement) {
    const auto* response = std::get_if<HttpResponse>(&result);
    if (judgement.kind == Kind::rate_limited) return queue::Signal::trouble;
    if (response) {
        const bool overloaded = response->status == 429 || (response->status >= 502 && response->status <= 504);
        if (overloaded) return queue::Signal::trouble;
        return response->status < 500 ? queue::Signal::clean : queue::Signal::none;
    }
    const auto& failure = std::get<HttpFailure>(result);
    return failure.kind == HttpFailure::Kind::timeout ? queue::Signal::trouble : queue::Signal::none;
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

// One exchange with the API: sent, judged, its body read, its quota settled.
core::Task<Walk::Asked> Walk::ask(PageRequest request, Grant grant,
                                  std::optional<storage::Validator> validator) {
    exchange_.validator_sent = validator.has_value();
    exchange_.with_credentials = request.with_credentials;
    auto http = to_http(stream_, context_.options, request, validator);
    const auto key = co_await key_for(grant.payer);
    HttpResult result = HttpFailure{.reason = "no token: " + key.reason, .sent = false};
    if (request.with_credentials) inject_credentials(*source_, key.key, http);
    const auto sent_at = context_.ports.clock.steady();
    if (key.kind == KeyAnswer::Kind::ready) result = co_await send(std::move(http));
    const auto latency = std::chrono::duration_cast<core::Micros>(context_.ports.clock.steady() - sent_at);

    Asked asked;
    asked.judgement = judge(*source_, result, exchange_, context_.ports.random);
    auto settlement = settlement_for(grant, result, asked.judgement, latency);
    if (auto* response = std::get_if<HttpResponse>(&result)) asked.response = std::move(*response);
    heed_refusal(key.key, asked);
    if (asked.judgement.kind == Kind::page) {
        const bool told_empty = asked.response.header("content-length") == "0";
        auto body = std::move(asked.response.body);
        asked.body = co_await read(std::move(body), told_empty);
        if (!asked.body.failure.empty()) {
            asked.judgement = judge_body(*source_, asked.response, asked.body.failure, exchange_,
                                         context_.ports.random);
            settlement.release_room = asked.judgement.kind == Kind::again;
        }
    }
    if (asked.response.status > 0) {
        const auto* document = asked.body.document ? &*asked.body.document : nullptr;
        add_costs(*source_, asked.response, document, grant.payer.limits, settlement.feedback);
        if (asked.judgement.kind != Kind::quarantine_key) context_.accounts.accepted(grant.payer.key);
    }
    note_spent(settlement);
    context_.costs.saw(stream_.name, settlement.feedback);
    context_.accounts.saw(settlement.feedback);
    auto block = block_for(grant, asked, settlement);
    co_await settle(std::move(settlement));
    if (!block) co_return asked;
    asked.blocked = co_await settle(std::move(*block));
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
    if (body.size() < offload_bytes) co_return read_body(std::move(body), stream_, told_empty);
    PageBody page;
    std::function<void()> work = [&] { page = read_body(std::move(body), stream_, told_empty); };
    co_await context_.ports.offload.run(std::move(work));
    co_return page;
}

// Waits until one account has a request left in every limit that matches, and the queue has room
// for the page.
core::Task<std::optional<Walk::Grant>> Walk::reserve(PageRequest request) {
    auto& ports = context_.ports;
    const auto slice_class = lease_.slice.slice_class;
    auto turn = co_await context_.turnstile.enter(lane_of(stream_, request, limits_of(request)), slice_class, stream_.name);
    WaitMark mark(context_);
    core::Micros trouble_wait = retry_least;
    std::size_t named = payers_first;
    while (context_.may_walk(lease_.slice.slice, lease_.nonce)) {
        const auto payers = payers_for(request, named);
        if (payers.empty() && context_.accounts.all_refused()) {
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
        if (!answer) {
            co_await context_.pause(lease_.slice.slice, lease_.nonce, with_jitter(trouble_wait, ports.random));
            trouble_wait = doubled(trouble_wait);
            continue;
        }
        if (auto* granted = std::get_if<queue::Granted>(&*answer)) {
            context_.note_redis_time(granted->at_us);
            Grant grant{.granted = *granted,
                        .payer = payers[granted->payer],
                        .at = ports.clock.steady()};
            co_return grant;
        }
        if (payers.size() == std::exchange(named, payers_most) && payers.size() < payers_most) continue;  // others may pay
        const auto told = std::get<queue::Wait>(*answer);
        mark.set(told);
        co_await wait_for_quota(told);
        turn = co_await context_.turnstile.enter_again(std::move(turn), slice_class, stream_.name);
    }
    co_return std::nullopt;
}

// As long as the ledger says. Where it cannot know, as with slots, until a request of ours is over that may have freed one.
core::Task<> Walk::wait_for_quota(queue::Wait told) {
    core::Micros wait = std::max<core::Micros>(told.retry_in, wait_least);
    if (wait <= slot_wait) {
        const auto settled = context_.settled;
        while (wait.count() > 0 && context_.settled == settled && !context_.stopping) {
            const auto step = std::min(wait, slot_step);
            co_await context_.ports.clock.sleep(step);
            wait -= step;
        }
        co_return;
    }
    co_await context_.pause(lease_.slice.slice, lease_.nonce, with_jitter(wait, context_.ports.random));
}

std::vector<MatchedLimit> Walk::limits_of(const PageRequest& request) const {
    const auto redis_us = context_.redis_now_us();
    const auto now = redis_us > 0 ? core::WallTime(core::Micros(redis_us)) : context_.ports.clock.now();
    return matching_limits(*source_, stream_, request, context_.costs, now);
}

std::vector<queue::Payer> Walk::payers_for(const PageRequest& request, std::size_t count) {
    std::vector<queue::Payer> payers;
    const auto limits = limits_of(request);
    if (!request.with_credentials) {
        payers.push_back({.owner = "", .limits = asks_for(limits, {}), .key = ""});
        return payers;
    }
    std::vector<std::string> names;
    for (const auto& limit : limits) names.push_back(limit.ask.name);
    for (const auto& paying : context_.accounts.payers(names, wish_for(request, limits), context_.redis_now_us(), count))
        payers.push_back({.owner = paying.owner, .limits = asks_for(limits, paying), .key = paying.key});
    return payers;
}

KeyWish Walk::wish_for(const PageRequest& request, const std::vector<MatchedLimit>& limits) const {
    KeyWish wish;
    wish.scopes = stream_.scopes;
    wish.each_key = std::any_of(limits.begin(), limits.end(),
                                [](const MatchedLimit& limit) { return limit.per == core::Limit::Per::key; });
    wish.first = exchange_.suspect;
    if (!wish.first.key.empty() || !stream_.etag_per_owner || validators_.empty()) return wish;
    for (const auto& account : context_.accounts.all())
        if (validator_for(validator_key(request, account.owner))) wish.first.owner = account.owner;
    return wish;
}

std::string Walk::validator_key(const PageRequest& request, const std::string& owner) const {
    if (!stream_.etag_per_owner) return request.validator_key;
    return core::sha256_hex(request.validator_key + "\n" + owner);
}

queue::Settlement Walk::settlement_for(const Grant& grant, const HttpResult& result,
                                       const Judgement& judgement, core::Micros latency) const {
    queue::Settlement settlement;
    settlement.reservation = grant.granted.reservation;
    settlement.limits = grant.payer.limits;
    settlement.stream = stream_.name;
    settlement.signal = signal_of(result, judgement);
    settlement.latency_us = latency.count();
    if (const auto* failure = std::get_if<HttpFailure>(&result)) settlement.refund = !failure->sent;
    if (const auto* response = std::get_if<HttpResponse>(&result)) {
        settlement.refund = source_->feedback.free.contains(response->status);
        settlement.feedback =
            read_feedback(*source_, *response, grant.payer.limits, context_.redis_now_us());
    }
    settlement.release_room = judgement.kind != Kind::page &&
                              judgement.kind != Kind::not_modified &&
                              judgement.kind != Kind::ending;
    return settlement;
}

// A refusal holds back the account that was refused, by a settlement of its own: nullopt where
// there is none, or no limit that could hold the block.
std::optional<queue::Settlement> Walk::block_for(const Grant& grant, const Asked& asked,
                                                 const queue::Settlement& settlement) const {
    if (asked.judgement.kind != Kind::rate_limited) return std::nullopt;
    const bool asked_to_pause = retry_after(source_->feedback, asked.response).has_value();
    queue::Settlement block;
    block.reservation = settlement.reservation;
    block.limits = blocked_limits(grant.payer, settlement.feedback, asked_to_pause);
    block.block = std::chrono::ceil<core::Millis>(asked.judgement.wait);
    if (block.limits.empty()) return std::nullopt;
    return block;
}

// A settlement that is lost costs quota, not safety: the reservation lapses by itself.
core::Task<bool> Walk::settle(queue::Settlement settlement) {
    try {
        co_await context_.ports.quota.settle(std::move(settlement));
        ++context_.settled;
        co_return true;
    } catch (const core::TransientError& error) {
        context_.saw_redis(false, error.what());
        co_return false;
    }
}

// False: the walk does not go on.
core::Task<bool> Walk::prepare_retry(Judgement judgement, Grant grant, bool blocked) {
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
        core::log::warn("The API refuses for now",
                        {{"source", source_->name},
                         {"owner", grant.payer.owner},
                         {"reason", judgement.ending.reason},
                         {"seconds", std::chrono::duration<double>(wait).count()}});
        // Where the ledger holds the block, other accounts may go on at once.
        if (blocked) wait = core::Micros(0);
    } else {
        Paying payer{grant.payer.owner, grant.payer.key};
        wait = co_await suspect(std::move(payer), judgement);
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

// The API refused a key: asked once more with it, and once that is confirmed, never again. Returns how long to wait before.
core::Task<core::Micros> Walk::suspect(Paying payer, Judgement judgement) {
    const auto& reason = judgement.ending.reason;
    if (!context_.accounts.refused(payer.key, judgement.confirm, context_.ports.clock.steady())) {
        core::log::info("The API refuses a key, it is asked once more",
                        {{"source", source_->name}, {"key", payer.key}, {"reason", reason}});
        exchange_.suspect = std::move(payer);
        co_return with_jitter(suspicion_wait, context_.ports.random);
    }
    exchange_.suspect = {};
    std::string why = reason;
    co_await quarantine(std::move(payer), std::move(why));
    co_return core::Micros(0);
}

core::Task<> Walk::quarantine(Paying payer, std::string reason) {
    context_.accounts.quarantine(payer.key);
    core::log::error("The API refuses a key, it is used no more",
                     {{"source", source_->name}, {"owner", payer.owner}, {"key", payer.key}, {"reason", reason}});
    try {
        co_await context_.ports.quota.quarantine(payer.key, reason);
    } catch (const core::TransientError& error) {
        context_.saw_redis(false, error.what());
    }
}

std::optional<storage::Validator> Walk::validator_for(const std::string& key) const {
    for (const auto& validator : validators_)
        if (validator.key == key) return validator;
    return std::nullopt;
}

void Walk::note_spent(const queue::Settlement& settlement) {
    if (settlement.refund) return;
    for (const auto& limit : settlement.limits) {
        if (limit.count == 0) continue;
        auto units = limit.cost;
        for (const auto& told : settlement.feedback)
            if (told.name == limit.name && told.cost) units = *told.cost;
        context_.ports.telemetry.add(Metric::quota_spent, {source_->name, stream_.name, limit.name},
                                     static_cast<double>(units));
    }
}

void Walk::measure(const HttpResult& result, core::SteadyTime sent_at) {
    auto& ports = context_.ports;
    const auto* response = std::get_if<HttpResponse>(&result);
    const auto status = response ? std::to_string(response->status) : std::string("error");
    const std::chrono::duration<double> took = ports.clock.steady() - sent_at;
    ports.telemetry.add(Metric::requests, {source_->name, status});
    ports.telemetry.observe(Metric::request_seconds, {source_->name}, took.count());
    if (response)
        ports.telemetry.add(Metric::response_bytes, {source_->name},
                            static_cast<double>(response->wire_bytes));
}

}  // namespace pawl::collector
