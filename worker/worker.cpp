#include "worker/worker.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"

// How a worker comes to its jobs: it holds shards, reads them, and looks for what it missed. What it does with the jobs
// is in writing.cpp.

namespace pawl::worker {

namespace log = core::log;

namespace {

constexpr core::Millis read_wait{500};           // a read without entries returns after this, to notice new shards
constexpr core::Millis hand_full_wait{5};
constexpr std::size_t missed_per_shard = 256;    // oldest entries looked at in one search
constexpr core::Millis retry_first{100}, retry_max{5'000};
constexpr core::Micros pause_step = std::chrono::milliseconds(100);  // how late a stop may be noticed

/// The same for the same slot, so that a process that was killed and started again has its shards back at once instead
/// of waiting for its own leases to lapse. Only one process at a time holds a slot; and were there two, each page would
/// be tried twice and stored once.
core::Nonce nonce_of(const std::string& slot, core::Random& random) {
    if (slot.empty()) return core::Nonce::random(random);
    const std::string hash = core::sha256_hex("worker " + slot);
    core::Nonce nonce;
    for (std::size_t i = 0; i < nonce.bytes.size(); ++i)
        nonce.bytes[i] = static_cast<std::uint8_t>(std::stoi(hash.substr(2 * i, 2), nullptr, 16));
    return nonce;
}

}  // namespace

Worker::Worker(core::asio::any_io_executor executor, std::shared_ptr<const core::SourceFile> source,
               core::Token catalogue_instance, WorkerPorts ports, WorkerSettings settings)
    : executor_(executor),
      source_(std::move(source)),
      instance_(catalogue_instance),
      ports_(ports),
      settings_(settings),
      nonce_(nonce_of(settings_.slot, ports.random)),
      hand_(settings.writers, settings.jobs_max, settings.bytes_max),
      changed_(executor) {}

core::Task<> Worker::run() {
    const auto self = shared_from_this();
    std::vector<core::Task<>> loops;
    loops.push_back(keep_shards());
    loops.push_back(read_shards());
    loops.push_back(find_missed());
    for (int i = 0; i < settings_.writers; ++i) loops.push_back(write(i));
    running_ = static_cast<int>(loops.size());
    for (auto& loop : loops) {
        core::asio::co_spawn(executor_, std::move(loop), [self](std::exception_ptr failure) {
            if (failure && !self->failure_) self->failure_ = failure;
            if (failure) self->stopping_ = true;
            --self->running_;
            self->changed_.notify();
        });
    }
    while (running_ > 0) co_await changed_.wait();
    if (failure_) std::rethrow_exception(failure_);
    try {
        co_await ports_.queue.release_shards(nonce_);
    } catch (const core::TransientError& error) {
        log::debug("Shards not given back, their leases will lapse", {{"source", source_->name}, {"error", error.what()}});
    }
}

void Worker::stop() {
    stopping_ = true;
    changed_.notify();
}

core::Task<> Worker::keep_shards() {
    int failures = 0;
    while (!stopping_) {
        bool failed = false;
        try {
            const auto held = co_await ports_.queue.hold_shards(nonce_, settings_.lease);
            failures = 0;
            const std::set<int> now(held.begin(), held.end());
            std::set<int> lost;
            for (const auto& [shard, entry] : read_up_to_)
                if (!now.contains(shard)) lost.insert(shard);
            for (const int shard : lost) read_up_to_.erase(shard);
            hand_.drop_waiting(lost);
            for (const int shard : now) read_up_to_.try_emplace(shard, "");  // a new shard is read from its start
            if (!lost.empty()) log::debug("Shards lost", {{"source", source_->name}, {"shards", lost.size()}});
            changed_.notify();
        } catch (const core::TransientError& error) {
            log::warn("Redis is away, the worker waits", {{"source", source_->name}, {"error", error.what()}});
            failed = true;
        }
        if (failed) {
            // Until Redis answers nobody knows whose the shards are, and reading again from the start is always right.
            for (auto& [shard, entry] : read_up_to_) entry.clear();
            co_await back_off(++failures);
        } else {
            co_await pause(settings_.lease / 3);
        }
    }
}

core::Task<> Worker::read_shards() {
    int failures = 0;
    while (!stopping_) {
        if (read_up_to_.empty()) {
            co_await changed_.wait();
            continue;
        }
        if (hand_.jobs_free() == 0 || hand_.bytes_free() == 0) {
            co_await ports_.clock.sleep(hand_full_wait);
            continue;
        }
        bool failed = false;
        try {
            co_await read_once();
            failures = 0;
        } catch (const core::TransientError& error) {
            log::debug("Reading the page queue failed", {{"source", source_->name}, {"error", error.what()}});
            failed = true;
        }
        if (failed) co_await back_off(++failures);
    }
    changed_.notify();
}

core::Task<> Worker::read_once() {
    auto after = read_up_to_;
    auto entries = co_await ports_.queue.read(std::move(after), hand_.jobs_free(), hand_.bytes_free(), read_wait);
    core::hit(core::Failpoint::after_read);
    for (auto& queued : entries) {
        const auto shard = read_up_to_.find(queued.shard);
        if (shard == read_up_to_.end()) continue;  // lost while we read
        shard->second = queued.entry;
        take(std::move(queued));
    }
    if (!entries.empty()) changed_.notify();
}

void Worker::take(queue::QueuedJob queued) {
    if (hand_.holds(queued.shard, queued.entry)) return;
    auto held = std::make_shared<HeldJob>();
    held->shard = queued.shard;
    held->entry = queued.entry;
    held->queue_bytes = queued.envelope.size() + queued.body.size();
    try {
        held->job = core::Job::decode(queued.envelope, std::move(queued.body));
    } catch (const core::UnknownVersion& newer) {
        log::warn("A job of a newer version stays on the queue", {{"source", source_->name}, {"error", newer.what()}});
        return;
    } catch (const core::PermanentError& error) {
        // Not written by any pawl. Nothing is lost by leaving it: the slice it may belong to is offered anew.
        log::error("An entry of the page queue is no job and is left alone",
                   {{"source", source_->name}, {"shard", queued.shard}, {"entry", queued.entry}, {"error", error.what()}});
        return;
    }
    hand_.take(std::move(held));
}

core::Task<> Worker::find_missed() {
    while (!stopping_) {
        co_await pause(settings_.lease / 2);
        if (stopping_) break;
        try {
            std::vector<int> shards;
            for (const auto& [shard, entry] : read_up_to_) shards.push_back(shard);
            for (const int shard : shards) co_await look_for_missed(shard);
            co_await look_at_parked();
        } catch (const core::TransientError& error) {
            log::debug("Looking for missed jobs failed", {{"source", source_->name}, {"error", error.what()}});
        }
    }
}

/// Entries with an id not above what we have read, that we do not hold: a reply got lost, or Redis was set back.
core::Task<> Worker::look_for_missed(int shard) {
    const auto oldest = co_await ports_.queue.oldest(shard, missed_per_shard);
    for (const auto& entry : oldest) {
        const auto mark = read_up_to_.find(shard);
        if (mark == read_up_to_.end() || stopping_) co_return;
        if (hand_.holds(shard, entry) || hand_.jobs_free() == 0) continue;
        if (queue::entry_before(mark->second, entry)) break;  // the ordinary read will come to it
        auto queued = co_await ports_.queue.fetch(shard, entry);
        if (!queued || !read_up_to_.contains(shard)) continue;
        take(std::move(*queued));
        changed_.notify();
    }
}

/// Parked jobs whose entry is gone were purged with their dead branch; the others are tried again.
core::Task<> Worker::look_at_parked() {
    const auto parked = hand_.parked();
    std::set<core::SliceId> again;
    for (const auto& held : parked) {
        const auto there = co_await ports_.queue.fetch(held->shard, held->entry);
        if (there) again.insert(held->job.slice);
        else hand_.let_go(held);
    }
    for (const auto slice : again) hand_.unpark(slice);
    ports_.telemetry.set(core::Metric::parked_jobs, {source_->name}, static_cast<double>(hand_.parked_count()));
    if (!again.empty()) changed_.notify();
}

/// Sleeps, but not through a stop.
core::Task<> Worker::pause(core::Micros time) {
    while (time > core::Micros{0} && !stopping_) {
        const auto step = std::min(time, pause_step);
        co_await ports_.clock.sleep(step);
        time -= step;
    }
}

/// Exponential with full jitter.
core::Task<> Worker::back_off(int failures) {
    const int doublings = std::min(failures - 1, 10);
    const auto ceiling = std::min(retry_max, retry_first * (1 << doublings));
    const auto wait = std::chrono::duration_cast<core::Micros>(ceiling * (0.5 + 0.5 * ports_.random.fraction()));
    co_await pause(wait);
}

}  // namespace pawl::worker
