#include "worker/hand.hpp"

#include <algorithm>

namespace pawl::worker {

Hand::Hand(int writers, std::size_t jobs_max, std::size_t bytes_max)
    : jobs_max_(jobs_max), bytes_max_(bytes_max), inboxes_(static_cast<std::size_t>(std::max(writers, 1))) {}

bool Hand::holds(int shard, const std::string& entry) const { return held_.contains({shard, entry}); }

bool Hand::take(HeldJobPtr job) {
    if (!held_.insert({job->shard, job->entry}).second) return false;
    bytes_ += job->queue_bytes;
    inboxes_[static_cast<std::size_t>(writer_of(job->shard))].push_back(std::move(job));
    return true;
}

std::size_t Hand::jobs_free() const { return held_.size() >= jobs_max_ ? 0 : jobs_max_ - held_.size(); }

std::size_t Hand::bytes_free() const { return bytes_ >= bytes_max_ ? 0 : bytes_max_ - bytes_; }

bool Hand::batch_is_full(int writer, const BatchBounds& bounds) const {
    const auto& inbox = inboxes_[static_cast<std::size_t>(writer)];
    if (inbox.size() >= bounds.pages) return true;
    std::size_t bytes = 0;
    for (const auto& job : inbox) {
        bytes += job->job.body_size;
        if (bytes >= bounds.bytes || job->alone) return true;
    }
    return false;
}

std::vector<HeldJobPtr> Hand::next_batch(int writer, const BatchBounds& bounds) {
    auto& inbox = inboxes_[static_cast<std::size_t>(writer)];
    std::vector<HeldJobPtr> batch;
    std::size_t bytes = 0;
    while (!inbox.empty() && batch.size() < bounds.pages && (batch.empty() || bytes < bounds.bytes)) {
        if (inbox.front()->alone && !batch.empty()) break;
        batch.push_back(std::move(inbox.front()));
        inbox.pop_front();
        bytes += batch.back()->job.body_size;
        if (batch.back()->alone) break;
    }
    return batch;
}

void Hand::put_back(int writer, const std::vector<HeldJobPtr>& jobs) {
    auto& inbox = inboxes_[static_cast<std::size_t>(writer)];
    inbox.insert(inbox.begin(), jobs.begin(), jobs.end());
}

bool Hand::park(const HeldJobPtr& job) {
    // A quarter of the hand at most, so that what is parked never keeps the missing page out.
    if (parked_count_ >= std::max<std::size_t>(jobs_max_ / 4, 1) || bytes_ > bytes_max_) {
        let_go(job);
        return false;
    }
    parked_[job->job.slice][job->job.seq].push_back(job);
    ++parked_count_;
    return true;
}

void Hand::unpark(core::SliceId slice) {
    const auto found = parked_.find(slice);
    if (found == parked_.end()) return;
    std::vector<HeldJobPtr> jobs;
    for (auto& [seq, held] : found->second) jobs.insert(jobs.end(), held.begin(), held.end());
    parked_count_ -= jobs.size();
    parked_.erase(found);
    put_back(writer_of(jobs.front()->shard), jobs);
}

std::vector<HeldJobPtr> Hand::parked() const {
    std::vector<HeldJobPtr> jobs;
    for (const auto& [slice, by_seq] : parked_)
        for (const auto& [seq, held] : by_seq) jobs.insert(jobs.end(), held.begin(), held.end());
    return jobs;
}

void Hand::let_go(const HeldJobPtr& job) {
    if (held_.erase({job->shard, job->entry}) == 0) return;
    bytes_ -= std::min(bytes_, job->queue_bytes);
    const auto slice = parked_.find(job->job.slice);
    if (slice == parked_.end()) return;
    const auto seq = slice->second.find(job->job.seq);
    if (seq == slice->second.end()) return;
    parked_count_ -= std::erase(seq->second, job);
    if (seq->second.empty()) slice->second.erase(seq);
    if (slice->second.empty()) parked_.erase(slice);
}

void Hand::drop_waiting(const std::set<int>& shards) {
    std::vector<HeldJobPtr> gone;
    for (auto& inbox : inboxes_) {
        for (const auto& job : inbox)
            if (shards.contains(job->shard)) gone.push_back(job);
        std::erase_if(inbox, [&shards](const HeldJobPtr& job) { return shards.contains(job->shard); });
    }
    for (const auto& job : parked())
        if (shards.contains(job->shard)) gone.push_back(job);
    for (const auto& job : gone) let_go(job);
}

}  // namespace pawl::worker
