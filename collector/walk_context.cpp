#include "collector/walk_context.hpp"

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
