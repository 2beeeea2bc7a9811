// The arithmetic of queue/quota_scripts.hpp once more, in C++: its text explains it.
#include <algorithm>
#include <cmath>
#include <utility>

#include "tests/fakes/memory_queue.hpp"

namespace pawl::test {

using core::Millis;
using core::Task;
using queue::Granted;
using queue::LimitAsk;
using queue::Wait;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t flight_us = 120 * second, grace_us = 2 * second, margin = second, same_window = 2 * second;
constexpr std::int64_t poll = 100'000, probe_us = 10 * second, silent_max = 3;
constexpr Millis send_within{10'000};
constexpr std::int64_t milli = 1000, slots_start = 2, growth_s = 60;
constexpr double near_wall = 0.9, near_growth = 0.05;

std::int64_t rate_of(const LimitAsk& ask, const MemoryQueue::Ledger& q) {
    return std::min(q.rate.value_or(ask.start * milli), ask.count * milli);
}
std::int64_t slots_of(const LimitAsk& ask, const MemoryQueue::Ledger& q) {
    if (ask.concurrency <= 0 || ask.pace != queue::Pace::learned) return ask.concurrency;
    return std::clamp<std::int64_t>(q.slots.value_or(slots_start * milli) / milli, 1, ask.concurrency);
}
LimitAsk ask_of(const MemoryQueue::Ledger& q) {
    LimitAsk ask;
    ask.count = q.count;
    ask.period_us = q.period;
    ask.burst = q.burst;
    ask.pace = q.pace;
    ask.concurrency = q.concurrency;
    return ask;
}

struct Spacing {
    std::int64_t step, burst;
};
Spacing spacing(const LimitAsk& ask, const MemoryQueue::Ledger& q) {
    const auto burst = std::max<std::int64_t>(1, std::min(std::max(ask.burst_used(), ask.cost), ask.count));
    const auto up = [](std::int64_t a, std::int64_t b) { return (a + b - 1) / b; };
    if (ask.pace == queue::Pace::learned) return {up(ask.period_us * milli, rate_of(ask, q)), burst};
    if (ask.pace == queue::Pace::bucket) return {up(ask.period_us, ask.count), burst};
    return {up(ask.period_us + ask.guard_us(), ask.count - burst + 1) + 1, burst};
}

std::int64_t units_of(const MemoryQueue::Ledger& ledger) {
    std::int64_t units = 0;
    for (const auto& [reservation, flight] : ledger.flight) units += flight.cost;
    return units;
}

/// What queue/redis_quota.cpp hands to the script.
void bound_costs(std::vector<LimitAsk>& limits) {
    for (auto& limit : limits)
        limit.cost = std::clamp(limit.cost, std::int64_t{0}, std::max(limit.count, std::int64_t{1}));
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
    found.concurrency = ask.concurrency;
    mend_reset(found);
    return found;
}

// A clock that was set back: no window lasts longer than two of its periods.
void MemoryQuota::mend_reset(MemoryQueue::Ledger& q) const {
    if (q.pace == queue::Pace::told && q.reset && *q.reset > queue_.now_us() + 2 * q.period)
        q.reset = queue_.now_us() + q.period;
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

void MemoryQuota::add_late(const LimitAsk& limit, MemoryQueue::Ledger& q, std::int64_t units) const {
    q.late = late(limit, q) + units;
    q.late_us = queue_.now_us();
}

std::optional<std::int64_t> MemoryQuota::ask(const LimitAsk& limit, MemoryQueue::Ledger& q) {
    const auto now = queue_.now_us();
    const auto requests = in_flight(q);
    const auto flying = units_of(q);
    if (q.blocked > now) return q.blocked;
    if (limit.concurrency > 0 && requests >= slots_of(limit, q)) return now + poll;
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
        if (!is_same) close_window(q);
        q.late = is_same ? late(limit, q) : 0;
        q.used = used + cost;
        q.reset = ends;
        return std::nullopt;
    }
    if (limit.pace != queue::Pace::told) {
        const auto [step, burst] = spacing(limit, q);
        const auto free = (burst - cost) * step;
        const auto quiet = std::max(queue_.held.last_us, queue_.held.quiet_us.value_or(now));
        const auto unknown = std::min(now + free, quiet + burst * step);
        const auto oldest = now + burst * step + limit.period_us;
        if (q.tat && *q.tat > oldest) queue_.held.ledgers[{limit.name, limit.owner}].tat = q.tat = oldest;
        const auto tat = std::max(q.tat.value_or(unknown), now);
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
        close_window(q);
        q.blind = late(limit, q);
        q.late = 0;
        q.used = flying + q.blind;
        q.reset = now + limit.period_us;
        q.assumed = true;
        q.seen.reset();
        q.dead = 0;
    }
    q.used += cost;
    return std::nullopt;
}

// What the process before it in this slot had in flight is over soon.
void MemoryQuota::end_flights_before() {
    const auto soon = queue_.now_us() + grace_us;
    for (auto& [key, ledger] : queue_.held.ledgers)
        for (auto& [id, flight] : ledger.flight)
            if (flight.slot == slot_) flight.deadline = std::min(flight.deadline, soon);
    for (auto& [id, room] : queue_.held.rooms)
        if (room.slot == slot_) room.deadline = std::min(room.deadline, soon);
}

// Work waits that these limits do not hold up: what they have left when their window ends lapses.
void MemoryQuota::note_wanted(std::vector<MemoryQueue::Ledger>& asked) {
    for (const auto& one : asked) {
        auto& q = queue_.held.ledgers[{one.name, one.owner}];
        const bool is_window = q.pace == queue::Pace::told || q.pace == queue::Pace::fixed;
        if (is_window && q.reset && queue_.now_us() < *q.reset) q.wanted = true;
    }
}

void MemoryQuota::close_window(MemoryQueue::Ledger& q) const {
    ++q.window;
    const bool wanted = std::exchange(q.wanted, false);
    if (!q.reset) return;
    const auto limit = q.limit.value_or(q.count);
    const auto& slices = queue_.held.slices;
    const bool waits = wanted || (queue_.now_us() < *q.reset + 5 * second &&
                                  std::any_of(slices.begin(), slices.end(),
                                              [](const auto& one) { return one.second.waits; }));
    q.last_used = std::min(q.used, limit);
    q.last_limit = limit;
    if (waits) q.lapsed += limit - q.last_used;
}

Task<std::variant<Granted, Wait>> MemoryQuota::reserve(std::vector<queue::Payer> payers,
                                                       std::size_t room_bytes) {
    auto& held = queue_.held;
    const auto now = queue_.now_us();
    if (!std::exchange(has_asked_, true) && !slot_.empty()) end_flights_before();
    for (auto& payer : payers) bound_costs(payer.limits);
    std::variant<Granted, Wait> answer;
    std::optional<std::int64_t> earliest;
    Wait wait{Millis(1000), "no payer", ""};
    std::vector<MemoryQueue::Ledger> changes;
    std::optional<std::size_t> chosen;
    std::vector<MemoryQueue::Ledger> held_up;
    for (std::size_t i = 0; i < payers.size() && !chosen; ++i) {
        std::optional<std::int64_t> latest;
        std::string reason;
        changes.clear();
        if (held.quarantine.contains(payers[i].key)) {
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
        if (latest) held_up.insert(held_up.end(), changes.begin(), changes.end());
        if (latest && (!earliest || *latest < *earliest)) {
            earliest = latest;
            wait.retry_in = Millis(std::max<std::int64_t>(1, (*latest - now + 999) / 1000));
            wait.reason = reason;
            wait.owner = payers[i].owner;
        }
    }
    if (!chosen) {
        note_wanted(held_up);
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
            note_wanted(changes);
            wait.retry_in = Millis(poll / 1000);
            wait.reason = "room";
            wait.owner = "";
            answer = std::move(wait);
            co_return answer;
        }
        held.rooms[granted.reservation] = {wanted, now + flight_us, slot_};
    }
    const auto deadline = queue_.now_us() + flight_us;  // not before what ask() wrote, where the clock runs on
    for (std::size_t i = 0; i < changes.size(); ++i) {
        auto& changed = changes[i];
        changed.flight[granted.reservation] = {deadline, payers[*chosen].limits[i].cost, slot_};
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

void MemoryQuota::settle_told(const LimitAsk& ask, MemoryQueue::Ledger& q, bool paid, std::int64_t granted_us,
                              std::int64_t units, const queue::LimitFeedback& told) {
    const auto now = queue_.now_us();
    const bool is_placed = told.remaining && told.reset_at_us;
    if (paid && !is_placed && q.reset && now >= *q.reset - same_window) add_late(ask, q, units);
    if (told.limit) q.limit = std::max<std::int64_t>(1, scaled(*told.limit, 1 - ask.reserve));
    if (!told.remaining) {
        if (!paid) return;
        if (q.assumed && q.blind == 0 && !q.seen) q.reset = now + ask.period_us;
        q.blind += units;
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
    if (is_newer) close_window(q);
    if (is_newer || !q.reset) {
        q.blind = q.dead = 0;
        q.seen = seen;
    } else {
        q.seen = std::max(q.seen.value_or(0), seen);
    }
    if (q.dead > 0 && granted_us > q.dead_us) {
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

void MemoryQuota::learn(const LimitAsk& ask, MemoryQueue::Ledger& q, const queue::Settlement& settlement,
                        std::int64_t flying_before) const {
    const auto now = queue_.now_us();
    const auto rate = rate_of(ask, q), slots = q.slots.value_or(slots_start * milli);
    const auto latency = std::max<std::int64_t>(0, settlement.latency_us);
    if (settlement.signal == queue::Signal::trouble) {
        if (q.halved && now - latency <= *q.halved) return;
        q.rate = std::max(std::max<std::int64_t>(1, ask.start * milli / 10), rate / 2);
        q.wall = rate;
        q.slots = std::max(milli, slots / 2);
        q.halved = q.grown = now;
        return;
    }
    if (settlement.signal != queue::Signal::clean) return;
    const auto latency_now = static_cast<double>(latency);
    const double quick = std::min(q.quick ? *q.quick * 1.001 : latency_now, latency_now);
    const auto passed = std::min<std::int64_t>(second, now - q.grown.value_or(now - second));
    q.quick = std::ceil(quick);
    q.grown = now;
    if (latency_now > 2 * quick + 50'000) return;
    const double ceiling = static_cast<double>(ask.count * milli);
    double growth = ceiling / growth_s * static_cast<double>(passed) / second;
    if (q.wall && static_cast<double>(rate) > near_wall * static_cast<double>(*q.wall)) growth *= near_growth;
    const auto open = slots_of(ask, q);
    if (ask.count > 0 && q.tat && *q.tat > now)
        q.rate = std::llround(std::min(ceiling, static_cast<double>(rate) + std::max(1.0, growth)));
    if (ask.concurrency > 0 && flying_before >= open)
        q.slots = std::llround(std::min(static_cast<double>(ask.concurrency * milli),
                                        static_cast<double>(slots) + 1e6 / static_cast<double>(slots)));
}

Task<> MemoryQuota::settle(queue::Settlement settlement) {
    const auto now = queue_.now_us();
    bound_costs(settlement.limits);
    for (const auto& limit : settlement.limits) {
        auto& q = ledger(limit);
        const auto flying_before = in_flight(q);
        const auto found = q.flight.find(settlement.reservation);
        const bool was_flying = found != q.flight.end();
        const auto granted_us = was_flying ? found->second.deadline - flight_us : 0;
        if (was_flying) q.flight.erase(found);
        queue::LimitFeedback told;
        for (const auto& one : settlement.feedback) {
            if (one.name == limit.name && one.owner == limit.owner) told = one;
        }
        const auto units = settlement.refund ? 0 : std::max<std::int64_t>(0, told.cost.value_or(limit.cost));
        const auto more = was_flying ? units - limit.cost : 0;
        const bool is_window = limit.pace == queue::Pace::told || limit.pace == queue::Pace::fixed;
        if (limit.count > 0) {
            if (limit.pace == queue::Pace::fixed && was_flying && !settlement.refund && q.reset &&
                now >= *q.reset - limit.guard_us())
                add_late(limit, q, units);
            const bool is_over = limit.pace == queue::Pace::fixed && (!q.reset || now >= *q.reset);
            if (is_window && more != 0 && !is_over) q.used = std::max<std::int64_t>(0, q.used + more);
            if (!is_window && q.tat && more > 0) q.tat = *q.tat + more * spacing(limit, q).step;
            if (!is_window && q.tat && more < 0 && granted_us >= q.since.value_or(now)) {
                const auto back = std::min(-more * spacing(limit, q).step, q.slack);
                q.tat = *q.tat - back;
                q.slack -= back;
            }
            if (limit.pace == queue::Pace::told)
                settle_told(limit, q, was_flying && !settlement.refund, granted_us, units, told);
            if (was_flying && units > 0 && !settlement.stream.empty()) {
                const auto window = is_window ? q.window : now / limit.period_us;
                auto& [of, spent] = q.spent[settlement.stream];
                spent = (of == window ? spent : 0) + units;
                of = window;
            }
        }
        if (limit.pace == queue::Pace::learned && was_flying) learn(limit, q, settlement, flying_before);
        if (settlement.block) {
            q.kept = true;
            q.blocked = std::max(q.blocked, now + settlement.block->count() * 1000);
        }
    }
    if (settlement.release_room) queue_.held.rooms.erase(settlement.reservation);
    co_return;
}

Task<> MemoryQuota::quarantine(std::string key, std::string reason) {
    queue_.held.quarantine[key] = reason;
    co_return;
}

Task<std::map<std::string, std::string>> MemoryQuota::quarantined() {
    auto refused = queue_.held.quarantine;
    co_return refused;
}

Task<> MemoryQuota::unquarantine(std::string key) {
    queue_.held.quarantine.erase(key);
    co_return;
}

Task<queue::Weights> MemoryQuota::weights() {
    auto weights = queue_.held.weights;
    co_return weights;
}

Task<> MemoryQuota::set_weight(core::SliceClass slice_class, std::int64_t weight) {
    queue_.held.weights[slice_class] = std::clamp<std::int64_t>(weight, 1, queue::weight_max);
    co_return;
}

Task<std::map<std::string, std::string>> MemoryQuota::owners() {
    auto known = queue_.held.owners;
    co_return known;
}

Task<> MemoryQuota::set_owner(std::string fingerprint, std::string owner) {
    queue_.held.owners[fingerprint] = owner;
    co_return;
}

Task<std::vector<queue::LimitView>> MemoryQuota::view() {
    const auto now = queue_.now_us();
    std::vector<queue::LimitView> views;
    for (auto& [key, q] : queue_.held.ledgers) {
        if (!q.kept) continue;
        mend_reset(q);
        queue::LimitView view;
        const auto ask = ask_of(q);
        view.name = q.name;
        view.owner = q.owner;
        view.pace = q.pace;
        view.period_us = q.period;
        view.in_flight = in_flight(q);
        view.concurrency = slots_of(ask, q);
        view.limit = q.limit.value_or(q.count);
        view.used = view.in_flight;
        view.lapsed = q.lapsed;
        view.last_used = q.last_used;
        view.last_limit = q.last_limit;
        std::int64_t reset = 0;
        const bool is_window = q.pace == queue::Pace::told || q.pace == queue::Pace::fixed;
        const bool is_open = is_window && q.reset && now < *q.reset + margin;
        if (q.count > 0 && is_open) {
            view.used = q.used;
            reset = *q.reset - now;
        } else if (q.count > 0 && !is_window) {
            const auto [step, burst] = spacing(ask, q);
            reset = std::max<std::int64_t>(0, q.tat.value_or(now) - now);
            view.limit = burst;
            view.used = std::min(burst, (reset + step - 1) / step);
            if (q.pace == queue::Pace::learned) {
                view.limit = (rate_of(ask, q) + milli - 1) / milli;
                view.used = 0;
            }
        }
        std::int64_t ours = 0;
        const auto window = is_window ? q.window : q.period > 0 ? now / q.period : 0;
        for (const auto& [stream, spent] : q.spent) {
            if (spent.first != window || (is_window && !is_open)) continue;
            view.spent[stream] = spent.second;
            ours += spent.second;
        }
        if (q.pace == queue::Pace::told && is_open)
            view.others = std::max<std::int64_t>(0, q.seen.value_or(0) - ours - view.in_flight);
        view.blocked = q.blocked > now;
        if (view.blocked) reset = q.blocked - now;
        view.remaining = std::max<std::int64_t>(0, view.limit - view.used);
        view.reset_seconds = static_cast<double>(std::max<std::int64_t>(0, reset)) / 1e6;
        views.push_back(std::move(view));
    }
    co_return views;
}

}  // namespace pawl::test
