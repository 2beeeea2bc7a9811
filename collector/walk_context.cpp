#include "collector/walk_context.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "core/log.hpp"

namespace pawl::collector {

namespace {

constexpr core::Micros stop_step = std::chrono::milliseconds(250);

}  // namespace

core::Task<bool> WalkContext::pause(core::SliceId slice, core::Nonce nonce, core::Micros wait) {
    while (wait.count() > 0 && may_walk(slice, nonce)) {
        const core::Micros now = std::min(wait, stop_step);
        co_await ports.clock.sleep(now);
        wait -= now;
    }
    co_return may_walk(slice, nonce);
}

bool WalkContext::may_walk(core::SliceId slice, core::Nonce nonce) const {
    if (stopping) return false;
    const auto found = held.find(slice);
    return found != held.end() && found->second.nonce == nonce && !found->second.lost;
}

core::Task<bool> WalkContext::is_ours(core::SliceId slice, core::Nonce nonce) {
    if (!may_walk(slice, nonce)) co_return false;
    // Time enough for the next renewal, which comes each third of a lease.
    const core::Micros margin = options.lease / 3;
    if (ports.clock.steady() + margin < find(slice, nonce)->ours_until) co_return true;
    const auto asked_at = ports.clock.steady();
    std::vector<core::SliceId> lost;
    std::string trouble;
    try {
        std::vector<std::pair<core::SliceId, core::Nonce>> this_one{{slice, nonce}};
        lost = co_await ports.frontiers.renew(std::move(this_one), options.lease);
    } catch (const core::TransientError& error) {
        trouble = error.what();
    }
    saw_redis(trouble.empty(), trouble);
    if (!trouble.empty()) co_return false;
    if (lost.empty()) note_ours(slice, nonce, asked_at);
    else note_lost(slice, nonce);
    const auto* lease = find(slice, nonce);
    co_return lease && !lease->lost && ports.clock.steady() + margin < lease->ours_until;
}

void WalkContext::note_ours(core::SliceId slice, core::Nonce nonce, core::SteadyTime asked_at) {
    auto* lease = find(slice, nonce);
    if (lease) lease->ours_until = std::max(lease->ours_until, asked_at + core::Micros(options.lease));
}

// A walk may have ended, and the slice come back under another nonce, while Redis was asked.
void WalkContext::note_lost(core::SliceId slice, core::Nonce nonce) {
    auto* lease = find(slice, nonce);
    if (!lease || lease->lost) return;
    lease->lost = true;
    core::log::info("Lease lost, its request may be made again", {{"source", source_name},
                                                                  {"stream", lease->stream},
                                                                  {"slice", slice},
                                                                  {"seq", lease->seq},
                                                                  {"reason", "another collector has it"}});
}

HeldLease* WalkContext::find(core::SliceId slice, core::Nonce nonce) {
    const auto found = held.find(slice);
    return found != held.end() && found->second.nonce == nonce ? &found->second : nullptr;
}

void WalkContext::note_redis_time(std::int64_t at_us) {
    redis_us_ = at_us;
    redis_seen_at_ = ports.clock.steady();
}

std::int64_t WalkContext::redis_now_us() const {
    if (redis_us_ == 0) return 0;
    return redis_us_ +
           std::chrono::duration_cast<core::Micros>(ports.clock.steady() - redis_seen_at_).count();
}

void WalkContext::saw_redis(bool answers, const std::string& reason) {
    if (answers == redis_up_) return;
    redis_up_ = answers;
    if (answers)
        core::log::info("Redis answers again", {{"source", source_name}});
    else
        core::log::warn("Redis does not answer, nothing is asked until it does",
                        {{"source", source_name}, {"error", reason}});
}

}  // namespace pawl::collector
