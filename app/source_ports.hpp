#pragma once

#include <memory>
#include <string>

#include "app/session.hpp"
#include "app/snapshot.hpp"
#include "queue/redis_frontiers.hpp"
#include "queue/redis_page_queue.hpp"
#include "queue/redis_quota.hpp"

namespace pawl::app {

/// The queue's side of one source: its frontiers, page queue and quota over shared connections.
struct SourcePorts {
    SourcePorts(Session& session, std::string source,
                std::shared_ptr<queue::RedisConnection> connection,
                std::shared_ptr<queue::RedisConnection> reading)
        : frontiers(connection, source, *session.telemetry, session.random,
                    session.settings.redis.queue_bytes_max),
          pages(connection, std::move(reading), source, *session.telemetry),
          quota(connection, source, session.random, session.settings.redis.queue_bytes_max) {}

    queue::RedisFrontiers frontiers;
    queue::RedisPageQueue pages;
    queue::RedisQuota quota;

    [[nodiscard]] SnapshotPorts snapshot_ports(storage::Progress* progress) {
        return {progress, &frontiers, &pages, &quota};
    }
};

}  // namespace pawl::app
