#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "app/outlook.hpp"
#include "core/task.hpp"
#include "queue/frontiers.hpp"
#include "queue/page_queue.hpp"
#include "queue/quota.hpp"
#include "storage/progress.hpp"

namespace pawl::app {

/// How one source is right now: what Postgres and Redis each said, or why they said nothing.
struct Snapshot {
    std::string source;
    std::string postgres_error, redis_error;  ///< "" : it answered
    std::vector<storage::StreamProgress> streams;
    std::vector<storage::TableProgress> tables;
    std::vector<storage::Problem> problems;
    queue::QueueTotals queue;
    std::size_t queue_bytes_max = 0;
    queue::FrontierTotals slices;
    std::vector<queue::LimitView> quota;
    std::map<std::string, std::string> quarantined;  ///< alias of a key that the API refuses → reason
    std::optional<Outlook> outlook;        ///< what is left and when it ends; absent: nothing, or not known
    core::WallTime taken_at;
};

/// Where a snapshot is taken from. A null pointer: that server could not be reached, its error is
/// in `Snapshot` already.
struct SnapshotPorts {
    storage::Progress* progress = nullptr;
    queue::Frontiers* frontiers = nullptr;
    queue::PageQueue* pages = nullptr;
    queue::Quota* quota = nullptr;
};

enum class SnapshotDetail : std::uint8_t {
    numbers,
    everything
};  ///< everything: tables and problems too

/// Fills in what the ports tell; an error of one server never hides the other. O(1) in the size of
/// the data.
core::Task<Snapshot> take_snapshot(SnapshotPorts ports, Snapshot begun, SnapshotDetail detail);

/// What keeps it from going on right now, in words; empty: nothing, or nothing to do. Pure.
[[nodiscard]] std::vector<std::string> what_it_waits_for(const Snapshot& snapshot);

struct Totals {
    std::int64_t pages = 0, records = 0, inserted = 0, updated = 0, rejected = 0, dead_letters = 0;
    std::int64_t slices_open = 0, slices_done = 0, slices_lost = 0, partitions_due = 0;

    Totals& operator+=(const Totals& other);
};
/// Sums over the streams named; all when empty. slices_lost: finished in a way that needs
/// attention.
[[nodiscard]] Totals totals_of(const Snapshot& snapshot,
                               const std::vector<std::string>& streams = {});

[[nodiscard]] nlohmann::ordered_json to_json(const Snapshot& snapshot);

}  // namespace pawl::app
