// The arithmetic of queue/quota_scripts.hpp once more, in C++: its text explains it.
#include <algorithm>
#include <cmath>

#include "tests/fakes/memory_queue.hpp"

namespace pawl::test {

using core::Millis;
using core::Task;
using queue::Granted;
using queue::LimitAsk;
using queue::Wait;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t flight_us = 120 * second, margin = second, same_window = 2 * second;
constexpr std::int64_t poll = 100'000, probe_us = 10 * second, silent_max = 3;
constexpr Millis send_within{10'000};

struct Spacing {
    std::int64_t step, burst;
};
Spacing spacing(const LimitAsk& ask) {
    const auto burst = std::max<std::int64_t>(1, std::min(std::max(ask.burst_used(), ask.cost), ask.count));
    if (ask.pace == queue::Pace::bucket) return {(ask.period_us + ask.count - 1) / ask.count, burst};
    const auto slots = ask.count - burst + 1;
    return {(ask.period_us + ask.guard_us() + slots - 1) / slots + 1, burst};
}

std::int64_t units_of(const MemoryQueue::Ledger& ledger) {
    std::int64_t units = 0;
    for (const auto& [reservation, flight] : ledger.flight) units += flight.cost;
    return units;
}

std::int64_t scaled(std::int64_t count, double share) {
    return static_cast<std::int64_t>(std::floor(static_cast<double>(count) * share + 1e-9));
}

}  // namespace

MemoryQueue::Ledger& MemoryQuota::ledger(const LimitAsk& ask) {
    auto& found = queue_.held.ledgers[{ask.name, ask.owner}];
    found.name = ask.name;
    found.owner = ask.owner;
    found.count = ask.count;
    found.period = ask.period_us;
    found.burst = ask.burst;
    found.pace = ask.pace;
    if (ask.pace == queue::Pace::told && found.reset && *found.reset > queue_.now_us() + 2 * ask.period_us) {
        found.reset = queue_.now_us() + ask.period_us;
    }
    return found;
}

std::int64_t MemoryQuota::in_flight(MemoryQueue::Ledger& ledger) const {
    const auto units = units_of(ledger);
    std::erase_if(ledger.flight, [&](const auto& one) { return one.second.deadline <= queue_.now_us(); });
    const auto dead = units - units_of(ledger);
    ledger.blind += dead;
    ledger.dead += dead;
    if (dead > 0) ledger.dead_us = queue_.now_us();
    return static_cast<std::int64_t>(ledger.flight.size());
}

std::int64_t MemoryQuota::late(const LimitAsk& limit, const MemoryQueue::Ledger& q) const {
    return q.late_us > 0 && queue_.now_us() < q.late_us + limit.period_us + margin ? q.late : 0;
}

void MemoryQuota::add_late(const LimitAsk& limit, MemoryQueue::Ledger& q) const {
    q.late = late(limit, q) + limit.cost;
    q.late_us = queue_.now_us();
}

std::optional<std::int64_t> MemoryQuota::ask(const LimitAsk& limit, MemoryQueue::Ledger& q) {
    const auto now = queue_.now_us();
    const auto requests = in_flight(q);
    const auto flying = units_of(q);
    if (q.blocked > now) return q.blocked;
    if (limit.concurrency > 0 && requests >= limit.concurrency) return now + poll;
    if (limit.count <= 0) return std::nullopt;
    const auto cost = std::min(limit.cost, q.limit.value_or(limit.count));
    if (limit.pace == queue::Pace::fixed) {
        const auto guard = limit.guard_us();
        auto ends = now < limit.ends_us + guard ? limit.ends_us : limit.next_ends_us;
        if (now >= ends + guard) ends = now + limit.period_us;
        if (now >= ends - guard) return ends + guard;
        const bool is_same = q.reset == ends;
        const auto used = is_same ? q.used : flying + late(limit, q);
        if (used > 0 && used + cost > limit.count) return ends + guard;
        q.late = is_same ? late(limit, q) : 0;
        q.used = used + cost;
        q.reset = ends;
        return std::nullopt;
    }
    if (limit.pace != queue::Pace::told) {
        const auto [step, burst] = spacing(limit);
        const auto free = (burst - cost) * step;
        const auto quiet = std::max(queue_.held.last_us, queue_.held.quiet_us.value_or(now));
        const auto unknown = std::min(now + free, quiet + burst * step);
        const auto tat = std::clamp(q.tat.value_or(unknown), now, now + burst * step);
        if (tat - now > free) return tat - free;
        if (cost == 0) return std::nullopt;
        const bool is_fresh = !q.since || tat - now < step;
        q.slack = is_fresh ? burst * step : std::min(q.slack, tat - now);
        if (is_fresh) q.since = now;
        q.tat = tat + cost * step;
        return std::nullopt;
    }
    const bool is_over = !q.reset || now >= *q.reset + margin;
    const auto most = q.limit.value_or(limit.count);
    if (!q.known) {
        if (requests > 0 && q.probe > now) return std::min(q.probe, now + poll);
        q.probe = now + probe_us;
    } else if (is_over) {
        if (flying + late(limit, q) + cost > most) return now + poll;
    } else if (q.used + cost > most) {
        return *q.reset + margin;
    }
    if (is_over) {
        q.blind = late(limit, q);
        q.late = 0;
        q.used = flying + q.blind;
        q.reset = now + limit.period_us;
        q.assumed = true;
        q.seen.reset();
        q.dead = 0;
    } else if (!q.known) {
        q.late = late(limit, q);
    }
    q.used += cost;
    return std::nullopt;
}

Task<std::variant<Granted, Wait>> MemoryQuota::reserve(std::vector<queue::Payer> payers,
                                                       std::size_t room_bytes) {
    auto& held = queue_.held;
    const auto now = queue_.now_us();
    std::variant<Granted, Wait> answer;
    std::optional<std::int64_t> earliest;
    Wait wait{Millis(1000), "no payer", ""};
    std::vector<MemoryQueue::Ledger> changes;
    std::optional<std::size_t> chosen;
    for (std::size_t i = 0; i < payers.size() && !chosen; ++i) {
        std::optional<std::int64_t> latest;
        std::string reason;
        changes.clear();
        if (held.quarantine.contains(payers[i].owner)) {
            latest = now + 5 * second;
            reason = "quarantine";
        }
        for (const auto& limit : payers[i].limits) {
            if (reason == "quarantine") break;
            auto changed = ledger(limit);
            const auto at = ask(limit, changed);
            if (at && (!latest || *at > *latest)) {
                latest = at;
                reason = limit.name;
            }
            changes.push_back(std::move(changed));
        }
        if (!latest) chosen = i;
        if (latest && (!earliest || *latest < *earliest)) {
            earliest = latest;
            wait.retry_in = Millis(std::max<std::int64_t>(1, (*latest - now + 999) / 1000));
            wait.reason = reason;
            wait.owner = payers[i].owner;
        }
    }
    if (!chosen) {
        answer = std::move(wait);
        co_return answer;
    }
    Granted granted;
    granted.reservation = core::Token::random(queue_.random).str();
    if (room_bytes > 0) {
        const auto wanted = static_cast<std::int64_t>(room_bytes);
        const auto reserved = queue_.reserved();
        const bool is_empty = queue_.jobs() == 0 && reserved == 0;
        if (!is_empty && held.bytes + reserved + wanted > queue_.bytes_max) {
            wait.retry_in = Millis(poll / 1000);
            wait.reason = "room";
            wait.owner = "";
            answer = std::move(wait);
            co_return answer;
        }
        held.rooms[granted.reservation] = {wanted, now + flight_us};
    }
    const auto deadline = queue_.now_us() + flight_us;  // not before what ask() wrote, where the clock runs on
    for (std::size_t i = 0; i < changes.size(); ++i) {
        auto& changed = changes[i];
        changed.flight[granted.reservation] = {deadline, payers[*chosen].limits[i].cost};
        const std::pair<std::string, std::string> key(changed.name, changed.owner);
        changed.kept = true;
        held.ledgers[key] = std::move(changed);
    }
    held.last_us = std::max(now, held.last_us + 1);
    granted.payer = *chosen;
    granted.at_us = held.last_us;
    granted.deadline = send_within;
    answer = std::move(granted);
    co_return answer;
}

void MemoryQuota::settle_window(const LimitAsk& ask, MemoryQueue::Ledger& q, bool was_flying,
                                std::int64_t granted_us, bool refund,
                                const queue::LimitFeedback& told) {
    const auto now = queue_.now_us();
    const bool is_placed = told.remaining && told.reset_at_us;
    if (was_flying && !refund && !is_placed && q.reset && now >= *q.reset - same_window) add_late(ask, q);
    if (was_flying && refund) q.used = std::max<std::int64_t>(0, q.used - ask.cost);
    if (told.limit) q.limit = std::max<std::int64_t>(1, scaled(*told.limit, 1 - ask.reserve));
    if (!told.remaining) {
        if (!was_flying || refund) return;
        if (q.assumed && q.blind == 0 && !q.seen) q.reset = now + ask.period_us;
        q.blind += ask.cost;
        if (++q.silent >= silent_max) q.known = true;
        return;
    }
    const auto raw =
        told.limit.value_or(std::llround(static_cast<double>(ask.count) / (1 - ask.reserve)));
    const auto seen = std::max<std::int64_t>(0, raw - *told.remaining);
    const auto& reset = told.reset_at_us;
    const bool is_over = reset ? *reset + margin <= now : q.reset && *q.reset + margin <= now;
    if (is_over) return;
    const bool compares = reset && q.reset && !q.assumed;
    const bool is_newer = compares && *reset > *q.reset + same_window;
    const bool is_older = compares && *reset < *q.reset - same_window;
    q.known = true;
    q.silent = 0;
    if (is_older) return;
    if (is_newer || !q.reset) {
        q.blind = q.dead = 0;
        q.seen = seen;
    } else {
        q.seen = std::max(q.seen.value_or(0), seen);
    }
    if (was_flying && q.dead > 0 && granted_us > q.dead_us) {
        q.blind = std::max<std::int64_t>(0, q.blind - q.dead);
        q.dead = 0;
    }
    if (reset) {
        q.reset = compares && !is_newer ? std::max(*q.reset, *reset) : *reset;
        q.assumed = false;
    } else if (!q.reset) {
        q.reset = now + ask.period_us;
        q.assumed = true;
    }
    q.used = *q.seen + q.blind + units_of(q);
}

Task<> MemoryQuota::settle(queue::Settlement settlement) {
    for (const auto& limit : settlement.limits) {
        auto& q = ledger(limit);
        const auto found = q.flight.find(settlement.reservation);
        const bool was_flying = found != q.flight.end();
        const auto granted_us = was_flying ? found->second.deadline - flight_us : 0;
        if (was_flying) q.flight.erase(found);
        in_flight(q);
        queue::LimitFeedback told;
        for (const auto& one : settlement.feedback) {
            if (one.name == limit.name && one.owner == limit.owner) told = one;
        }
        const auto now = queue_.now_us();
        const bool refunded = limit.count > 0 && was_flying && settlement.refund;
        if (limit.count > 0 && limit.pace == queue::Pace::told) {
            settle_window(limit, q, was_flying, granted_us, settlement.refund, told);
        } else if (limit.count > 0 && was_flying && limit.pace == queue::Pace::fixed) {
            if (!refunded && q.reset && now >= *q.reset - limit.guard_us()) add_late(limit, q);
            if (refunded && q.reset && now < *q.reset) q.used = std::max<std::int64_t>(0, q.used - limit.cost);
        } else if (refunded && q.tat && granted_us >= q.since.value_or(now)) {
            const auto back = std::min(limit.cost * spacing(limit).step, q.slack);
            q.tat = *q.tat - back;
            q.slack -= back;
        }
        if (settlement.block) {
            q.kept = true;
            q.blocked = std::max(q.blocked, queue_.now_us() + settlement.block->count() * 1000);
        }
    }
    if (settlement.release_room) queue_.held.rooms.erase(settlement.reservation);
    co_return;
}

Task<> MemoryQuota::quarantine(std::string owner, std::string reason) {
    queue_.held.quarantine[owner] = reason;
    co_return;
}

Task<std::vector<std::string>> MemoryQuota::quarantined() {
    std::vector<std::string> owners;
    for (const auto& [owner, reason] : queue_.held.quarantine) owners.push_back(owner);
    co_return owners;
}

Task<> MemoryQuota::unquarantine(std::string owner) {
    queue_.held.quarantine.erase(owner);
    co_return;
}

Task<std::vector<queue::LimitView>> MemoryQuota::view() {
    const auto now = queue_.now_us();
    std::vector<queue::LimitView> views;
    for (auto& [key, q] : queue_.held.ledgers) {
        if (!q.kept) continue;
        queue::LimitView view;
        view.name = q.name;
        view.owner = q.owner;
        view.in_flight = in_flight(q);
        view.limit = q.limit.value_or(q.count);
        view.used = view.in_flight;
        std::int64_t reset = 0;
        const bool is_window = q.pace == queue::Pace::told || q.pace == queue::Pace::fixed;
        if (q.count > 0 && is_window && q.reset && now < *q.reset + margin) {
            view.used = q.used;
            reset = *q.reset - now;
        } else if (q.count > 0 && !is_window) {
            LimitAsk asked;
            asked.pace = q.pace;
            asked.count = q.count;
            asked.period_us = q.period;
            asked.burst = q.burst;
            const auto [step, burst] = spacing(asked);
            reset = std::max<std::int64_t>(0, q.tat.value_or(now) - now);
            view.limit = burst;
            view.used = std::min(burst, (reset + step - 1) / step);
        }
        view.blocked = q.blocked > now;
        if (view.blocked) reset = q.blocked - now;
        view.remaining = std::max<std::int64_t>(0, view.limit - view.used);
        view.reset_seconds = static_cast<double>(std::max<std::int64_t>(0, reset)) / 1e6;
        views.push_back(std::move(view));
    }
    co_return views;
}

}  // namespace pawl::test
