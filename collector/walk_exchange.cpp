// One exchange of a walk with the API: paid for, sent, judged, settled. The walk itself is in
// walk.cpp.
#include <algorithm>
#include <cctype>

#include "collector/feedback.hpp"
#include "collector/limits.hpp"
#include "collector/pacing.hpp"
#include "collector/walk.hpp"
#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"

namespace pawl::collector {

namespace {

using core::Failpoint;
using core::Metric;
using Kind = Judgement::Kind;

constexpr std::size_t offload_bytes = 256u << 10;  // parsing this much takes about a millisecond
constexpr core::Micros wait_least =
    std::chrono::milliseconds(10);  // the ledger may say "now" of a slot just taken

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
    const auto key = co_await key_for(grant.payer.owner);
    HttpResult result = HttpFailure{.reason = "no token: " + key.reason, .sent = false};
    if (request.with_credentials) inject_credentials(*source_, key.key, http);
    if (key.kind == KeyAnswer::Kind::ready) result = co_await send(std::move(http));

    Asked asked;
    asked.judgement = judge(*source_, result, exchange_, context_.ports.random);
    auto settlement = settlement_for(grant, result, asked.judgement);
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
                Grant grant{.granted = *granted,
                            .payer = payers[granted->payer],
                            .at = ports.clock.steady()};
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
    const auto redis_us = context_.redis_now_us();
    const auto now = redis_us > 0 ? core::WallTime(core::Micros(redis_us)) : context_.ports.clock.now();
    auto unpaid = matching_limits(*source_, stream_, request, "", now);
    if (!request.with_credentials) {
        payers.push_back({.owner = "", .limits = std::move(unpaid)});
        return payers;
    }
    std::vector<std::string> names;
    for (const auto& limit : unpaid) names.push_back(limit.name);
    for (auto& owner : context_.accounts.payers(names, redis_us)) {
        auto limits = matching_limits(*source_, stream_, request, owner, now);
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
        ports.telemetry.add(Metric::response_bytes, {source_->name},
                            static_cast<double>(response->wire_bytes));
}

}  // namespace pawl::collector
