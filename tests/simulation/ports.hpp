#pragma once

#include "queue/frontiers.hpp"
#include "queue/page_queue.hpp"
#include "queue/quota.hpp"
#include "storage/catalogue.hpp"
#include "storage/page_store.hpp"
#include "tests/fakes/memory_queue.hpp"
#include "tests/fakes/memory_store.hpp"
#include "tests/simulation/mutation.hpp"
#include "tests/simulation/network.hpp"
#include "tests/simulation/witness.hpp"

/// What a process talks to: the servers in memory, over its own network.
namespace pawl::simulation {

class NetworkFrontiers final : public queue::Frontiers {
  public:
    NetworkFrontiers(test::MemoryQueue& redis, Network& network, Witness& witness, Mutation mutation)
        : inner_(redis), redis_(redis), network_(network), witness_(witness), mutation_(mutation) {}

    core::Task<std::optional<Instance>> instance() override {
        auto answer = co_await network_.carry(Server::redis, "instance", false, inner_.instance());
        co_return answer;
    }
    core::Task<Instance> adopt(core::Token instance, bool override_other, Past past) override {
        auto answer = co_await network_.carry(Server::redis, "adopt", true, inner_.adopt(instance, override_other, past));
        co_return answer;
    }
    core::Task<std::vector<queue::OfferAnswer>> offer(std::vector<queue::Offer> offers) override {
        auto answer = co_await network_.carry(Server::redis, "offer", false, offer_mutated(std::move(offers)));
        co_return answer;
    }
    core::Task<std::vector<queue::Lease>> lease(std::string owner, std::size_t count, core::Millis ttl,
                                                core::SliceClass lowest) override {
        auto answer = co_await network_.carry(Server::redis, "lease", false,
                                              inner_.lease(std::move(owner), count, ttl, lowest));
        co_return answer;
    }
    core::Task<std::vector<core::SliceId>> renew(std::vector<std::pair<core::SliceId, core::Nonce>> leases,
                                                 core::Millis ttl) override {
        auto answer = co_await network_.carry(Server::redis, "renew", false, inner_.renew(std::move(leases), ttl));
        co_return answer;
    }
    core::Task<> release(core::SliceId slice, core::Nonce nonce) override {
        co_await network_.carry(Server::redis, "release", false, inner_.release(slice, nonce));
    }
    core::Task<std::int64_t> reclaim(std::string owner) override {
        auto answer = co_await network_.carry(Server::redis, "reclaim", false, inner_.reclaim(std::move(owner)));
        co_return answer;
    }
    core::Task<int> count_attempt(core::SliceId slice, core::Nonce nonce) override {
        auto answer = co_await network_.carry(Server::redis, "attempt", false, inner_.count_attempt(slice, nonce));
        co_return answer;
    }
    core::Task<queue::Advance> advance(core::Job job, core::Nonce nonce, std::string room, core::Millis ttl) override {
        auto answer = co_await network_.carry(Server::redis, "advance", true,
                                              advance_mutated(std::move(job), nonce, std::move(room), ttl));
        co_return answer;
    }
    core::Task<queue::FrontierTotals> totals() override {
        auto answer = co_await network_.carry(Server::redis, "totals", false, inner_.totals());
        co_return answer;
    }
    core::Task<std::vector<queue::FrontierView>> view(std::vector<core::SliceId> slices) override {
        auto answer = co_await network_.carry(Server::redis, "view", false, inner_.view(std::move(slices)));
        co_return answer;
    }
    core::Task<> forget(std::vector<core::SliceId> slices) override {
        co_await network_.carry(Server::redis, "forget", false, inner_.forget(std::move(slices)));
    }

  private:
    core::Task<std::vector<queue::OfferAnswer>> offer_mutated(std::vector<queue::Offer> offers);
    core::Task<queue::Advance> advance_mutated(core::Job job, core::Nonce nonce, std::string room, core::Millis ttl);

    test::MemoryFrontiers inner_;
    test::MemoryQueue& redis_;
    Network& network_;
    Witness& witness_;
    Mutation mutation_;
};

class NetworkPageQueue final : public queue::PageQueue {
  public:
    NetworkPageQueue(test::MemoryQueue& redis, Network& network) : inner_(redis), network_(network) {}

    core::Task<std::vector<int>> hold_shards(core::Nonce worker, core::Millis ttl) override {
        auto answer = co_await network_.carry(Server::redis, "shards", false, inner_.hold_shards(worker, ttl));
        co_return answer;
    }
    core::Task<> release_shards(core::Nonce worker) override {
        co_await network_.carry(Server::redis, "release shards", false, inner_.release_shards(worker));
    }
    core::Task<std::vector<queue::QueuedJob>> read(std::map<int, std::string> after, std::size_t jobs_max,
                                                   std::size_t bytes_max, core::Millis wait) override {
        auto answer = co_await network_.carry(Server::redis, "read", false,
                                              inner_.read(std::move(after), jobs_max, bytes_max, wait));
        co_return answer;
    }
    core::Task<std::vector<std::string>> oldest(int shard, std::size_t count) override {
        auto answer = co_await network_.carry(Server::redis, "oldest", false, inner_.oldest(shard, count));
        co_return answer;
    }
    core::Task<std::optional<queue::QueuedJob>> fetch(int shard, std::string entry) override {
        auto answer = co_await network_.carry(Server::redis, "fetch", false, inner_.fetch(shard, std::move(entry)));
        co_return answer;
    }
    core::Task<std::vector<int>> start(std::vector<core::Link> links) override {
        auto answer = co_await network_.carry(Server::redis, "start", false, inner_.start(std::move(links)));
        co_return answer;
    }
    core::Task<> give_back(std::vector<core::Link> links) override {
        co_await network_.carry(Server::redis, "give back", false, inner_.give_back(std::move(links)));
    }
    core::Task<> acknowledge(std::vector<queue::Acknowledgement> done) override {
        co_await network_.carry(Server::redis, "acknowledge", false, inner_.acknowledge(std::move(done)));
    }
    core::Task<queue::QueueTotals> totals() override {
        auto answer = co_await network_.carry(Server::redis, "queue totals", false, inner_.totals());
        co_return answer;
    }

  private:
    test::MemoryPageQueue inner_;
    Network& network_;
};

class NetworkQuota final : public queue::Quota {
  public:
    NetworkQuota(test::MemoryQueue& redis, Network& network, std::string slot)
        : inner_(redis, std::move(slot)), network_(network) {}

    core::Task<std::variant<queue::Granted, queue::Wait>> reserve(std::vector<queue::Payer> payers,
                                                                  std::size_t room_bytes) override {
        auto answer = co_await network_.carry(Server::redis, "reserve", true, inner_.reserve(std::move(payers), room_bytes));
        co_return answer;
    }
    core::Task<> settle(queue::Settlement settlement) override {
        co_await network_.carry(Server::redis, "settle", false, inner_.settle(std::move(settlement)));
    }
    core::Task<> quarantine(std::string key, std::string reason) override {
        co_await network_.carry(Server::redis, "quarantine", false, inner_.quarantine(std::move(key), std::move(reason)));
    }
    core::Task<std::map<std::string, std::string>> quarantined() override {
        auto answer = co_await network_.carry(Server::redis, "quarantined", false, inner_.quarantined());
        co_return answer;
    }
    core::Task<> unquarantine(std::string key) override {
        co_await network_.carry(Server::redis, "unquarantine", false, inner_.unquarantine(std::move(key)));
    }
    core::Task<queue::Weights> weights() override {
        auto answer = co_await network_.carry(Server::redis, "weights", false, inner_.weights());
        co_return answer;
    }
    core::Task<> set_weight(core::SliceClass slice_class, std::int64_t weight) override {
        co_await network_.carry(Server::redis, "set weight", false, inner_.set_weight(slice_class, weight));
    }
    core::Task<std::map<std::string, std::string>> owners() override {
        auto answer = co_await network_.carry(Server::redis, "owners", false, inner_.owners());
        co_return answer;
    }
    core::Task<> set_owner(std::string fingerprint, std::string owner) override {
        co_await network_.carry(Server::redis, "set owner", false, inner_.set_owner(std::move(fingerprint), std::move(owner)));
    }
    core::Task<std::vector<queue::LimitView>> view() override {
        auto answer = co_await network_.carry(Server::redis, "quota view", false, inner_.view());
        co_return answer;
    }

  private:
    test::MemoryQuota inner_;
    Network& network_;
};

class NetworkCatalogue final : public storage::Catalogue {
  public:
    NetworkCatalogue(test::MemoryStore& postgres, Network& network) : inner_(postgres), network_(network) {}

    core::Task<storage::Registration> register_source(std::shared_ptr<const core::SourceFile> source) override {
        auto answer = co_await network_.carry(Server::postgres, "register", true, inner_.register_source(std::move(source)));
        co_return answer;
    }
    core::Task<bool> hold_planner_lock(std::string source) override {
        auto answer = co_await network_.carry(Server::postgres, "lock", false, inner_.hold_planner_lock(std::move(source)));
        co_return answer;
    }
    core::Task<> release_planner_lock(std::string source) override {
        co_await network_.carry(Server::postgres, "unlock", false, inner_.release_planner_lock(std::move(source)));
    }
    core::Task<std::int64_t> fall_due(std::string source, std::vector<std::string> streams) override {
        auto answer = co_await network_.carry(Server::postgres, "fall due", true,
                                              inner_.fall_due(std::move(source), std::move(streams)));
        co_return answer;
    }
    core::Task<std::optional<core::WallTime>> last_schedule(std::string source) override {
        auto answer = co_await network_.carry(Server::postgres, "schedule", false, inner_.last_schedule(std::move(source)));
        co_return answer;
    }
    core::Task<> note_schedule(std::string source, core::WallTime at) override {
        co_await network_.carry(Server::postgres, "note schedule", true, inner_.note_schedule(std::move(source), at));
    }
    core::Task<Scan> scan_table(std::shared_ptr<const core::SourceFile> source, std::string stream,
                                std::optional<std::string> after, std::size_t limit,
                                core::SliceClass slice_class) override {
        auto answer = co_await network_.carry(
            Server::postgres, "scan", true,
            inner_.scan_table(std::move(source), std::move(stream), std::move(after), limit, slice_class));
        co_return answer;
    }
    core::Task<std::int64_t> start_walks(std::string source, std::vector<std::string> streams, std::size_t limit,
                                         core::SliceClass slice_class) override {
        auto answer = co_await network_.carry(
            Server::postgres, "start walks", true,
            inner_.start_walks(std::move(source), std::move(streams), limit, slice_class));
        co_return answer;
    }
    core::Task<std::vector<storage::DueSlice>> due_slices(std::string source, std::vector<std::string> streams,
                                                          core::Token epoch, std::size_t limit) override {
        auto answer = co_await network_.carry(Server::postgres, "due slices", false,
                                              inner_.due_slices(std::move(source), std::move(streams), epoch, limit));
        co_return answer;
    }
    core::Task<> mark_offered(std::vector<core::SliceId> slices, core::Token epoch, core::Millis quiet) override {
        co_await network_.carry(Server::postgres, "mark offered", true, inner_.mark_offered(std::move(slices), epoch, quiet));
    }
    core::Task<std::vector<core::Tip>> open_tips(std::vector<core::SliceId> slices) override {
        auto answer = co_await network_.carry(Server::postgres, "tips", false, inner_.open_tips(std::move(slices)));
        co_return answer;
    }
    core::Task<std::vector<storage::Validator>> validators(std::int64_t partition) override {
        auto answer = co_await network_.carry(Server::postgres, "validators", false, inner_.validators(partition));
        co_return answer;
    }
    core::Task<Remaining> remaining(std::string source, std::vector<std::string> streams) override {
        auto answer = co_await network_.carry(Server::postgres, "remaining", false,
                                              inner_.remaining(std::move(source), std::move(streams)));
        co_return answer;
    }

  private:
    test::MemoryCatalogue inner_;
    Network& network_;
};

class NetworkPageStore final : public storage::PageStore {
  public:
    NetworkPageStore(test::MemoryStore& postgres, test::MemoryQueue& redis, Network& network, core::Millis quiet,
                     Mutation mutation)
        : inner_(postgres, quiet), postgres_(postgres), redis_(redis), network_(network), mutation_(mutation) {}

    core::Task<std::vector<storage::PageResult>> commit(int writer, std::shared_ptr<const core::SourceFile> source,
                                                        std::shared_ptr<std::vector<storage::PageCommit>> batch) override;

  private:
    test::MemoryPageStore inner_;
    test::MemoryStore& postgres_;
    test::MemoryQueue& redis_;
    Network& network_;
    Mutation mutation_;
};

}  // namespace pawl::simulation
