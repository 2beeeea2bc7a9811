#include "app/gauges.hpp"

#include "core/errors.hpp"
#include "core/redact.hpp"

namespace pawl::app {

namespace {

using core::Metric;

constexpr core::Millis refresh_every{5'000};
constexpr core::Millis gauge_nap{200};  // how soon a stop is noticed

}  // namespace

Gauges::Gauges(Session& session, Pipeline& pipeline, std::shared_ptr<Health> health)
    : session_(session), pipeline_(pipeline), health_(std::move(health)) {}

core::Task<> Gauges::watch_redis() {
    while (!is_stopping_) {
        const auto snapshots = co_await pipeline_.look_at_redis();
        std::string error;
        for (const auto& snapshot : snapshots) {
            if (!snapshot.redis_error.empty())
                error = snapshot.redis_error;
            else
                show(snapshot);
        }
        set_up("redis", error);
        co_await pause();
    }
}

core::Task<> Gauges::watch_postgres() {
    bool loaded = false;
    while (!is_stopping_) {
        std::string error;
        try {
            co_await pipeline_.ping_postgres();
            if (!loaded) co_await load_freshness();
            loaded = true;
        } catch (const core::TransientError& away) {
            error = core::redact(away.what());
        } catch (const core::ConfigError& refused) {
            error = core::redact(refused.what());
        }
        set_up("postgres", error);
        co_await pause();
    }
}

core::Task<> Gauges::load_freshness() {
    const auto streams = co_await pipeline_.progress().streams("");
    for (const auto& stream : streams) {
        if (!stream.last_commit) continue;
        const double seconds =
            std::chrono::duration<double>(stream.last_commit->time_since_epoch()).count();
        session_.telemetry->set(Metric::last_success_timestamp_seconds,
                                {stream.source, stream.stream}, seconds);
    }
}

core::Task<> Gauges::pause() {
    for (core::Millis left = refresh_every; left.count() > 0 && !is_stopping_; left -= gauge_nap)
        co_await session_.clock.sleep(gauge_nap);
}

void Gauges::show(const Snapshot& snapshot) {
    auto& telemetry = *session_.telemetry;
    const auto& source = snapshot.source;
    telemetry.set(Metric::queue_jobs, {source}, static_cast<double>(snapshot.queue.jobs));
    telemetry.set(Metric::queue_bytes, {source}, static_cast<double>(snapshot.queue.bytes));
    telemetry.set(Metric::queue_age_seconds, {source}, snapshot.queue.oldest_seconds);
    telemetry.set(
        Metric::slices, {source, "offered"},
        static_cast<double>(snapshot.slices.offered()));
    telemetry.set(Metric::slices, {source, "leased"}, static_cast<double>(snapshot.slices.leased));
    for (const auto& limit : snapshot.quota) {
        telemetry.set(Metric::quota_limit, {source, limit.owner, limit.name},
                      static_cast<double>(limit.limit));
        telemetry.set(Metric::quota_remaining, {source, limit.owner, limit.name},
                      static_cast<double>(limit.remaining));
        telemetry.set(Metric::quota_reset_seconds, {source, limit.owner, limit.name},
                      limit.reset_seconds);
        telemetry.set(Metric::quota_in_flight, {source, limit.owner, limit.name},
                      static_cast<double>(limit.in_flight));
        telemetry.set(Metric::quota_blocked, {source, limit.owner, limit.name}, limit.blocked ? 1 : 0);
        telemetry.set(Metric::quota_lapsed, {source, limit.owner, limit.name}, static_cast<double>(limit.lapsed));
        if (limit.last_limit > 0)
            telemetry.set(Metric::quota_last_window_ratio, {source, limit.owner, limit.name},
                          static_cast<double>(limit.last_used) / static_cast<double>(limit.last_limit));
    }
    telemetry.set(Metric::keys_refused, {source}, static_cast<double>(snapshot.quarantined.size()));
}

void Gauges::set_up(const std::string& dependency, const std::string& error) {
    session_.telemetry->set(Metric::dependency_up, {dependency}, error.empty() ? 1 : 0);
    health_->set_dependency(dependency, error.empty(), error);
}

}  // namespace pawl::app
