#pragma once

#include <memory>
#include <string>

#include "core/random.hpp"
#include "core/telemetry.hpp"
#include "queue/quota.hpp"
#include "queue/redis_connection.hpp"

namespace pawl::queue {

/// The quota ledger of one source in Redis. `queue_bytes_max`: the same bound as RedisFrontiers
/// has.
class RedisQuota final : public Quota {
  public:
    RedisQuota(std::shared_ptr<RedisConnection> connection, std::string source,
               core::Telemetry& telemetry, core::Random& random, std::size_t queue_bytes_max);

    /// The name of this process, which no other that runs has: with its first reservation it says that what the process
    /// before it of that name had in flight is over. Without one that is known after two minutes.
    void take_slot(std::string slot) { slot_ = std::move(slot); }

    core::Task<std::variant<Granted, Wait>> reserve(std::vector<Payer> payers,
                                                    std::size_t room_bytes) override;
    core::Task<> settle(Settlement settlement) override;
    core::Task<> quarantine(std::string owner, std::string reason) override;
    core::Task<std::vector<std::string>> quarantined() override;
    core::Task<> unquarantine(std::string owner) override;
    core::Task<std::vector<LimitView>> view() override;

  private:
    std::shared_ptr<RedisConnection> connection_;
    std::string source_, prefix_, slot_;
    bool has_asked_ = false;
    core::Telemetry& telemetry_;
    core::Random& random_;
    std::size_t queue_bytes_max_;
};

}  // namespace pawl::queue
