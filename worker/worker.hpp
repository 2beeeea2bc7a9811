#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/clock.hpp"
#include "core/event.hpp"
#include "core/random.hpp"
#include "core/source_file.hpp"
#include "core/telemetry.hpp"
#include "queue/frontiers.hpp"
#include "queue/page_queue.hpp"
#include "storage/catalogue.hpp"
#include "storage/page_store.hpp"
#include "worker/hand.hpp"

namespace pawl::worker {

struct WorkerSettings {
    std::string slot;                    ///< stable name of this process, held under a file lock; "" : none
    int writers = 2;                     ///< batches committed at the same time, each on its own connection
    BatchBounds batch;
    core::Millis batch_age{50};          ///< how long a first page waits for company
    core::Millis lease{30'000};          ///< of shards; also how long a parked job waits before it is looked at again
    std::size_t body_max = 32u << 20;    ///< after decompression
    std::size_t jobs_max = 1'024;        ///< held at once
    std::size_t bytes_max = 32u << 20;   ///< held at once, compressed
};

/// The ports a worker works through; all outlive it.
struct WorkerPorts {
    queue::PageQueue& queue;
    queue::Frontiers& frontiers;
    storage::PageStore& store;
    storage::Catalogue& catalogue;
    core::Clock& clock;
    core::Random& random;
    core::Offload& offload;
    core::Telemetry& telemetry;
};

/// Takes pages of one source off the queue and makes them steps that hold: decode, map, commit, acknowledge. An entry is
/// acknowledged only after the transaction that dealt with it has committed, so a worker may die at any moment.
class Worker : public std::enable_shared_from_this<Worker> {
  public:
    Worker(core::asio::any_io_executor executor, std::shared_ptr<const core::SourceFile> source,
           core::Token catalogue_instance, WorkerPorts ports, WorkerSettings settings);

    /// Works until `stop`; then ends the batches in work and gives its shards back. Throws core::ConfigError when Redis
    /// belongs to another catalogue than Postgres.
    core::Task<> run();
    void stop();
    /// New pages are mapped by this version of the source file.
    void reload(std::shared_ptr<const core::SourceFile> source) { source_ = std::move(source); }
    /// True while it holds no job.
    [[nodiscard]] bool idle() const { return hand_.empty(); }

  private:
    core::Task<> keep_shards();
    core::Task<> read_shards();
    core::Task<> find_missed();
    core::Task<> write(int writer);

    core::Task<> read_once();
    void take(queue::QueuedJob queued);
    core::Task<> look_for_missed(int shard);
    core::Task<> look_at_parked();

    core::Task<> gather(int writer);
    core::Task<std::vector<HeldJobPtr>> begin(std::vector<HeldJobPtr> batch);
    core::Task<std::shared_ptr<std::vector<storage::PageCommit>>> map(std::vector<HeldJobPtr> batch);
    core::Task<bool> commit(int writer, std::vector<HeldJobPtr> batch);
    core::Task<> settle(std::vector<HeldJobPtr> batch, std::shared_ptr<std::vector<storage::PageCommit>> pages,
                        std::vector<storage::PageResult> results);
    core::Task<> bury(int writer, HeldJobPtr held, std::string reason);
    core::Task<> offer_anew(std::vector<core::SliceId> slices);
    core::Task<bool> is_orphan(HeldJobPtr held);
    core::Task<> back_off(int failures);
    core::Task<> pause(core::Micros time);
    /// Tells what became of a page; returns the rows it was committed with.
    std::int64_t count(const HeldJob& held, const storage::PageCommit& page, const storage::PageResult& result);

    core::asio::any_io_executor executor_;
    std::shared_ptr<const core::SourceFile> source_;
    core::Token instance_;
    WorkerPorts ports_;
    WorkerSettings settings_;
    core::Nonce nonce_;
    Hand hand_;
    std::map<int, std::string> read_up_to_;  // shard → last entry read
    core::Event changed_;                    // the hand, the shards or `stopping_` changed
    bool stopping_ = false;
    int running_ = 0;                        // loops that have not ended
    std::exception_ptr failure_;
};

}  // namespace pawl::worker
