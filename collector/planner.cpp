#include "collector/planner.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"

namespace pawl::collector {

namespace {

using core::Metric;
using queue::Offer;
using queue::OfferAnswer;

constexpr core::Micros plan_pause =
    std::chrono::milliseconds(200);  // something was found: look again soon
constexpr core::Micros idle_pause = std::chrono::seconds(1);
constexpr core::Micros stores_away_pause = std::chrono::seconds(1);  // Redis or Postgres does not answer
constexpr core::Micros lock_pause = std::chrono::seconds(2);  // another process plans
constexpr core::Micros outdated_pause =
    std::chrono::seconds(10);                                 // a newer configuration is in force
constexpr core::Micros nap = std::chrono::milliseconds(100);  // how soon a stop is noticed
constexpr std::size_t forget_per_call = 500;

std::vector<std::string> scanned_of(const core::SourceFile& source,
                                    const std::vector<std::string>& asked) {
    auto streams = scanned_streams(source);
    if (!asked.empty())
        std::erase_if(streams, [&](const std::string& stream) {
            return std::find(asked.begin(), asked.end(), stream) == asked.end();
        });
    return streams;
}

bool same_tip(const core::Tip& a, const core::Tip& b) { return a.seq == b.seq && a.link == b.link; }

std::vector<core::SliceId> ids_of(const std::vector<Offer>& offers) {
    std::vector<core::SliceId> ids;
    for (const auto& offer : offers) ids.push_back(offer.slice.slice);
    return ids;
}

}  // namespace

Planner::Planner(std::shared_ptr<const core::SourceFile> source, PlannerPorts ports,
                 PlannerOptions options)
    : source_(std::move(source)),
      ports_(ports),
      options_(std::move(options)),
      passes_(scanned_of(*source_, options_.streams)) {}

void Planner::reload(std::shared_ptr<const core::SourceFile> source) {
    source_ = std::move(source);
    passes_ = ScanPasses(scanned_of(*source_, options_.streams));
    enrolled_ = false;
}

core::Task<> Planner::run() {
    while (!stopping_) {
        core::Micros pause = stores_away_pause;
        try {
            pause = co_await step();
            if (away_told_) core::log::info("Planning goes on", {{"source", source_->name}});
            away_told_ = false;
        } catch (const core::TransientError& error) {
            if (!away_told_)
                core::log::warn("Planning waits",
                                {{"source", source_->name}, {"error", error.what()}});
            away_told_ = true;
        }
        for (; pause.count() > 0 && !stopping_; pause -= nap) {
            const auto now = std::min(pause, nap);
            co_await ports_.clock.sleep(now);
        }
    }
    co_await give_up_lock();
}

// One look at what is due. Returns how long to wait until the next.
core::Task<core::Micros> Planner::step() {
    planning_ = co_await ports_.catalogue.hold_planner_lock(source_->name);
    if (!planning_) {
        enrolled_ = false;
        if (!waiting_told_)
            core::log::info("Another process plans this source, waiting",
                            {{"source", source_->name}});
        waiting_told_ = has_waited_ = true;
        co_return lock_pause;
    }
    waiting_told_ = false;
    const bool may_plan = co_await enroll();
    if (!may_plan) co_return outdated_pause;
    co_await know_redis();
    core::hit(core::Failpoint::in_plan);
    if (options_.mode == PlanMode::once && !fired_) {
        const bool looked = co_await look_for_rest();
        if (!looked) co_return core::Micros{0};
    }
    const bool fired = co_await fire_schedule();
    const auto scanned = co_await scan();
    const bool offered = co_await offer_due();
    if (options_.mode == PlanMode::once) co_await look_for_the_end();
    // A table of which most rows are new is read on at once; one that is looked through again, a step at a time.
    if (scanned.after && scanned.added * 2 > static_cast<std::int64_t>(options_.scan_rows)) co_return core::Micros{0};
    co_return fired || offered || scanned.after || scanned.added > 0 ? plan_pause : idle_pause;
}

// Registers the source file once for each time the lock is taken or the file changes. False: a
// newer one is in force.
core::Task<bool> Planner::enroll() {
    if (enrolled_) co_return true;
    registration_ = co_await ports_.catalogue.register_source(source_);
    if (!registration_.may_plan) {
        core::log::warn("A newer version of the source file is in force, this one plans nothing",
                        {{"source", source_->name}, {"epoch", registration_.epoch}});
        planning_ = false;
        co_await give_up_lock();
        co_return false;
    }
    auto& cancelled = registration_.cancelled;
    while (!cancelled.empty()) {
        const auto count = std::min(cancelled.size(), forget_per_call);
        std::vector<core::SliceId> some(cancelled.end() - static_cast<std::ptrdiff_t>(count),
                                        cancelled.end());
        co_await ports_.frontiers.forget(std::move(some));
        cancelled.resize(cancelled.size() - count);
    }
    enrolled_ = true;
    co_return true;
}

// Whose Redis is it? One without our keys is new or was wiped: a new epoch makes everything
// unfinished due again.
core::Task<> Planner::know_redis() {
    auto known = co_await ports_.frontiers.instance();
    const auto ours = registration_.instance;
    if (!known) {
        const auto past = registration_.is_new ? queue::Frontiers::Past::none : queue::Frontiers::Past::unknown;
        known = co_await ports_.frontiers.adopt(ours, false, past);
        core::log::info(registration_.is_new ? "A new source, nothing was asked for it yet"
                                             : "Redis knows nothing of this source, what is unfinished is offered anew and may be asked again",
                        {{"source", source_->name}, {"epoch", known->epoch.str()}});
    } else if (known->instance != ours && options_.adopt_redis) {
        known = co_await ports_.frontiers.adopt(ours, true);
        core::log::warn("Redis taken over from another catalogue", {{"source", source_->name}});
    }
    if (known->instance != ours)
        throw core::ConfigError("This Redis belongs to another Postgres catalogue (" +
                                known->instance.str() + ", ours is " + ours.str() +
                                "). --adopt-redis takes it over");
    epoch_ = known->epoch;
}

core::Task<bool> Planner::fire_schedule() {
    if (options_.mode == PlanMode::once) {
        if (fired_) co_return false;
        co_await fire_once();
        co_return true;
    }
    const auto now = ports_.clock.now();
    const auto last = co_await ports_.catalogue.last_schedule(source_->name);
    if (!schedule_is_due(source_->schedule, last, now)) co_return false;
    auto streams = root_streams(*source_, {});
    const auto due = co_await ports_.catalogue.fall_due(source_->name, std::move(streams));
    co_await ports_.catalogue.note_schedule(source_->name, now);
    core::log::info("The schedule fired", {{"source", source_->name}, {"partitions", due}});
    co_return true;
}

// Is there something left of a run that was broken off? Slices and partitions tell at once; rows of a table that are no
// partitions yet only a pass over the tables, of which this is one step. True: it is known.
core::Task<bool> Planner::look_for_rest() {
    remaining_ = co_await ports_.catalogue.remaining(source_->name, options_.streams);
    // What the pass itself made due of what was walked before is no rest of anything.
    is_unfinished_ = remaining_.open_slices > 0 || (!has_scanned_ && remaining_.due_partitions > 0);
    const bool is_through = passes_.none() || (has_scanned_ && passes_.at_start());
    if (is_unfinished_ || is_through) co_return true;
    has_scanned_ = true;
    const auto found = co_await ports_.catalogue.scan_table(source_, passes_.stream(), passes_.after(), options_.scan_rows,
                                                            options_.slice_class);
    passes_.saw(found);
    co_return false;
}

// A run that was broken off is gone on with, instead of asking again for what it has finished; and what another process
// finished while this one waited for its lock is not asked for again.
core::Task<> Planner::fire_once() {
    const auto now = ports_.clock.now();
    if (is_unfinished_) {
        const auto last = co_await ports_.catalogue.last_schedule(source_->name);
        if (!last) co_await ports_.catalogue.note_schedule(source_->name, now);  // else `run` asks for all of it again
        core::log::info("Going on with what is unfinished",
                        {{"source", source_->name},
                         {"open_slices", remaining_.open_slices},
                         {"due_partitions", remaining_.due_partitions}});
    } else if (!has_waited_) {
        auto streams = root_streams(*source_, options_.streams);
        const auto due = co_await ports_.catalogue.fall_due(source_->name, std::move(streams));
        co_await ports_.catalogue.note_schedule(source_->name, now);
        core::log::info("Bringing up to date", {{"source", source_->name}, {"partitions", due}});
    } else {
        core::log::info("Another process brought this source up to date", {{"source", source_->name}});
    }
    fired_ = true;
}

// One bounded step over one table, where one is to be looked through.
core::Task<storage::Catalogue::Scan> Planner::scan() {
    storage::Catalogue::Scan found;
    if (passes_.none()) co_return found;
    const auto now = ports_.clock.steady();
    if (options_.mode == PlanMode::schedule && passes_.at_start()) {
        if (now < next_pass_) co_return found;
        next_pass_ = now + options_.scan_every;
    }
    found = co_await ports_.catalogue.scan_table(source_, passes_.stream(), passes_.after(), options_.scan_rows, options_.slice_class);
    passes_.saw(found);
    co_return found;
}

// Offers open slices, and starts walks where fewer are open than may wait. True: there was
// something.
core::Task<bool> Planner::offer_due() {
    const auto totals = co_await ports_.frontiers.totals();
    ports_.telemetry.set(Metric::slices, {source_->name, "offered"},
                         static_cast<double>(totals.offered()));
    ports_.telemetry.set(Metric::slices, {source_->name, "leased"},
                         static_cast<double>(totals.leased));
    const auto wanted = offers_wanted(totals, options_.slice_class, options_.offers_max);
    if (wanted == 0) co_return false;
    auto due =
        co_await ports_.catalogue.due_slices(source_->name, options_.streams, epoch_, wanted);
    const auto open = due.size();
    if (open > 0) co_await offer(std::move(due));
    if (open >= wanted) co_return true;
    const auto started = co_await ports_.catalogue.start_walks(source_->name, options_.streams,
                                                               wanted - open, options_.slice_class);
    if (started == 0) co_return open > 0;
    due = co_await ports_.catalogue.due_slices(source_->name, options_.streams, epoch_,
                                               wanted - open);
    if (!due.empty()) co_await offer(std::move(due));
    co_return true;
}

core::Task<> Planner::offer(std::vector<storage::DueSlice> due) {
    std::vector<Offer> offers;
    for (auto& one : due) {
        Offer made;
        made.slice = std::move(one.slice);
        made.tip = std::move(one.tip);
        offers.push_back(std::move(made));
    }
    auto ids = ids_of(offers);
    auto behind = co_await offer_once(std::move(offers));
    if (!behind.empty()) co_await settle_behind(std::move(behind));
    co_await ports_.catalogue.mark_offered(std::move(ids), epoch_, options_.quiet);
}

// Returns the offers that Redis finds older than what it saw acknowledged.
core::Task<std::vector<Offer>> Planner::offer_once(std::vector<Offer> offers) {
    core::hit(core::Failpoint::in_seed);
    const auto answers = co_await ports_.frontiers.offer(offers);
    std::vector<Offer> behind;
    for (std::size_t i = 0; i < answers.size() && i < offers.size(); ++i) {
        note_answer(offers[i], answers[i]);
        if (answers[i] == OfferAnswer::behind) behind.push_back(std::move(offers[i]));
    }
    co_return behind;
}

// The tip was read before a page was committed that has been acknowledged since: read it again.
// Where Redis says the same twice about the same tip, Postgres was set back, and Postgres is the
// truth.
core::Task<> Planner::settle_behind(std::vector<Offer> behind) {
    const auto before = behind;
    auto fresh = co_await with_fresh_tips(std::move(behind));
    auto again = co_await offer_once(std::move(fresh));
    std::erase_if(again, [&](const Offer& offer) {
        return std::none_of(before.begin(), before.end(), [&](const Offer& old) {
            return old.slice.slice == offer.slice.slice && same_tip(old.tip, offer.tip);
        });
    });
    if (again.empty()) co_return;
    for (auto& offer : again) offer.force = true;
    core::log::warn(
        "Redis has seen later pages than Postgres holds: Postgres was set back, its word counts",
        {{"source", source_->name}, {"slices", again.size()}});
    const auto left = co_await offer_once(std::move(again));
    if (!left.empty()) core::log::warn("Forced offers were refused", {{"source", source_->name}});
}

// Slices that are not open any more are left out.
core::Task<std::vector<Offer>> Planner::with_fresh_tips(std::vector<Offer> offers) {
    auto ids = ids_of(offers);
    auto tips = co_await ports_.catalogue.open_tips(std::move(ids));
    std::vector<Offer> fresh;
    for (auto& offer : offers)
        for (auto& tip : tips)
            if (tip.slice == offer.slice.slice) {
                offer.tip = tip;
                fresh.push_back(std::move(offer));
                break;
            }
    co_return fresh;
}

core::Task<> Planner::look_for_the_end() {
    remaining_ = co_await ports_.catalogue.remaining(source_->name, options_.streams);
    const bool idle = remaining_.open_slices == 0 && remaining_.due_partitions == 0;
    if (!idle) passes_.disturb();
    drained_ = fired_ && idle && passes_.settled();
}

core::Task<> Planner::give_up_lock() {
    try {
        co_await ports_.catalogue.release_planner_lock(source_->name);
    } catch (const core::TransientError& error) {
        core::log::debug("The planner's lock ends with its connection", {{"error", error.what()}});
    }
}

void Planner::note_answer(const Offer& offer, OfferAnswer answer) {
    ports_.telemetry.add(Metric::seeds, {source_->name, queue::to_string(answer)});
    if (answer != OfferAnswer::reseeded) return;
    core::log::info("Slice seeded anew from its tip, requests beyond it are made again",
                    {{"source", source_->name},
                     {"stream", offer.slice.stream},
                     {"slice", offer.slice.slice},
                     {"seq", offer.tip.seq + 1},
                     {"reason", "the frontier was ahead, gone or done with nothing queued"}});
}

}  // namespace pawl::collector
