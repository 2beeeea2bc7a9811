#include <algorithm>
#include <cmath>

#include "tests/fakes/memory_queue.hpp"

namespace pawl::test {

using core::Millis;
using core::Task;
using queue::QueuedJob;

namespace {

constexpr Millis look_again{50};  // while a read waits

}  // namespace

Task<std::vector<int>> MemoryPageQueue::hold_shards(core::Nonce worker, Millis ttl) {
    auto& held = queue_.held;
    const auto now = queue_.now_ms();
    const auto expiry = now + ttl.count();
    held.workers[worker] = expiry;
    std::erase_if(held.workers, [&](const auto& one) { return one.second <= now; });
    const auto live = std::max<std::size_t>(1, held.workers.size());
    const auto fair = (held.holders.size() + live - 1) / live;
    std::vector<int> mine, free;
    for (std::size_t p = 0; p < held.holders.size(); ++p) {
        const auto& holder = held.holders[p];
        if (holder && holder->first == worker) {
            mine.push_back(static_cast<int>(p));
        } else if (!holder || holder->second <= now) {
            free.push_back(static_cast<int>(p));
        }
    }
    while (mine.size() > fair) {
        held.holders.at(static_cast<std::size_t>(mine.back())).reset();
        mine.pop_back();
    }
    for (const int p : free) {
        if (mine.size() < fair) mine.push_back(p);
    }
    for (const int p : mine) held.holders.at(static_cast<std::size_t>(p)) = {worker, expiry};
    co_return mine;
}

Task<> MemoryPageQueue::release_shards(core::Nonce worker) {
    for (auto& holder : queue_.held.holders) {
        if (holder && holder->first == worker) holder.reset();
    }
    queue_.held.workers.erase(worker);
    co_return;
}

std::vector<QueuedJob> MemoryPageQueue::read_now(const std::map<int, std::string>& after,
                                                 std::size_t jobs_max,
                                                 std::size_t bytes_max) const {
    std::vector<QueuedJob> jobs;
    std::size_t bytes = 0;
    for (const auto& [shard, entry] : after) {
        const auto& entries = queue_.held.shards.at(static_cast<std::size_t>(shard));
        for (auto at = entries.upper_bound(MemoryQueue::parse_entry(entry)); at != entries.end(); ++at) {
            const auto size = at->second.envelope.size() + at->second.body.size();
            if (!jobs.empty() && (jobs.size() >= jobs_max || bytes + size > bytes_max)) return jobs;
            bytes += size;
            jobs.push_back(at->second);
        }
    }
    return jobs;
}

Task<std::vector<QueuedJob>> MemoryPageQueue::read(std::map<int, std::string> after,
                                                   std::size_t jobs_max, std::size_t bytes_max,
                                                   Millis wait) {
    auto jobs = read_now(after, jobs_max, bytes_max);
    const auto end = queue_.clock.steady() + wait;
    while (jobs.empty() && queue_.clock.steady() < end) {
        co_await queue_.clock.sleep(look_again);
        jobs = read_now(after, jobs_max, bytes_max);
    }
    co_return jobs;
}

Task<std::vector<std::string>> MemoryPageQueue::oldest(int shard, std::size_t count) {
    std::vector<std::string> entries;
    for (const auto& [id, job] : queue_.held.shards.at(static_cast<std::size_t>(shard))) {
        if (entries.size() < count) entries.push_back(job.entry);
    }
    co_return entries;
}

Task<std::optional<QueuedJob>> MemoryPageQueue::fetch(int shard, std::string entry) {
    const auto& entries = queue_.held.shards.at(static_cast<std::size_t>(shard));
    const auto found = entries.find(MemoryQueue::parse_entry(entry));
    if (found == entries.end()) co_return std::nullopt;
    co_return found->second;
}

Task<std::vector<int>> MemoryPageQueue::start(std::vector<core::Link> links) {
    std::vector<int> before;
    for (const auto& link : links) before.push_back(queue_.held.starts[link]++);
    co_return before;
}

Task<> MemoryPageQueue::give_back(std::vector<core::Link> links) {
    for (const auto& link : links) {
        const auto found = queue_.held.starts.find(link);
        if (found != queue_.held.starts.end() && --found->second <= 0)
            queue_.held.starts.erase(found);
    }
    co_return;
}

Task<> MemoryPageQueue::acknowledge(std::vector<queue::Acknowledgement> done) {
    auto& held = queue_.held;
    for (const auto& one : done) {
        queue_.take_off(one.shard, one.entry, static_cast<std::int64_t>(one.bytes));
        held.starts.erase(one.link);
        auto& chain = held.chains[one.slice];
        const auto indexed = chain.find(one.previous);
        if (indexed != chain.end() && indexed->second.entry == one.entry) chain.erase(indexed);
        const auto slice = held.slices.find(one.slice);
        if (one.ended) {
            queue_.drop_slice(one.slice);
            if (one.committed) held.ended[one.slice] = {one.seq, queue_.now_ms() + 60'000};
        } else if (one.committed && slice != held.slices.end()) {
            slice->second.ack = std::max(slice->second.ack, one.seq);
        }
    }
    co_return;
}

Task<queue::QueueTotals> MemoryPageQueue::totals() {
    queue::QueueTotals totals;
    totals.jobs = queue_.jobs();
    totals.bytes = queue_.held.bytes;
    totals.bytes_reserved = queue_.reserved();
    for (const auto& shard : queue_.held.shards) {
        if (shard.empty()) continue;
        const auto age = static_cast<double>(queue_.now_ms() - shard.begin()->first.first) / 1000;
        totals.oldest_seconds = std::max(totals.oldest_seconds, age);
    }
    co_return totals;
}

}  // namespace pawl::test
