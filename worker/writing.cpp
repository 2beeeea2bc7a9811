#include <algorithm>

#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"
#include "worker/page_mapper.hpp"
#include "worker/worker.hpp"

// What a worker does with its jobs: gather a batch, start, map, commit, acknowledge.

namespace pawl::worker {

namespace log = core::log;
using storage::Verdict;

namespace {

// A start without an end puts a job in quarantine, where it is worked alone; three deaths there make a dead letter.
constexpr int quarantine_after = 1;
constexpr int dead_after = quarantine_after + 3;
constexpr int orphan_after = 3;  // looks at a job whose slice the catalogue does not know

double seconds(core::SteadyTime from, core::SteadyTime to) {
    return std::chrono::duration<double>(to - from).count();
}

queue::Acknowledgement acknowledgement(const HeldJob& held, Verdict verdict) {
    const bool stored = verdict == Verdict::committed || verdict == Verdict::duplicate;
    queue::Acknowledgement done;
    done.shard = held.shard;
    done.entry = held.entry;
    done.slice = held.job.slice;
    done.seq = held.job.seq;
    done.link = held.job.link;
    done.previous = held.job.previous;
    done.bytes = held.queue_bytes;
    done.committed = stored;
    const bool is_over = verdict == Verdict::finished || verdict == Verdict::cancelled || verdict == Verdict::stuck;
    done.ended = is_over || (stored && held.job.last);
    return done;
}

/// Body to rows. A page that cannot be read for its own sake carries the reason why.
}  // namespace

core::Task<> Worker::write(int writer) {
    int failures = 0;
    while (!stopping_) {
        if (!hand_.has_work(writer)) {
            co_await changed_.wait();
            continue;
        }
        co_await gather(writer);
        auto batch = hand_.next_batch(writer, settings_.batch);
        if (batch.empty()) continue;
        const bool done = co_await commit(writer, std::move(batch));
        if (done) failures = 0;
        else co_await back_off(++failures);
    }
}

/// A first page waits a moment for company: one transaction for many pages is what makes storing cheap.
core::Task<> Worker::gather(int writer) {
    constexpr int looks = 5;
    for (int look = 0; look < looks && !stopping_ && !hand_.batch_is_full(writer, settings_.batch); ++look)
        co_await ports_.clock.sleep(settings_.batch_age / looks);
}

/// True when the batch is dealt with; false when the world was not ready and it must be tried again.
core::Task<bool> Worker::commit(int writer, std::vector<HeldJobPtr> batch) {
    std::vector<core::Link> links;
    std::vector<HeldJobPtr> begun = batch;
    bool started = false;
    try {
        begun = co_await begin(batch);
        started = true;
        if (begun.empty()) co_return true;
        const auto source = source_;
        const auto from = ports_.clock.steady();
        const auto pages = co_await map(begun);
        core::hit(core::Failpoint::after_parse);
        const auto mapped = ports_.clock.steady();
        auto results = co_await ports_.store.commit(writer, source, pages);
        const auto committed = ports_.clock.steady();
        ports_.telemetry.observe(core::Metric::batch_seconds, {"decode"}, seconds(from, mapped));
        ports_.telemetry.observe(core::Metric::batch_seconds, {"commit"}, seconds(mapped, committed));
        for (std::size_t i = 0; i < results.size(); ++i)
            if (results[i].verdict == Verdict::unstorable) {
                co_await bury(writer, begun[i], results[i].reason);
            }
        co_await settle(begun, pages, std::move(results));
        ports_.telemetry.observe(core::Metric::batch_seconds, {"acknowledge"}, seconds(committed, ports_.clock.steady()));
        co_return true;
    } catch (const core::TransientError& error) {
        log::warn("Storing failed, the pages wait", {{"source", source_->name}, {"pages", begun.size()}, {"error", error.what()}});
    }
    hand_.put_back(writer, begun);
    if (started) {
        for (const auto& held : begun) links.push_back(held->job.link);
        try {
            co_await ports_.queue.give_back(links);
        } catch (const core::TransientError&) {
            // A start too many counted: at worst the page is worked alone once.
        }
    }
    co_return false;
}

/// Counts a start of each job. Jobs that were started before without an end are set aside to be worked alone; those that
/// have died there again and again become dead letters. Returns the jobs to go on with.
core::Task<std::vector<HeldJobPtr>> Worker::begin(std::vector<HeldJobPtr> batch) {
    std::vector<core::Link> links;
    for (const auto& held : batch) links.push_back(held->job.link);
    const auto unfinished = co_await ports_.queue.start(links);
    core::hit(core::Failpoint::after_start);
    std::vector<HeldJobPtr> begun, quarantined;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        if (unfinished[i] > 0) ports_.telemetry.add(core::Metric::jobs_claimed, {source_->name});
        if (unfinished[i] < quarantine_after || batch[i]->alone) begun.push_back(batch[i]);
        else quarantined.push_back(batch[i]);
    }
    if (quarantined.empty()) co_return begun;
    std::vector<core::Link> put_aside;
    for (const auto& held : quarantined) {
        held->alone = true;
        put_aside.push_back(held->job.link);
    }
    // Behind a quarantined page of the same slice nothing can be committed: they go back behind it, in order.
    std::set<core::SliceId> waiting;
    for (const auto& held : quarantined) waiting.insert(held->job.slice);
    std::vector<HeldJobPtr> later, now;
    for (const auto& held : batch) (waiting.contains(held->job.slice) ? later : now).push_back(held);
    for (const auto& held : later)
        if (!held->alone) put_aside.push_back(held->job.link);
    co_await ports_.queue.give_back(put_aside);
    hand_.put_back(hand_.writer_of(batch.front()->shard), later);
    co_return now;
}

core::Task<std::shared_ptr<std::vector<storage::PageCommit>>> Worker::map(std::vector<HeldJobPtr> batch) {
    auto pages = std::make_shared<std::vector<storage::PageCommit>>();
    auto source = source_;
    auto work = [pages, source, batch, body_max = settings_.body_max] {
        for (const auto& held : batch) pages->push_back(mapped(*source, held->job, body_max));
    };
    std::function<void()> job = work;
    co_await ports_.offload.run(std::move(job));
    co_return pages;
}

/// Stores the page as a dead letter: the tip moves past it, the slice goes on.
core::Task<> Worker::bury(int writer, HeldJobPtr held, std::string reason) {
    auto pages = std::make_shared<std::vector<storage::PageCommit>>(1);
    pages->front().job = held->job;
    pages->front().dead_reason = std::move(reason);
    const auto source = source_;
    auto results = co_await ports_.store.commit(writer, source, pages);
    std::vector<HeldJobPtr> one;
    one.push_back(std::move(held));
    co_await settle(std::move(one), pages, std::move(results));
}

/// What each verdict asks for, and one acknowledgement for all that are dealt with.
core::Task<> Worker::settle(std::vector<HeldJobPtr> batch, std::shared_ptr<std::vector<storage::PageCommit>> pages,
                            std::vector<storage::PageResult> results) {
    std::vector<queue::Acknowledgement> done;
    std::vector<HeldJobPtr> dealt_with;
    std::vector<core::Link> not_ended;
    std::vector<core::SliceId> astray;  // their frontiers are on a branch that is not the tip's
    std::set<core::SliceId> moved;
    std::int64_t rows = 0;
    for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto& held = batch[i];
        const Verdict verdict = results[i].verdict;
        rows += count(*held, (*pages)[i], results[i]);
        bool acknowledge = true;
        switch (verdict) {
            case Verdict::committed: moved.insert(held->job.slice); break;
            case Verdict::duplicate:
            case Verdict::finished:
            case Verdict::cancelled:
            case Verdict::stuck: break;
            case Verdict::superseded:
            case Verdict::fork: astray.push_back(held->job.slice); break;
            case Verdict::unknown: {
                const bool orphan = co_await is_orphan(held);
                acknowledge = orphan;
                break;
            }
            case Verdict::gap: acknowledge = false; break;
            case Verdict::unstorable:  // buried by now
                moved.insert(held->job.slice);
                continue;
        }
        if (acknowledge) {
            done.push_back(acknowledgement(*held, verdict));
            dealt_with.push_back(held);
        } else {
            hand_.park(held);
            not_ended.push_back(held->job.link);
        }
    }
    if (!moved.empty()) ports_.telemetry.observe(core::Metric::batch_rows, {}, static_cast<double>(rows));
    if (!not_ended.empty()) co_await ports_.queue.give_back(not_ended);
    if (!done.empty()) {
        // Committed work must be acknowledged, however long Redis is away: to try again is harmless.
        for (int failures = 0;;) {
            try {
                co_await ports_.queue.acknowledge(done);
                break;
            } catch (const core::TransientError& error) {
                log::debug("Acknowledging failed", {{"source", source_->name}, {"error", error.what()}});
                ++failures;
            }
            if (stopping_ && failures > 3) break;  // the jobs come again, and are duplicates then
            co_await back_off(failures);
        }
        core::hit(core::Failpoint::after_ack);
    }
    for (const auto& held : dealt_with) hand_.let_go(held);
    for (const auto slice : moved) hand_.unpark(slice);
    if (!astray.empty()) co_await offer_anew(std::move(astray));
    changed_.notify();
}

/// The planner looks at these slices next, and writes their frontiers anew from the tip.
core::Task<> Worker::offer_anew(std::vector<core::SliceId> slices) {
    const auto instance = co_await ports_.frontiers.instance();
    if (!instance) co_return;  // wiped meanwhile: everything open is offered anew anyway
    co_await ports_.catalogue.mark_offered(std::move(slices), instance->epoch, core::Millis{0});
}

/// The catalogue does not know the job's slice. In another catalogue's Redis nothing may be acknowledged; where the
/// instances agree Postgres was set back, and after a few looks the job is an orphan.
core::Task<bool> Worker::is_orphan(HeldJobPtr held) {
    const auto instance = co_await ports_.frontiers.instance();
    if (instance && instance->instance != instance_)
        throw core::ConfigError("This Redis belongs to another catalogue than this Postgres; --adopt-redis takes it over");
    if (++held->unknown_seen < orphan_after) co_return false;
    log::warn("A page of a slice that the catalogue does not know is dropped: Postgres was set back",
              {{"source", source_->name}, {"slice", held->job.slice}, {"seq", held->job.seq}});
    co_return true;
}

std::int64_t Worker::count(const HeldJob& held, const storage::PageCommit& page, const storage::PageResult& result) {
    auto& telemetry = ports_.telemetry;
    const auto& job = held.job;
    telemetry.add(core::Metric::commits, {job.source, storage::to_string(result.verdict)});
    if (result.verdict != Verdict::committed)
        log::debug("A page was not stored", {{"source", job.source}, {"stream", job.stream}, {"slice", job.slice},
                                             {"seq", job.seq}, {"verdict", storage::to_string(result.verdict)}});
    if (result.verdict != Verdict::committed) return 0;
    const auto outcome = page.dead_reason ? core::Outcome::dead : job.outcome;
    telemetry.add(core::Metric::pages, {job.source, job.stream, core::to_string(outcome)});
    if (job.shift != core::Shift::none)
        telemetry.add(core::Metric::page_shifts, {job.source, job.stream, core::to_string(job.shift)});
    const auto now = std::chrono::duration<double>(ports_.clock.now().time_since_epoch()).count();
    telemetry.set(core::Metric::last_success_timestamp_seconds, {job.source, job.stream}, now);
    if (page.dead_reason) {
        telemetry.add(core::Metric::dead_letters, {job.source, job.stream});
        log::error("A page became a dead letter", {{"source", job.source}, {"stream", job.stream}, {"slice", job.slice},
                                                   {"seq", job.seq}, {"reason", *page.dead_reason}});
    }
    const core::Stream* stream = source_->find(job.stream);
    std::int64_t rows = 0;
    for (std::size_t i = 0; stream && i < result.emits.size() && i < stream->emits.size(); ++i) {
        const std::string& table = stream->emits[i].table;
        const auto& n = result.emits[i];
        const auto add = [&](std::string_view operation, std::int64_t amount) {
            if (amount > 0) telemetry.add(core::Metric::rows, {job.source, table, operation}, static_cast<double>(amount));
        };
        add("inserted", n.inserted);
        add("updated", n.updated);
        add("same", n.same);
        add("stale", n.stale);
        add("duplicate", n.duplicate);
        add("rejected", n.rejected);
        add("deleted", n.deleted);
        if (n.rejected > 0)
            telemetry.add(core::Metric::rejected_records, {job.source, table}, static_cast<double>(n.rejected));
        rows += n.read;
    }
    return rows;
}

}  // namespace pawl::worker
