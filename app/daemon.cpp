#include "app/daemon.hpp"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <csignal>

#include "app/reach.hpp"
#include "app/text_table.hpp"
#include "core/errors.hpp"
#include "core/log.hpp"
#include "core/redact.hpp"

namespace pawl::app {

namespace {

constexpr core::Millis nap{100};              // how soon a stop is noticed
constexpr core::Millis contact_pause{2'000};  // between tries to reach a server at the start
constexpr core::Millis status_every{10'000};
constexpr core::Millis keys_every{5'000};  // how soon changed files of keys are noticed

PipelineOptions pipeline_options(const Session& session, const std::string& slot) {
    PipelineOptions options;
    options.role = session.invocation.role;
    options.adopt_redis = session.invocation.adopt_redis;
    options.slot = slot;
    return options;
}

std::string names_of(const Sources& sources) {
    std::string names;
    for (const auto& source : sources) names += (names.empty() ? "" : ", ") + source->name;
    return names;
}

}  // namespace

Daemon::Daemon(Session& session)
    : session_(session),
      sources_(load_sources(source_files(source_paths(session.settings)),
                            session.invocation.environment)),
      slot_(Slot::take(session.settings.state_dir, session.settings.slot)),
      signals_(session.context, SIGTERM, SIGINT, SIGHUP) {
    if (!session.settings.http.listen.empty())
        endpoint_.emplace(session.context, session.settings.http.listen, session.telemetry,
                          health_);
}

core::Task<core::ExitCode> Daemon::live() {
    core::log::info(
        "Started",
        {{"version", PAWL_VERSION}, {"slot", slot_.name()}, {"sources", names_of(sources_)}});
    if (endpoint_) {
        endpoint_->start();
        core::log::info("Metrics and health are served", {{"address", endpoint_->address()}});
    }
    go("signals", heed_signals());
    go("watchdog", feed_watchdog());
    co_await make_contact();
    go("keys", watch_keys());
    if (!is_stopping_) {
        pipeline_->apply(sources_);
        supervisor_.ready("collecting " + names_of(sources_));
        if (is_reload_wanted_) co_await reload();
        go("redis gauges", gauges_->watch_redis());
        go("postgres gauges", gauges_->watch_postgres());
        go("status", tell_status());
        co_await run_until_stopped();
    }
    co_await drain();
    if (pipeline_ && pipeline_->failure()) std::rethrow_exception(pipeline_->failure());
    core::log::info("Stopped", {{"slot", slot_.name()}});
    co_return core::ExitCode::ok;
}

/// A service waits for its servers as long as it takes: the machine may just have started.
core::Task<> Daemon::make_contact() {
    supervisor_.status("waiting for Redis and Postgres");
    std::string told;
    while (!is_stopping_) {
        std::string reason;
        try {
            auto options = pipeline_options(session_, slot_.name());
            options.instance = co_await contact_postgres(session_);
            health_->set_dependency("postgres", true);
            auto pipeline = std::make_unique<Pipeline>(session_, std::move(options));
            co_await pipeline->claim_redis(sources_);
            co_await pipeline->check_changes(sources_);
            pipeline_ = std::move(pipeline);
            health_->set_dependency("redis", true);
            gauges_.emplace(session_, *pipeline_, health_);
            co_return;
        } catch (const core::TransientError& error) {
            reason = core::redact(error.what());
        }
        if (reason != told)
            core::log::warn("Waiting for Redis and Postgres",
                            {{"redis", session_.redis_address()},
                             {"postgres", session_.postgres_address()},
                             {"reason", reason}});
        told = reason;
        for (core::Millis left = contact_pause; left.count() > 0 && !is_stopping_; left -= nap)
            co_await session_.clock.sleep(nap);
    }
}

core::Task<> Daemon::run_until_stopped() {
    while (!is_stopping_ && !pipeline_->failure()) co_await session_.clock.sleep(nap);
}

/// Pages in hand reach the queue, then batches in work are committed; all of it within `drain`.
/// What is not done by then is done by whoever comes next: it is on the queue, or will be asked for
/// again.
core::Task<> Daemon::drain() {
    is_stopping_ = true;
    health_->set_stopping();
    supervisor_.stopping("draining");
    if (gauges_) gauges_->stop();
    const auto end = session_.clock.steady() + session_.settings.drain;
    if (pipeline_) {
        core::log::info(
            "Stopping, work in hand is finished",
            {{"within",
              duration_text(std::chrono::duration<double>(session_.settings.drain).count())}});
        pipeline_->stop_collecting();
        while (pipeline_->is_collecting() && session_.clock.steady() < end)
            co_await session_.clock.sleep(nap);
        pipeline_->stop_working();
        while (pipeline_->is_working() && session_.clock.steady() < end)
            co_await session_.clock.sleep(nap);
    }
    is_over_ = true;
    signals_.cancel();
    if (endpoint_) endpoint_->stop();
    while (running_ > 0 && session_.clock.steady() < end + nap * 5)
        co_await session_.clock.sleep(nap);
    if (pipeline_ && (pipeline_->is_collecting() || pipeline_->is_working()))
        core::log::warn("The time to drain is over, the rest is done by the next process");
}

core::Task<> Daemon::heed_signals() {
    while (!is_over_) {
        boost::system::error_code error;
        const int signal = co_await signals_.async_wait(
            boost::asio::redirect_error(boost::asio::use_awaitable, error));
        if (error) co_return;
        if (signal == SIGHUP)
            co_await reload();
        else
            is_stopping_ = true;
    }
}

/// A file that is wrong changes nothing: what runs goes on as it was.
core::Task<> Daemon::reload() {
    is_reload_wanted_ = !pipeline_;  // there is nothing yet to go on with the new files
    if (!pipeline_ || is_stopping_) co_return;
    supervisor_.reloading();
    try {
        auto fresh = load_sources(source_files(source_paths(session_.settings)),
                                  session_.invocation.environment);
        co_await pipeline_->check_changes(fresh);
        if (is_stopping_) co_return;
        pipeline_->go_by_new_tables();
        pipeline_->apply(fresh);
        for (const auto& old : sources_) {
            const auto is_same = [&](const auto& source) { return source->name == old->name; };
            if (std::none_of(fresh.begin(), fresh.end(), is_same))
                core::log::warn("A source is gone from the files; it is collected until a restart",
                                {{"source", old->name}});
        }
        sources_ = std::move(fresh);
        core::log::info("Source files read again", {{"sources", names_of(sources_)}});
    } catch (const core::ConfigError& error) {
        core::log::error("Source files are wrong, going on with the old ones",
                         {{"problems", error.what()}});
    } catch (const core::TransientError& error) {
        core::log::error("Source files cannot be checked against what is stored, going on with the old ones",
                         {{"problems", core::redact(error.what())}});
    }
    supervisor_.ready("collecting " + names_of(sources_));
}

core::Task<> Daemon::feed_watchdog() {
    const auto interval = supervisor_.watchdog_interval();
    if (!interval) co_return;
    core::Micros since = *interval;
    while (!is_over_) {
        if (since >= *interval) {
            supervisor_.alive();
            since = core::Micros(0);
        }
        const core::Micros step = std::min<core::Micros>(*interval, nap);
        co_await session_.clock.sleep(step);
        since += step;
    }
}

core::Task<> Daemon::watch_keys() {
    while (!is_stopping_) {
        if (pipeline_) pipeline_->take_up_keys();
        for (core::Millis left = keys_every; left.count() > 0 && !is_stopping_; left -= nap)
            co_await session_.clock.sleep(nap);
    }
}

core::Task<> Daemon::tell_status() {
    while (!is_stopping_) {
        const auto snapshots = co_await pipeline_->look_at_redis();
        std::string line;
        for (const auto& snapshot : snapshots) {
            line += (line.empty() ? "" : "; ") + snapshot.source + ": queue " +
                    grouped(snapshot.queue.jobs) + ", " + grouped(snapshot.slices.leased) +
                    " slices walked";
            for (const auto& wait : what_it_waits_for(snapshot)) line += ", waits for " + wait;
        }
        supervisor_.status(line);
        for (core::Millis left = status_every; left.count() > 0 && !is_stopping_; left -= nap)
            co_await session_.clock.sleep(nap);
    }
}

core::Task<> Daemon::counted(core::Task<> work) {
    ++running_;
    co_await std::move(work);
    --running_;
}

void Daemon::go(const char* name, core::Task<> work) {
    core::spawn(session_.context.get_executor(), name, counted(std::move(work)));
}

}  // namespace pawl::app
