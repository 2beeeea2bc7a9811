#include "queue/redis_page_queue.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"
#include "queue/page_queue_scripts.hpp"
#include "queue/redis_frontiers.hpp"

namespace pawl::queue {

using core::Metric;
using core::Millis;
using core::Task;

namespace {

constexpr std::size_t acknowledge_step = 500;  // entries of one script call: a few milliseconds

/// {id, [m, envelope, b, body]}. An entry that has other fields comes with what is there: the
/// worker judges it.
QueuedJob read_entry(int shard, RedisReply reply) {
    auto parts = reply.take_array();
    QueuedJob job;
    job.shard = shard;
    if (parts.size() != 2) throw core::TransientError("Redis sent a stream entry without fields");
    job.entry = parts[0].take_text();
    auto fields = parts[1].take_array();
    for (std::size_t i = 0; i + 1 < fields.size(); i += 2) {
        if (fields[i].text() == "m") job.envelope = fields[i + 1].take_text();
        if (fields[i].text() == "b") job.body = fields[i + 1].take_text();
    }
    return job;
}

std::vector<std::string> texts(const std::vector<core::Link>& links) {
    std::vector<std::string> all;
    for (const auto& link : links) all.push_back(link.str());
    return all;
}

int shard_in(const std::string& key) {
    int shard = -1;
    const auto colon = key.rfind(':');
    const auto parsed = std::from_chars(key.data() + colon + 1, key.data() + key.size(), shard);
    if (parsed.ec != std::errc() || shard < 0 || shard >= shard_count) {
        throw core::TransientError("Redis sent entries of a key nobody asked for: " + key);
    }
    return shard;
}

}  // namespace

RedisPageQueue::RedisPageQueue(std::shared_ptr<RedisConnection> connection,
                               std::shared_ptr<RedisConnection> reading, std::string source,
                               core::Telemetry& telemetry)
    : connection_(std::move(connection)),
      reading_(std::move(reading)),
      source_(std::move(source)),
      prefix_(key_prefix(source_)),
      telemetry_(telemetry) {}

std::string RedisPageQueue::queue_key(int shard) const {
    return prefix_ + "queue:" + std::to_string(shard);
}

Task<std::vector<int>> RedisPageQueue::hold_shards(core::Nonce worker, Millis ttl) {
    std::vector<std::string> arguments{worker.str(), std::to_string(ttl.count())};
    const auto reply = co_await connection_->run(hold_shards_script, prefix_, std::move(arguments));
    std::vector<int> held;
    for (const auto& shard : reply.at(0).array()) held.push_back(static_cast<int>(shard.integer()));
    const auto claimed = reply.at(1).integer();
    if (claimed > 0) {
        core::log::warn("Jobs of a lapsed worker taken over",
                        {{"source", source_}, {"jobs", claimed}});
    }
    co_return held;
}

Task<> RedisPageQueue::release_shards(core::Nonce worker) {
    std::vector<std::string> arguments;
    arguments.push_back(worker.str());
    co_await connection_->run(release_shards_script, prefix_, std::move(arguments));
}

Task<std::vector<QueuedJob>> RedisPageQueue::read(std::map<int, std::string> after,
                                                  std::size_t jobs_max, std::size_t bytes_max,
                                                  Millis wait) {
    if (after.empty()) co_return std::vector<QueuedJob>();
    auto command = read_command(after, jobs_max, bytes_max, wait);
    auto reply = co_await reading_->command(std::move(command), wait);
    auto jobs = cut(std::move(reply), jobs_max, bytes_max);
    if (!jobs.empty()) core::hit(core::Failpoint::after_read);
    co_return jobs;
}

std::vector<std::string> RedisPageQueue::read_command(const std::map<int, std::string>& after,
                                                      std::size_t jobs_max, std::size_t bytes_max,
                                                      Millis wait) {
    // COUNT holds per shard. Those that were idle may have as much as the busy ones: what is too
    // much is read again.
    const auto wanted = std::min(jobs_max, bytes_max / std::max<std::size_t>(job_bytes_, 1));
    const auto count = std::max<std::size_t>(1, (wanted + busy_shards_ - 1) / busy_shards_);
    std::vector<std::string> command{"XREAD", "COUNT", std::to_string(count)};
    if (wait > Millis(0)) {  // BLOCK 0 would wait for ever
        command.emplace_back("BLOCK");
        command.push_back(std::to_string(wait.count()));
    }
    command.emplace_back("STREAMS");
    std::vector<std::pair<int, std::string>> order(after.begin(), after.end());
    const auto first = static_cast<std::ptrdiff_t>(turn_++ % order.size());
    std::rotate(order.begin(), order.begin() + first, order.end());
    for (const auto& [shard, entry] : order) command.push_back(queue_key(shard));
    for (const auto& [shard, entry] : order) command.push_back(entry.empty() ? "0" : entry);
    return command;
}

std::vector<QueuedJob> RedisPageQueue::cut(RedisReply reply, std::size_t jobs_max,
                                           std::size_t bytes_max) {
    std::vector<QueuedJob> jobs;
    if (reply.is_nil()) return jobs;
    auto shards = reply.take_array();
    std::size_t bytes = 0, seen = 0, seen_bytes = 0;
    for (auto& one : shards) {
        auto parts = one.take_array();
        if (parts.size() != 2) throw core::TransientError("Redis sent a stream without entries");
        const int shard = shard_in(parts[0].text());
        bool is_cut = false;  // never a later page of a shard without the one before it
        for (auto& entry : parts[1].take_array()) {
            auto job = read_entry(shard, std::move(entry));
            const auto size = job.envelope.size() + job.body.size();
            seen += 1;
            seen_bytes += size;
            is_cut =
                is_cut || (!jobs.empty() && (jobs.size() >= jobs_max || bytes + size > bytes_max));
            if (is_cut) continue;
            bytes += size;
            jobs.push_back(std::move(job));
        }
    }
    busy_shards_ = std::max<std::size_t>(1, shards.size());
    if (seen > 0) job_bytes_ = (job_bytes_ + seen_bytes / seen) / 2 + 1;
    return jobs;
}

Task<std::vector<std::string>> RedisPageQueue::oldest(int shard, std::size_t count) {
    std::vector<std::string> arguments{std::to_string(shard), std::to_string(count)};
    const auto reply = co_await connection_->run(oldest_script, prefix_, std::move(arguments));
    std::vector<std::string> entries;
    for (const auto& entry : reply.array()) entries.push_back(entry.text());
    co_return entries;
}

Task<std::optional<QueuedJob>> RedisPageQueue::fetch(int shard, std::string entry) {
    std::vector<std::string> command{"XRANGE", queue_key(shard), entry, entry};
    auto reply = co_await connection_->command(std::move(command));
    auto entries = reply.take_array();
    if (entries.empty()) co_return std::nullopt;
    co_return read_entry(shard, std::move(entries.front()));
}

Task<std::vector<int>> RedisPageQueue::start(std::vector<core::Link> links) {
    std::vector<int> before;
    if (links.empty()) co_return before;
    auto arguments = texts(links);
    const auto reply = co_await connection_->run(start_script, prefix_, std::move(arguments));
    for (const auto& count : reply.array()) before.push_back(static_cast<int>(count.integer()));
    core::hit(core::Failpoint::after_start);
    co_return before;
}

Task<> RedisPageQueue::give_back(std::vector<core::Link> links) {
    if (links.empty()) co_return;
    auto arguments = texts(links);
    co_await connection_->run(give_back_script, prefix_, std::move(arguments));
}

Task<> RedisPageQueue::acknowledge(std::vector<Acknowledgement> done) {
    if (done.empty()) co_return;
    std::vector<std::vector<std::string>> calls;
    for (std::size_t i = 0; i < done.size(); ++i) {
        if (i % acknowledge_step == 0) calls.emplace_back();
        const auto& one = done[i];
        for (auto& argument : {std::to_string(one.shard), one.entry, std::to_string(one.slice),
                               std::to_string(one.seq), one.link.str(), one.previous.str(),
                               std::to_string(one.bytes), std::string(one.committed ? "1" : ""),
                               std::string(one.ended ? "1" : "")}) {
            calls.back().push_back(argument);
        }
    }
    co_await connection_->run_each(acknowledge_script, prefix_, std::move(calls));
    core::hit(core::Failpoint::after_ack);
}

Task<QueueTotals> RedisPageQueue::totals() {
    std::vector<std::string> nothing;
    const auto reply = co_await connection_->run(queue_totals_script, prefix_, std::move(nothing));
    QueueTotals totals;
    totals.jobs = reply.at(0).integer();
    totals.bytes = reply.at(1).integer();
    totals.bytes_reserved = reply.at(2).integer();
    totals.oldest_seconds = static_cast<double>(reply.at(3).integer()) / 1000;
    telemetry_.set(Metric::queue_jobs, {source_}, static_cast<double>(totals.jobs));
    telemetry_.set(Metric::queue_bytes, {source_}, static_cast<double>(totals.bytes));
    telemetry_.set(Metric::queue_age_seconds, {source_}, totals.oldest_seconds);
    co_return totals;
}

}  // namespace pawl::queue
