// One exchange of a walk with the API: sent, judged, its body read. What pays for it is in walk_quota.cpp, the walk itself in
// walk.cpp.
#include <algorithm>
#include <utility>

#include "collector/feedback.hpp"
#include "collector/limits.hpp"
#include "collector/numbered_paging.hpp"
#include "collector/pacing.hpp"
#include "collector/unpack.hpp"
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
constexpr core::Micros suspicion_wait = std::chrono::seconds(1);

// The request as it goes out, but for the key.
HttpRequest to_http(const CollectorOptions& options, const PageRequest& request,
                    const std::optional<storage::Validator>& validator) {
    HttpRequest http;
    http.method = request.method;
    http.url = request.url;
    http.body = request.body;
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

}  // namespace

// One exchange with the API: sent, judged, its body read, its quota settled.
core::Task<Walk::Asked> Walk::ask(PageRequest request, Grant grant,
                                  std::optional<storage::Validator> validator) {
    exchange_.validator_sent = validator.has_value();
    exchange_.with_credentials = request.with_credentials;
    exchange_.continues = lease_.seq > 0;
    auto http = to_http(context_.options, request, validator);
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
        auto body = std::move(asked.response.body);
        const auto origin = origin_of(asked.response, context_.options.body_max);
        asked.body = co_await read(std::move(body), origin);
        if (asked.body.fault != PageBody::Fault::none) {
            asked.judgement = judge_body(*source_, asked.response, asked.body, exchange_,
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

core::Task<PageBody> Walk::read(std::string body, BodyOrigin origin) {
    const auto bytes_here = stream_.decode == core::Stream::Decode::json ? offload_bytes : offload_bytes / 8;
    if (body.size() < bytes_here && !is_packed(body)) co_return read_body(std::move(body), stream_, origin);
    PageBody page;
    std::function<void()> work = [&] { page = read_body(std::move(body), stream_, origin); };
    co_await context_.ports.offload.run(std::move(work));
    co_return page;
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
    if (is_reread(stream_, lease_.cursor)) return std::nullopt;
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
