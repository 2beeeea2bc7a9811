// What the planted holes do. Without one, these calls are the plain ones.
#include <algorithm>

#include "tests/simulation/ports.hpp"

namespace pawl::simulation {

using queue::Advance;
using queue::OfferAnswer;

core::Task<std::vector<OfferAnswer>> NetworkFrontiers::offer_mutated(std::vector<queue::Offer> offers) {
    const auto before = redis_.held;
    auto answers = co_await inner_.offer(std::move(offers));
    const bool seeded = std::any_of(answers.begin(), answers.end(), [](OfferAnswer answer) {
        return answer == OfferAnswer::reseeded || answer == OfferAnswer::offered;
    });
    if (mutation_ == Mutation::seed_without_purge && seeded) {
        redis_.held.shards = before.shards;
        redis_.held.bytes = before.bytes;
    }
    co_return answers;
}

core::Task<Advance> NetworkFrontiers::advance_mutated(core::Job job, core::Nonce nonce, std::string room, core::Millis ttl) {
    const auto found = redis_.held.slices.find(job.slice);
    std::optional<test::MemoryQueue::Slice> before;
    if (found != redis_.held.slices.end()) before = found->second;
    const auto asked = job;
    const auto asked_by = nonce;
    if (mutation_ == Mutation::no_link && before) job.previous = before->link;
    if (mutation_ == Mutation::no_nonce && before) {
        if (!found->second.nonce) found->second.nonce = nonce;
        nonce = *found->second.nonce;
    }
    auto answer = co_await inner_.advance(std::move(job), nonce, std::move(room), ttl);
    const auto now = redis_.held.slices.find(asked.slice);
    if (mutation_ == Mutation::frontier_outside && answer == Advance::ok && now != redis_.held.slices.end() &&
        network_.breaks_between("frontier"))
        now->second = *before;
    witness_.saw_advance(before, asked, asked_by, answer);
    co_return answer;
}

core::Task<std::vector<storage::PageResult>> NetworkPageStore::commit(int writer, std::shared_ptr<const core::SourceFile> source,
                                                                      std::shared_ptr<std::vector<storage::PageCommit>> batch) {
    if (mutation_ == Mutation::no_link)
        for (auto& page : *batch) {
            const auto slice = postgres_.held.slices.find(page.job.slice);
            if (slice != postgres_.held.slices.end() && slice->second.tip_seq == page.job.seq - 1)
                page.job.previous = slice->second.tip_link;
        }
    if (mutation_ == Mutation::acknowledge_first)
        for (const auto& page : *batch) {
            auto& chain = redis_.held.chains[page.job.slice];
            const auto queued = chain.find(page.job.previous);
            if (queued == chain.end()) continue;
            redis_.take_off(queued->second.shard, queued->second.entry, queued->second.bytes);
            chain.erase(queued);
        }
    if (mutation_ == Mutation::ledger_outside && network_.breaks_between("ledger")) {
        auto before = postgres_.held;
        (void)co_await inner_.commit(writer, source, batch);
        before.tables = postgres_.held.tables;  // the rows are there, the ledger knows nothing of them
        postgres_.held = std::move(before);
        throw core::TransientError("connection lost between two transactions", true);
    }
    auto answer = co_await network_.carry(Server::postgres, "commit", true,
                                          inner_.commit(writer, std::move(source), std::move(batch)));
    co_return answer;
}

}  // namespace pawl::simulation
