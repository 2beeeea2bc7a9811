#include "app/pipeline.hpp"

#include <algorithm>

#include "app/api_access.hpp"
#include "app/source_ports.hpp"
#include "collector/collector.hpp"
#include "collector/credentials.hpp"
#include "collector/planner.hpp"
#include "core/errors.hpp"
#include "core/log.hpp"
#include "worker/worker.hpp"

namespace pawl::app {

namespace {

storage::PgPageStore::Options store_options(const core::Settings& settings) {
    storage::PgPageStore::Options options;
    options.url = settings.postgres.url;
    options.writers = settings.postgres.writers;
    options.quiet = settings.lease * 2;
    return options;
}

collector::PlannerOptions planner_options(const core::Settings& settings, const PipelineOptions& options) {
    collector::PlannerOptions planner;
    planner.mode = options.mode;
    planner.slice_class = options.slice_class;
    planner.streams = options.streams;
    planner.offers_max = settings.offers_max;
    planner.quiet = settings.lease * 2;
    planner.adopt_redis = options.adopt_redis;
    return planner;
}

collector::CollectorOptions collector_options(const core::Settings& settings, const PipelineOptions& options) {
    collector::CollectorOptions collector;
    collector.owner = options.slot;
    collector.walks_max = static_cast<std::size_t>(settings.http.walks_max);
    collector.lease = settings.lease;
    collector.drain = settings.drain;
    collector.connect_timeout = settings.http.connect_timeout;
    collector.request_timeout = settings.http.request_timeout;
    collector.body_max = settings.http.body_max;
    return collector;
}

worker::WorkerSettings worker_settings(const core::Settings& settings, const PipelineOptions& options) {
    worker::WorkerSettings worker;
    worker.writers = settings.postgres.writers;
    worker.batch.pages = settings.postgres.batch_pages;
    worker.batch.bytes = settings.postgres.batch_bytes;
    worker.batch_age = settings.postgres.batch_age;
    worker.lease = settings.lease;
    worker.slot = options.slot;
    worker.body_max = settings.http.body_max;
    return worker;
}

}  // namespace

/// What works on one source.
struct Pipeline::Part {
    Part(Session& session, const std::string& source, std::shared_ptr<queue::RedisConnection> redis)
        : reading(session.redis()), ports(session, source, std::move(redis), reading) {}

    std::shared_ptr<queue::RedisConnection> reading;  // blocks in XREAD: one per source
    SourcePorts ports;
    std::unique_ptr<collector::Planner> planner;
    std::unique_ptr<collector::Collector> collector;
    std::shared_ptr<worker::Worker> worker;
    std::shared_ptr<const core::SourceFile> file;
    std::unique_ptr<Forecaster> forecaster;  // PlanMode::once
};

Pipeline::Pipeline(Session& session, PipelineOptions options)
    : session_(session),
      options_(std::move(options)),
      redis_(session.redis()),
      http_(session.context.get_executor(), curl_settings(session.settings)),
      catalogue_(session.postgres),
      store_(store_options(session.settings), session.threads),
      progress_(session.postgres),
      backlog_(session.postgres),
      keys_(session.settings.secrets_dir),
      tokens_(session.postgres) {
    catalogue_.set_split_walks(split_walks());
}

Pipeline::~Pipeline() = default;

core::Task<> Pipeline::claim_redis(Sources sources) {
    for (const auto& source : sources) {
        SourcePorts ports(session_, source->name, redis_, redis_);
        const auto known = co_await ports.frontiers.instance();
        if (!known || known->instance == options_.instance) continue;
        if (!options_.adopt_redis)
            throw core::ConfigError("the Redis at " + session_.redis_address() + " belongs to another catalogue (" +
                                    known->instance.str() + ") than the Postgres at " + session_.postgres_address() +
                                    " (" + options_.instance.str() +
                                    ").\nUse the Redis that belongs to it, or take this one over with --adopt-redis.");
        (void)co_await ports.frontiers.adopt(options_.instance, true, queue::Frontiers::Past::unknown);
        core::log::warn("Redis taken over from another catalogue", {{"source", source->name}});
    }
}

storage::SplitWalks Pipeline::split_walks() const {
    return session_.settings.accept_changes ? storage::SplitWalks::cancel : storage::SplitWalks::refuse;
}

core::Task<> Pipeline::check_changes(Sources sources) {
    for (const auto& source : sources) co_await storage::check_mappings(session_.postgres, source, split_walks());
}

std::vector<collector::Account> Pipeline::accounts_of(const core::SourceFile& source) const {
    if (options_.role == Role::worker) return {};
    return collector::load_accounts(source, session_.invocation.environment, session_.settings.secrets_dir);
}

std::unique_ptr<Pipeline::Part> Pipeline::make_part(const std::shared_ptr<const core::SourceFile>& source,
                                                    std::vector<collector::Account> accounts) {
    auto part = std::make_unique<Part>(session_, source->name, redis_);
    auto& ports = part->ports;
    part->file = source;
    if (options_.mode == collector::PlanMode::once)
        part->forecaster = std::make_unique<Forecaster>(backlog_, session_.clock, forecaster_options(*source));
    if (options_.role != Role::worker) {
        ports.quota.take_slot(options_.slot);
        part->planner = std::make_unique<collector::Planner>(
            source,
            collector::PlannerPorts{ports.frontiers, catalogue_, session_.clock, *session_.telemetry},
            planner_options(session_.settings, options_));
        part->collector = std::make_unique<collector::Collector>(
            source, std::move(accounts),
            collector::CollectorPorts{ports.frontiers, ports.quota, catalogue_, http_, session_.clock, session_.random,
                                      *session_.threads, *session_.telemetry},
            collector_options(session_.settings, options_),
            collector::tokens_of(
                *source, session_.settings.secrets_dir,
                collector::TokenPorts{http_, session_.clock, session_.random, *session_.telemetry, &tokens_},
                collector::TokenOptions{session_.settings.http.connect_timeout,
                                        session_.settings.http.request_timeout}));
    }
    if (options_.role != Role::collector) {
        // An alert on growth needs the zero before it.
        for (const auto& stream : source->streams)
            session_.telemetry->add(core::Metric::dead_letters, {source->name, stream.name}, 0);
        part->worker = std::make_shared<worker::Worker>(
            session_.context.get_executor(), source, options_.instance,
            worker::WorkerPorts{ports.pages, ports.frontiers, store_, catalogue_, session_.clock, session_.random,
                                *session_.threads, *session_.telemetry},
            worker_settings(session_.settings, options_));
    }
    return part;
}

ForecasterOptions Pipeline::forecaster_options(const core::SourceFile& source) const {
    ForecasterOptions forecaster;
    forecaster.streams = options_.streams;
    forecaster.keys = readable_keys(source, session_.invocation.environment, session_.settings.secrets_dir);
    forecaster.walks_max = session_.settings.http.walks_max;
    return forecaster;
}

void Pipeline::apply(const Sources& sources) {
    std::map<std::string, std::vector<collector::Account>> accounts;
    for (const auto& source : sources) {
        (void)keys_.changed(*source);  // before they are read: what changes meanwhile is read again
        accounts.emplace(source->name, accounts_of(*source));
    }
    std::map<std::string, std::unique_ptr<Part>> fresh;
    for (const auto& source : sources)
        if (!parts_.contains(source->name))
            fresh.emplace(source->name, make_part(source, std::move(accounts[source->name])));
    for (const auto& source : sources) {
        const auto found = parts_.find(source->name);
        if (found == parts_.end()) continue;
        found->second->file = source;
        if (found->second->planner) found->second->planner->reload(source);
        if (found->second->collector)
            found->second->collector->reload(source, std::move(accounts[source->name]));
        if (found->second->worker) found->second->worker->reload(source);
    }
    for (auto& [name, part] : fresh) {
        start(*part);
        parts_.emplace(name, std::move(part));
    }
    sources_ = sources;
}

void Pipeline::take_up_keys() {
    for (const auto& source : sources_) {
        const auto found = parts_.find(source->name);
        if (found == parts_.end() || !found->second->collector || !keys_.changed(*source)) continue;
        try {
            found->second->collector->replace_keys(accounts_of(*source));
            core::log::info("Keys have changed and are read again", {{"source", source->name}});
        } catch (const core::ConfigError& error) {
            core::log::error("Keys have changed and cannot be used, going on with the old ones",
                             {{"source", source->name}, {"problem", error.what()}});
        }
    }
}

void Pipeline::start(Part& part) {
    const auto executor = session_.context.get_executor();
    if (part.planner) core::spawn(executor, "planner", carry(part.planner->run(), &collecting_));
    if (part.collector) core::spawn(executor, "collector", carry(part.collector->run(), &collecting_));
    if (part.worker) core::spawn(executor, "worker", carry(part.worker->run(), &working_));
}

/// One part from its start to its end. What only a person can mend ends all of them.
core::Task<> Pipeline::carry(core::Task<> work, int* running) {
    ++*running;
    try {
        co_await std::move(work);
    } catch (const core::ConfigError&) {
        if (!failure_) failure_ = std::current_exception();
    }
    --*running;
}

void Pipeline::stop_collecting() {
    for (auto& [name, part] : parts_) {
        if (part->planner) part->planner->stop();
        if (part->collector) part->collector->stop();
    }
}

void Pipeline::stop_working() {
    for (auto& [name, part] : parts_)
        if (part->worker) part->worker->stop();
}

bool Pipeline::is_drained() const {
    return std::all_of(parts_.begin(), parts_.end(), [](const auto& entry) {
        return !entry.second->planner || entry.second->planner->drained();
    });
}

bool Pipeline::is_planned_elsewhere() const {
    return std::all_of(parts_.begin(), parts_.end(), [](const auto& entry) {
        const auto& planner = entry.second->planner;
        return !planner || planner->drained() || !planner->planning();
    });
}

core::Task<std::int64_t> Pipeline::left() {
    std::int64_t left = 0;
    for (const auto& [name, part] : parts_) {
        const auto remaining = co_await catalogue_.remaining(name, options_.streams);
        left += remaining.open_slices + remaining.due_partitions;
    }
    co_return left;
}

std::string Pipeline::refused_source() const {
    for (const auto& [name, part] : parts_)
        if (part->collector && part->collector->credentials_refused()) return name;
    return {};
}

core::Task<std::vector<Snapshot>> Pipeline::look(SnapshotDetail detail) {
    auto snapshots = co_await look_at(&progress_, detail);
    co_return snapshots;
}

core::Task<std::vector<Snapshot>> Pipeline::look_at_redis() {
    auto snapshots = co_await look_at(nullptr, SnapshotDetail::numbers);
    co_return snapshots;
}

core::Task<std::vector<Snapshot>> Pipeline::look_at(storage::Progress* progress, SnapshotDetail detail) {
    std::vector<Snapshot> snapshots;
    for (const auto& [name, part] : parts_) {
        Snapshot begun;
        begun.source = name;
        begun.queue_bytes_max = session_.settings.redis.queue_bytes_max;
        const auto ports = part->ports.snapshot_ports(progress);
        begun.taken_at = session_.clock.now();
        auto snapshot = co_await take_snapshot(ports, std::move(begun), detail);
        const bool both_answered = snapshot.postgres_error.empty() && snapshot.redis_error.empty();
        if (progress != nullptr && part->forecaster && both_answered)
            snapshot.outlook = co_await part->forecaster->look(part->file, &snapshot);
        snapshots.push_back(std::move(snapshot));
    }
    co_return snapshots;
}

core::Task<> Pipeline::ping_postgres() {
    const std::string name = parts_.empty() ? "" : parts_.begin()->first;
    (void)co_await catalogue_.last_schedule(name);
}

}  // namespace pawl::app
