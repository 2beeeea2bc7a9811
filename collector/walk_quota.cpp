// How a walk pays for a request: it waits in line, reserves with whoever can pay, and settles what the answer says.
#include <algorithm>
#include <utility>

#include "collector/feedback.hpp"
#include "collector/limits.hpp"
#include "collector/pacing.hpp"
#include "collector/walk.hpp"
#include "core/errors.hpp"
#include "core/identity.hpp"

namespace pawl::collector {

namespace {

constexpr core::Micros wait_least =
    std::chrono::milliseconds(10);  // the ledger may say "now" of a slot just taken
constexpr core::Micros slot_wait = std::chrono::milliseconds(100);  // the ledger's word for: nobody knows when
constexpr core::Micros slot_step = std::chrono::milliseconds(5);    // how soon a slot freed here is noticed
// Mostly the first account grants; to read what the others could pay costs Redis as much for each.
constexpr std::size_t payers_first = 2, payers_most = 8;

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
    if (judgement.kind == Judgement::Kind::rate_limited) return queue::Signal::trouble;
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
            const bool is_ours = co_await context_.is_ours(lease_.slice.slice, lease_.nonce);
            if (is_ours) co_return grant;
            co_await give_back(std::move(grant));
            co_await context_.pause(lease_.slice.slice, lease_.nonce, with_jitter(trouble_wait, ports.random));
            trouble_wait = doubled(trouble_wait);
            continue;
        }
        if (payers.size() == std::exchange(named, payers_most) && payers.size() < payers_most) continue;  // others may pay
        const auto told = std::get<queue::Wait>(*answer);
        mark.set(told);
        co_await wait_for_quota(told);
        turn = co_await context_.turnstile.enter_again(std::move(turn), slice_class, stream_.name);
    }
    co_return std::nullopt;
}

// Nothing will be asked with it.
core::Task<> Walk::give_back(Grant grant) {
    queue::Settlement settlement;
    settlement.reservation = grant.granted.reservation;
    settlement.limits = grant.payer.limits;
    settlement.stream = stream_.name;
    settlement.refund = settlement.release_room = true;
    co_await settle(std::move(settlement));
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
    settlement.release_room = judgement.kind != Judgement::Kind::page &&
                              judgement.kind != Judgement::Kind::not_modified &&
                              judgement.kind != Judgement::Kind::ending;
    return settlement;
}

// A refusal holds back the account that was refused, by a settlement of its own: nullopt where
// there is none, or no limit that could hold the block.
std::optional<queue::Settlement> Walk::block_for(const Grant& grant, const Asked& asked,
                                                 const queue::Settlement& settlement) const {
    if (asked.judgement.kind != Judgement::Kind::rate_limited) return std::nullopt;
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

}  // namespace pawl::collector
