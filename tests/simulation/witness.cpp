#include "tests/simulation/witness.hpp"

namespace pawl::simulation {

using queue::Advance;
using test::MemoryQueue;

void Witness::note(core::SliceId slice, const std::string& what) {
    if (breach_.empty()) breach_ = "slice " + std::to_string(slice) + ": " + what;
}

void Witness::look() {
    const auto& held = redis_.held;
    std::size_t indexed = 0;
    for (const auto& [slice, chain] : held.chains) {
        indexed += chain.size();
        if (!chain.empty()) look_at_chain(slice, chain);
    }
    if (static_cast<std::int64_t>(indexed) != redis_.jobs())
        note(0, std::to_string(redis_.jobs()) + " pages are queued, and " + std::to_string(indexed) + " of them belong to a branch");
    if (has_forgotten_) return;
    for (const auto& [id, slice] : held.slices) {
        const auto open = postgres_.held.slices.find(id);
        if (open == postgres_.held.slices.end()) continue;
        const auto& tip = open->second;
        if (slice.seq < tip.tip_seq) note(id, "Redis is behind Postgres");
        if (slice.seq <= tip.tip_seq) continue;
        const auto chain = held.chains.find(id);
        if (chain == held.chains.end() || !chain->second.contains(tip.tip_link))
            note(id, "the page behind the tip has left the queue and is not stored");
    }
}

void Witness::look_at_chain(core::SliceId slice, const std::map<core::Link, MemoryQueue::Queued>& chain) {
    std::set<core::Link> ends;
    for (const auto& [previous, queued] : chain) {
        ends.insert(queued.link);
        const auto& shard = redis_.held.shards.at(static_cast<std::size_t>(queued.shard));
        if (!shard.contains(MemoryQueue::parse_entry(queued.entry))) note(slice, "a page of its branch is not on the queue");
    }
    if (has_forgotten_) return;  // what an older Redis brought back is acknowledged in any order
    std::size_t begins = 0;
    for (const auto& [previous, queued] : chain) {
        begins += ends.contains(previous) ? 0 : 1;
        ends.erase(previous);
    }
    if (begins != 1 || ends.size() != 1) return note(slice, "its queued pages are not one branch");
    const auto known = redis_.held.slices.find(slice);
    if (known == redis_.held.slices.end() || known->second.link != *ends.begin())
        note(slice, "its frontier is not the end of what is queued");
}

void Witness::saw_advance(const std::optional<MemoryQueue::Slice>& before, const core::Job& job, core::Nonce nonce,
                          Advance answer) {
    const bool is_known = before && before->seq == job.seq && before->link == job.link;
    const bool holds = before && before->nonce == nonce && !before->done;
    const bool continues = before && before->seq == job.seq - 1 && before->link == job.previous;
    if (answer == Advance::ok && !(holds && continues)) note(job.slice, "a page was taken from one who does not hold the lease");
    if (answer == Advance::fenced && holds && !is_known && !has_forgotten_)
        note(job.slice, "who holds the lease was refused");
}

}  // namespace pawl::simulation
