#pragma once

#include <memory>
#include <string>

#include "core/random.hpp"
#include "core/telemetry.hpp"
#include "queue/frontiers.hpp"
#include "queue/redis_connection.hpp"

namespace pawl::queue {

/// The frontiers of one source in Redis. `bytes_max`: of bodies and envelopes on the queue and
/// reserved for it.
class RedisFrontiers final : public Frontiers {
  public:
    RedisFrontiers(std::shared_ptr<RedisConnection> connection, std::string source,
                   core::Telemetry& telemetry, core::Random& random, std::size_t bytes_max);

    core::Task<std::optional<Instance>> instance() override;
    core::Task<Instance> adopt(core::Token instance, bool override_other, Past past) override;
    core::Task<std::vector<OfferAnswer>> offer(std::vector<Offer> offers) override;
    core::Task<std::vector<Lease>> lease(std::string owner, std::size_t count,
                                         core::Millis ttl) override;
    core::Task<std::vector<core::SliceId>> renew(
        std::vector<std::pair<core::SliceId, core::Nonce>> leases, core::Millis ttl) override;
    core::Task<> release(core::SliceId slice, core::Nonce nonce) override;
    core::Task<std::int64_t> reclaim(std::string owner) override;
    core::Task<int> count_attempt(core::SliceId slice, core::Nonce nonce) override;
    core::Task<Advance> advance(core::Job job, core::Nonce nonce, std::string room,
                                core::Millis ttl) override;
    core::Task<FrontierTotals> totals() override;
    core::Task<std::vector<FrontierView>> view(std::vector<core::SliceId> slices) override;
    core::Task<> forget(std::vector<core::SliceId> slices) override;

  private:
    void tell_offer(const Offer& offer, OfferAnswer answer, std::int64_t frontier_seq,
                    std::int64_t purged);
    [[nodiscard]] Lease read_lease(const RedisReply& reply, const std::vector<core::Nonce>& nonces,
                                   const std::string& owner);

    std::shared_ptr<RedisConnection> connection_;
    std::string source_, prefix_;
    core::Telemetry& telemetry_;
    core::Random& random_;
    std::size_t bytes_max_;
};

/// What all keys of a source start with: one hash tag, so that they share a slot of a Redis
/// Cluster.
[[nodiscard]] std::string key_prefix(const std::string& source);

}  // namespace pawl::queue
