#include "app/one_shot.hpp"

#include <unistd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>

#include "app/gauges.hpp"
#include "app/http_endpoint.hpp"
#include "app/leave.hpp"
#include "app/pipeline.hpp"
#include "app/progress_writer.hpp"
#include "app/reach.hpp"
#include "app/slot.hpp"
#include "core/errors.hpp"
#include "core/log.hpp"

namespace pawl::app {

namespace {

constexpr core::Millis end_nap{50};            // how soon the end is noticed
constexpr core::Millis look_every{2'000};  // at Postgres and Redis, for progress
constexpr core::Millis left_every{2'000};  // at the catalogue, while another process plans
constexpr int empty_looks_enough = 2;      // in a row, while another process plans
constexpr int killed_by_interrupt = 130;   // what shells show for a second Ctrl-C

/// One run of a one-shot command.
class Collection {
  public:
    Collection(Session& session, OneShot wanted);

    core::Task<core::ExitCode> run();
    [[nodiscard]] bool has_ended() const {
        return running_ == 0 &&
               (!pipeline_ || (!pipeline_->is_collecting() && !pipeline_->is_working()));
    }

  private:
    enum class End : std::uint8_t { drained, interrupted, refused, failed };

    core::Task<> make_contact();
    core::Task<End> work();
    core::Task<bool> is_done();
    core::Task<> drain(End end);
    core::Task<> heed_signals();
    core::Task<> look();
    core::Task<> counted(core::Task<> work);
    core::ExitCode conclude(End end);
    void go(const char* name, core::Task<> work);

    Session& session_;
    OneShot wanted_;
    Slot slot_;
    boost::asio::signal_set signals_;
    std::shared_ptr<Health> health_ = std::make_shared<Health>();
    std::optional<HttpEndpoint> endpoint_;
    std::unique_ptr<Pipeline> pipeline_;
    std::optional<Gauges> gauges_;
    ProgressWriter progress_;
    core::SteadyTime next_left_{};
    int empty_looks_ = 0;
    bool is_interrupted_ = false;
    int running_ = 0;
};

Collection::Collection(Session& session, OneShot wanted)
    : session_(session),
      wanted_(std::move(wanted)),
      slot_(Slot::take(session.settings.state_dir, session.settings.slot)),
      signals_(session.context, SIGINT, SIGTERM),
      progress_(session.clock.steady(), wanted_.streams, session.invocation) {
    // Metrics only where they were asked for: the default address belongs to the service.
    if (session.invocation.settings.contains("http.listen") &&
        !session.settings.http.listen.empty())
        endpoint_.emplace(session.context, session.settings.http.listen, session.telemetry,
                          health_);
}

core::Task<core::ExitCode> Collection::run() {
    go("signals", heed_signals());
    co_await make_contact();
    pipeline_->apply(wanted_.sources);
    co_await look();
    if (endpoint_) {
        endpoint_->start();
        go("redis gauges", gauges_->watch_redis());
        go("postgres gauges", gauges_->watch_postgres());
    }
    const End end = co_await work();
    co_await drain(end);
    if (end == End::failed) std::rethrow_exception(pipeline_->failure());
    co_return conclude(end);
}

core::Task<> Collection::make_contact() {
    const auto redis = session_.redis();
    co_await reach_redis(session_, redis);
    PipelineOptions options;
    options.mode = collector::PlanMode::once;
    options.slice_class = wanted_.slice_class;
    options.streams = wanted_.streams;
    options.adopt_redis = session_.invocation.adopt_redis;
    options.slot = slot_.name();
    options.instance = co_await reach_postgres(session_);
    pipeline_ = std::make_unique<Pipeline>(session_, std::move(options));
    co_await pipeline_->claim_redis(wanted_.sources);
    co_await pipeline_->check_changes(wanted_.sources);
    gauges_.emplace(session_, *pipeline_, health_);
}

core::Task<Collection::End> Collection::work() {
    auto next_look = session_.clock.steady() + look_every;
    while (true) {
        if (pipeline_->failure()) co_return End::failed;
        if (is_interrupted_) co_return End::interrupted;
        if (!pipeline_->refused_source().empty()) co_return End::refused;
        const bool done = co_await is_done();
        if (done) co_return End::drained;
        if (session_.clock.steady() >= next_look) {
            co_await look();
            pipeline_->take_up_keys();
            next_look = session_.clock.steady() + look_every;
        }
        co_await session_.clock.sleep(end_nap);
    }
}

/// The planner knows; while another process plans, the catalogue is asked, and must say so twice.
core::Task<bool> Collection::is_done() {
    if (pipeline_->is_drained()) co_return true;
    const auto now = session_.clock.steady();
    if (!pipeline_->is_planned_elsewhere() || now < next_left_) co_return false;
    next_left_ = now + left_every;
    try {
        const auto left = co_await pipeline_->left();
        empty_looks_ = left == 0 ? empty_looks_ + 1 : 0;
    } catch (const core::TransientError&) {
        empty_looks_ = 0;  // Postgres is away: the parts wait, and progress tells
    }
    co_return empty_looks_ > empty_looks_enough;
}

core::Task<> Collection::look() {
    auto snapshots = co_await pipeline_->look(SnapshotDetail::numbers);
    progress_.update(session_.clock.steady(), std::move(snapshots));
}

/// Pages in hand reach the queue; what is on the queue is committed as far as time allows. Then all
/// stops.
core::Task<> Collection::drain(End end) {
    const auto until = session_.clock.steady() + session_.settings.drain;
    if (end == End::interrupted)
        progress_.say("Stopping: work in hand is finished. Ctrl-C again to stop at once.");
    gauges_->stop();
    pipeline_->stop_collecting();
    while (pipeline_->is_collecting() && session_.clock.steady() < until)
        co_await session_.clock.sleep(end_nap);
    if (end == End::interrupted || end == End::refused) {
        const auto commits_until = session_.clock.steady() + (until - session_.clock.steady()) / 2;
        bool empty = false;
        while (!empty && session_.clock.steady() < commits_until) {
            const auto snapshots = co_await pipeline_->look_at_redis();
            empty = true;
            for (const auto& snapshot : snapshots) empty = empty && snapshot.queue.jobs == 0;
            if (!empty) co_await session_.clock.sleep(end_nap * 4);
        }
    }
    pipeline_->stop_working();
    while (pipeline_->is_working() && session_.clock.steady() < until)
        co_await session_.clock.sleep(end_nap);
    co_await look();
    signals_.cancel();
    if (endpoint_) endpoint_->stop();
    while (running_ > 0 && session_.clock.steady() < until) co_await session_.clock.sleep(end_nap);
}

core::ExitCode Collection::conclude(End end) {
    progress_.finish();
    if (end == End::interrupted) {
        progress_.say("Stopped before the end. What is stored stays; go on with:\n  " +
                      wanted_.resume);
        return core::ExitCode::failure;
    }
    if (end == End::refused)
        throw core::RefusedError("the API refuses every key of source '" +
                                 pipeline_->refused_source() +
                                 "'. Replace the keys, then go on with:\n  " + wanted_.resume);
    if (!progress_.has_losses()) return core::ExitCode::ok;
    progress_.say("Finished with dead letters or failed slices: pawl status tells which.");
    return core::ExitCode::finished_with_losses;
}

core::Task<> Collection::heed_signals() {
    boost::system::error_code error;
    (void)co_await signals_.async_wait(
        boost::asio::redirect_error(boost::asio::use_awaitable, error));
    if (error) co_return;
    is_interrupted_ = true;
    (void)co_await signals_.async_wait(
        boost::asio::redirect_error(boost::asio::use_awaitable, error));
    if (!error)
        leave_without_destructors(session_, static_cast<core::ExitCode>(killed_by_interrupt));
}

core::Task<> Collection::counted(core::Task<> task) {
    ++running_;
    co_await std::move(task);
    --running_;
}

void Collection::go(const char* name, core::Task<> task) {
    core::spawn(session_.context.get_executor(), name, counted(std::move(task)));
}

}  // namespace

core::ExitCode collect_once(Session& session, OneShot wanted) {
    Collection collection(session, std::move(wanted));
    const auto code = session.wait_for(collection.run());
    if (!collection.has_ended()) leave_without_destructors(session, code);
    return code;
}

Invocation quiet_on_terminal(Invocation invocation) {
    const bool chosen = invocation.settings.contains("log.level") ||
                        invocation.environment.contains("PAWL_LOG_LEVEL");
    if (!chosen && ::isatty(STDERR_FILENO) == 1) invocation.settings["log.level"] = "warn";
    return invocation;
}

std::string command_to_resume(const Invocation& invocation) {
    const auto quoted = [](const std::string& word) {
        const bool plain =
            !word.empty() && word.find_first_not_of(
                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789_-./=:,@%+") == std::string::npos;
        if (plain) return word;
        std::string out = "'";
        for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
        return out + "'";
    };
    std::string line = "pawl " + invocation.command;
    for (const auto& name : invocation.names) line += " " + quoted(name);
    if (!invocation.config_file.empty()) line += " --config " + quoted(invocation.config_file);
    for (const auto& path : invocation.sources) line += " --sources " + quoted(path);
    for (const auto& [name, value] : invocation.settings) {
        // URLs may hold passwords: they come from wherever this command had them.
        if (name == "redis.url" || name == "postgres.url")
            line += " --" + name.substr(0, name.find('.')) + " …";
        else if (name == "local")
            line += " --local";
        else if (name == "state_dir")
            line += " --state-dir " + quoted(value);
        else
            line += " --set " + quoted(name + "=" + value);
    }
    return line;
}

}  // namespace pawl::app
