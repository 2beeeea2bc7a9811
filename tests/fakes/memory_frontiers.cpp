#include <algorithm>

#include "tests/fakes/memory_queue.hpp"

namespace pawl::test {

using core::Millis;
using core::SliceId;
using core::Task;
using queue::Advance;
using queue::OfferAnswer;

MemoryQueue::EntryId MemoryQueue::parse_entry(const std::string& entry) {
    if (entry.empty()) return {0, 0};
    const auto dash = entry.find('-');
    return {std::stoll(entry), dash == std::string::npos ? 0 : std::stoll(entry.substr(dash + 1))};
}

std::int64_t MemoryQueue::jobs() const {
    std::int64_t count = 0;
    for (const auto& shard : held.shards) count += static_cast<std::int64_t>(shard.size());
    return count;
}

std::int64_t MemoryQueue::reserved() {
    std::erase_if(held.rooms, [&](const auto& room) { return room.second.deadline <= now_us(); });
    std::int64_t bytes = 0;
    for (const auto& [id, room] : held.rooms) bytes += room.bytes;
    return bytes;
}

bool MemoryQueue::take_off(int shard, const std::string& entry, std::int64_t bytes) {
    auto& entries = held.shards.at(static_cast<std::size_t>(shard));
    if (entries.erase(parse_entry(entry)) == 0) return false;
    held.bytes = jobs() == 0 ? 0 : std::max<std::int64_t>(0, held.bytes - bytes);
    return true;
}

std::int64_t MemoryQueue::purge_chain(SliceId slice) {
    const auto chain = held.chains[slice];
    for (const auto& [previous, queued] : chain) {
        take_off(queued.shard, queued.entry, queued.bytes);
        held.starts.erase(queued.link);
    }
    held.chains.erase(slice);
    return static_cast<std::int64_t>(chain.size());
}

void MemoryQueue::drop_slice(SliceId slice) {
    purge_chain(slice);
    held.slices.erase(slice);
}

Task<std::optional<queue::Frontiers::Instance>> MemoryFrontiers::instance() {
    co_return queue_.held.instance;
}

Task<queue::Frontiers::Instance> MemoryFrontiers::adopt(core::Token instance, bool override_other, Past past) {
    auto& have = queue_.held.instance;
    if (!have || (have->instance != instance && override_other)) {
        have = Instance{instance, core::Token::random(queue_.random)};
        queue_.held.quiet_us = past == Past::none ? 0 : queue_.now_us();
    }
    co_return *have;
}

Task<std::vector<OfferAnswer>> MemoryFrontiers::offer(std::vector<queue::Offer> offers) {
    std::vector<OfferAnswer> answers;
    for (const auto& offer : offers) answers.push_back(offer_one(offer));
    co_return answers;
}

OfferAnswer MemoryFrontiers::offer_one(const queue::Offer& offer) {
    auto& held = queue_.held;
    const auto id = offer.slice.slice;
    const auto write_frontier = [&] {
        queue_.purge_chain(id);
        MemoryQueue::Slice slice;
        slice.seq = slice.ack = offer.tip.seq;
        slice.link = offer.tip.link;
        slice.cursor = offer.tip.cursor;
        slice.descriptor = offer.slice;
        slice.waits = true;
        slice.turn = ++held.turn;
        held.slices[id] = std::move(slice);
    };
    const auto found = held.slices.find(id);
    if (found == held.slices.end()) {
        const auto ended = held.ended.find(id);
        if (ended != held.ended.end() && ended->second.second > queue_.now_ms() &&
            ended->second.first > offer.tip.seq && !offer.force)
            return OfferAnswer::behind;
        write_frontier();
        return OfferAnswer::offered;
    }
    auto& slice = found->second;
    if (!offer.force && slice.ack > offer.tip.seq) return OfferAnswer::behind;
    const auto next = held.chains[id].find(offer.tip.link);
    if (next != held.chains[id].end()) {
        const auto& shard = held.shards.at(static_cast<std::size_t>(next->second.shard));
        if (shard.contains(MemoryQueue::parse_entry(next->second.entry))) return OfferAnswer::chained;
    }
    if (slice.link == offer.tip.link && !slice.done) {
        if (slice.nonce) return OfferAnswer::leased;
        if (slice.waits) return OfferAnswer::waiting;
        slice.waits = true;
        slice.turn = ++held.turn;
        return OfferAnswer::same;
    }
    write_frontier();
    return OfferAnswer::reseeded;
}

Task<std::vector<queue::Lease>> MemoryFrontiers::lease(std::string owner, std::size_t count,
                                                       Millis ttl) {
    // Lapsed leases, then offers of the live class, then the others; each in the order in which
    // they came.
    std::vector<std::tuple<int, std::int64_t, SliceId>> order;
    for (const auto& [id, slice] : queue_.held.slices) {
        if (slice.done) continue;
        if (slice.nonce && slice.expiry <= queue_.now_ms()) order.emplace_back(0, slice.expiry, id);
        if (slice.waits)
            order.emplace_back(1 + static_cast<int>(slice.descriptor.slice_class), slice.turn, id);
    }
    std::ranges::sort(order);
    order.resize(std::min(order.size(), count));
    std::vector<queue::Lease> leases;
    for (const auto& [rank, turn, id] : order) {
        auto& slice = queue_.held.slices.at(id);
        queue::Lease lease;
        lease.lapsed = slice.nonce && slice.owner != owner;
        slice.nonce = lease.nonce = core::Nonce::random(queue_.random);
        slice.owner = owner;
        slice.expiry = queue_.now_ms() + ttl.count();
        slice.waits = false;
        lease.slice = slice.descriptor;
        lease.seq = slice.seq;
        lease.link = slice.link;
        lease.cursor = slice.cursor;
        lease.attempts = slice.attempts;
        leases.push_back(std::move(lease));
    }
    co_return leases;
}

Task<std::vector<SliceId>> MemoryFrontiers::renew(
    std::vector<std::pair<SliceId, core::Nonce>> leases, Millis ttl) {
    std::vector<SliceId> lost;
    for (const auto& [id, nonce] : leases) {
        const auto found = queue_.held.slices.find(id);
        if (found != queue_.held.slices.end() && found->second.nonce == nonce) {
            found->second.expiry = queue_.now_ms() + ttl.count();
        } else {
            lost.push_back(id);
        }
    }
    co_return lost;
}

Task<> MemoryFrontiers::release(SliceId id, core::Nonce nonce) {
    const auto found = queue_.held.slices.find(id);
    if (found == queue_.held.slices.end() || found->second.nonce != nonce) co_return;
    found->second.nonce.reset();
    found->second.waits = true;
    found->second.turn = ++queue_.held.turn;
}

Task<std::int64_t> MemoryFrontiers::reclaim(std::string owner) {
    std::int64_t count = 0;
    for (auto& [id, slice] : queue_.held.slices) {
        if (!slice.nonce || slice.owner != owner) continue;
        slice.nonce.reset();
        slice.waits = true;
        slice.turn = 0;
        ++count;
    }
    co_return count;
}

Task<int> MemoryFrontiers::count_attempt(SliceId id, core::Nonce nonce) {
    const auto found = queue_.held.slices.find(id);
    if (found == queue_.held.slices.end()) co_return 0;
    if (found->second.nonce == nonce) ++found->second.attempts;
    co_return found->second.attempts;
}

Task<Advance> MemoryFrontiers::advance(core::Job job, core::Nonce nonce, std::string room,
                                       Millis ttl) {
    co_return advance_now(job, nonce, room, ttl);
}

Advance MemoryFrontiers::advance_now(const core::Job& job, core::Nonce nonce,
                                     const std::string& room, Millis ttl) {
    auto& held = queue_.held;
    const auto found = held.slices.find(job.slice);
    if (found == held.slices.end()) return Advance::fenced;
    auto& slice = found->second;
    const auto expiry = queue_.now_ms() + ttl.count();
    if (slice.link == job.link && slice.seq == job.seq) {
        if (slice.nonce == nonce) slice.expiry = expiry;
        return Advance::duplicate;
    }
    if (slice.nonce != nonce || slice.link != job.previous || slice.seq != job.seq - 1 ||
        slice.done) {
        return Advance::fenced;
    }
    queue::QueuedJob queued;
    queued.shard = queue::shard_of(job.slice);
    queued.envelope = job.encode_envelope();
    queued.body = job.body;
    const auto size = static_cast<std::int64_t>(queued.envelope.size() + queued.body.size());
    const auto reserved = queue_.reserved();
    const auto own = held.rooms.find(room);
    const bool pays = own != held.rooms.end();
    bool fits = queue_.jobs() == 0;
    if (pays) fits = fits || size <= own->second.bytes || held.bytes + size <= queue_.bytes_max;
    if (!pays) fits = fits || held.bytes + reserved + size <= queue_.bytes_max;
    if (!fits) return Advance::full;

    if (pays) held.rooms.erase(own);
    auto& last_entry = held.last_entry.at(static_cast<std::size_t>(queued.shard));
    const MemoryQueue::EntryId now(queue_.now_ms(), 0),
        next(last_entry.first, last_entry.second + 1);
    last_entry = std::max(now, next);
    queued.entry = std::to_string(last_entry.first) + "-" + std::to_string(last_entry.second);
    held.chains[job.slice][job.previous] = {queued.shard, queued.entry, size, job.link};
    held.bytes += size;
    held.shards.at(static_cast<std::size_t>(queued.shard)).emplace(last_entry, std::move(queued));
    slice.seq = job.seq;
    slice.link = job.link;
    slice.cursor = job.next_cursor;
    slice.attempts = 0;
    slice.expiry = expiry;
    slice.done = job.last;
    if (job.last) slice.nonce.reset();
    return Advance::ok;
}

Task<queue::FrontierTotals> MemoryFrontiers::totals() {
    queue::FrontierTotals totals;
    for (const auto& [id, slice] : queue_.held.slices) {
        if (slice.nonce) ++totals.leased;
        if (!slice.waits) continue;
        const bool is_live = slice.descriptor.slice_class == core::SliceClass::live;
        ++(is_live ? totals.offered_live : totals.offered_backfill);
    }
    co_return totals;
}

Task<std::vector<queue::FrontierView>> MemoryFrontiers::view(std::vector<SliceId> slices) {
    std::vector<queue::FrontierView> views;
    for (const auto id : slices) {
        queue::FrontierView view;
        view.slice = id;
        view.seq = -1;
        const auto found = queue_.held.slices.find(id);
        if (found != queue_.held.slices.end()) {
            view.seq = found->second.seq;
            view.link = found->second.link;
            view.done = found->second.done;
            view.leased = found->second.nonce.has_value();
            view.chained = static_cast<std::int64_t>(queue_.held.chains[id].size());
        }
        views.push_back(view);
    }
    co_return views;
}

Task<> MemoryFrontiers::forget(std::vector<SliceId> slices) {
    for (const auto id : slices) queue_.drop_slice(id);
    co_return;
}

}  // namespace pawl::test
