#include "collector/collector.hpp"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <utility>

#include "collector/key_owners.hpp"
#include "core/errors.hpp"
#include "core/failpoint.hpp"
#include "core/log.hpp"

namespace pawl::collector {

namespace {

constexpr core::Micros busy_pause = std::chrono::milliseconds(20);  // a walk may end any time
constexpr core::Micros idle_least = std::chrono::milliseconds(50);  // nothing was offered
constexpr core::Micros idle_most = std::chrono::milliseconds(500);
constexpr core::Micros away_pause = std::chrono::seconds(1);   // Redis does not answer
constexpr core::Micros step = std::chrono::milliseconds(100);  // how soon a stop is noticed
constexpr core::Micros shared_every = std::chrono::seconds(10);  // what people and other processes changed in Redis
constexpr std::size_t leases_per_call = 32;
constexpr std::size_t renewals_per_call = 500;

}  // namespace

Collector::Collector(std::shared_ptr<const core::SourceFile> source, std::vector<Account> accounts,
                     CollectorPorts ports, CollectorOptions options,
                     std::shared_ptr<Tokens> tokens)
    : source_(std::move(source)),
      context_(ports, std::move(options), source_->name, std::move(accounts)) {
    context_.tokens = std::move(tokens);
}

void Collector::reload(std::shared_ptr<const core::SourceFile> source, std::vector<Account> accounts) {
    source_ = std::move(source);
    if (context_.tokens) context_.tokens->try_again();
    replace_keys(std::move(accounts));
    readmits_ = true;
}

void Collector::replace_keys(std::vector<Account> accounts) {
    context_.accounts.replace(std::move(accounts));
    knows_owners_ = false;
    reloaded_ = true;
}

core::Task<> Collector::run() {
    const auto executor = co_await core::asio::this_coro::executor;
    beside_ = 1;
    core::spawn(executor, "leases of " + source_->name, keep_leases());
    try {
        co_await reclaim();
        co_await refresh_shared();
        ++beside_;
        core::spawn(executor, "shared state of " + source_->name, watch_shared());
        co_await collect();
    } catch (const core::ConfigError&) {
        failure_ = std::current_exception();
    }
    context_.stopping = true;
    co_await drain();
    if (failure_) std::rethrow_exception(failure_);
}

core::Task<> Collector::collect() {
    core::Micros idle = idle_least;
    while (!context_.stopping && !failure_) {
        core::Micros pause = busy_pause;
        if (context_.held.size() < walks_most(core::SliceClass::live) && !context_.credentials_refused) {
            const auto taken = co_await take_leases();
            idle = taken > 0 ? idle_least : std::min(idle * 2, idle_most);
            if (taken == 0) pause = idle;
        }
        co_await context_.ports.clock.sleep(pause);
    }
}

// What this slot held before a restart is free at once.
core::Task<> Collector::reclaim() {
    while (!context_.stopping) {
        bool answered = true;
        std::string trouble;
        try {
            const auto freed = co_await context_.ports.frontiers.reclaim(context_.options.owner);
            if (freed > 0) {
                core::log::info("Leases of this slot taken back, their requests may be made again",
                                {{"source", source_->name}, {"slices", freed}});
            }
        } catch (const core::TransientError& error) {
            answered = false;
            trouble = error.what();
        }
        context_.saw_redis(answered, trouble);
        if (answered) co_return;
        co_await context_.ports.clock.sleep(away_pause);
    }
}

// Leases as many slices as there is room for and starts a walk on each. Returns how many were ours
// to walk.
core::Task<std::size_t> Collector::take_leases() {
    const auto executor = co_await core::asio::this_coro::executor;
    const auto& options = context_.options;
    auto lowest = core::SliceClass::backfill;
    while (context_.held.size() >= walks_most(lowest)) lowest = core::slice_classes[static_cast<std::size_t>(lowest) - 1];
    const auto free = std::min(walks_most(lowest) - context_.held.size(), leases_per_call);
    std::vector<queue::Lease> leases;
    std::string trouble;
    bool answered = true;
    const auto asked_at = context_.ports.clock.steady();
    try {
        leases = co_await context_.ports.frontiers.lease(options.owner, free, options.lease, lowest);
    } catch (const core::TransientError& error) {
        answered = false;
        trouble = error.what();
    }
    context_.saw_redis(answered, trouble);
    if (!answered) co_await context_.ports.clock.sleep(away_pause);
    std::size_t taken = 0;
    for (auto& lease : leases) {
        core::hit(core::Failpoint::after_lease);
        const auto* stream = source_->find(lease.slice.stream);
        if (!stream || stream->request_hash != lease.slice.request_hash) {
            note_foreign(lease);
            co_await hand_back(lease.slice.slice, lease.nonce);
            continue;
        }
        note_taken(lease);
        context_.note_ours(lease.slice.slice, lease.nonce, asked_at);
        core::spawn(executor, "walk of " + source_->name, carry(source_, std::move(lease)));
        ++taken;
    }
    co_return taken;
}

// One walk from its lease to its end. Whatever ends it, the lease is given up, unless another has
// it.
core::Task<> Collector::carry(std::shared_ptr<const core::SourceFile> source, queue::Lease lease) {
    const auto slice = lease.slice.slice;
    const auto nonce = lease.nonce;
    const auto* stream = source->find(lease.slice.stream);
    Walk walk(context_, source, *stream, std::move(lease));
    WalkEnd end = WalkEnd::stopped;
    try {
        end = co_await walk.run();
    } catch (const core::TransientError& error) {
        core::log::info("Walk broken off, its request may be made again",
                        {{"source", source->name}, {"slice", slice}, {"reason", error.what()}});
    } catch (const core::ConfigError&) {
        failure_ = std::current_exception();
    }
    if (end == WalkEnd::stopped) co_await hand_back(slice, nonce);
    if (context_.find(slice, nonce)) context_.held.erase(slice);
}

// Runs beside everything that may take long, so that none of it costs a lease.
core::Task<> Collector::keep_leases() {
    const core::Micros every = context_.options.lease / 3;
    core::Micros since_renewal{0};
    while (!drained_) {
        const auto wait = std::min(every, step);
        co_await context_.ports.clock.sleep(wait);
        since_renewal += wait;
        context_.ports.telemetry.set(core::Metric::quota_waiting, {source_->name}, static_cast<double>(waiting()));
        if (since_renewal >= every) {
            since_renewal = core::Micros(0);
            co_await renew();
        }
    }
    --beside_;
}

// What all processes share, or a reload changed: may wait for Redis, and for the API to tell whose a key is.
core::Task<> Collector::watch_shared() {
    core::Micros since_look{0};
    while (!drained_) {
        co_await context_.ports.clock.sleep(step);
        since_look += step;
        if (since_look < shared_every && !reloaded_) continue;
        reloaded_ = false;
        since_look = core::Micros(0);
        co_await refresh_shared();
    }
    --beside_;
}

core::Task<> Collector::renew() {
    std::vector<std::pair<core::SliceId, core::Nonce>> all;
    for (const auto& [slice, held] : context_.held)
        if (!held.lost) all.emplace_back(slice, held.nonce);
    for (std::size_t begin = 0; begin < all.size(); begin += renewals_per_call) {
        const auto end = std::min(all.size(), begin + renewals_per_call);
        std::vector<std::pair<core::SliceId, core::Nonce>> some(
            all.begin() + static_cast<std::ptrdiff_t>(begin),
            all.begin() + static_cast<std::ptrdiff_t>(end));
        std::vector<core::SliceId> lost;
        const auto asked_at = context_.ports.clock.steady();
        try {
            lost = co_await context_.ports.frontiers.renew(std::move(some), context_.options.lease);
        } catch (const core::TransientError& error) {
            context_.saw_redis(false, error.what());
            co_return;
        } catch (const core::ConfigError&) {
            failure_ = std::current_exception();
            co_return;
        }
        context_.saw_redis(true, "");
        for (auto one = begin; one < end; ++one) {
            const auto [slice, nonce] = all[one];
            if (std::find(lost.begin(), lost.end(), slice) == lost.end()) context_.note_ours(slice, nonce, asked_at);
            else context_.note_lost(slice, nonce);
        }
    }
}

// Higher classes find room though lower ones fill `walks_max`: a walk under way is not interrupted, and under a tight
// quota it may take hours.
std::size_t Collector::walks_most(core::SliceClass slice_class) const {
    const auto walks = context_.options.walks_max;
    switch (slice_class) {
        case core::SliceClass::live:
            return walks + std::max<std::size_t>(2, walks / 4);
        case core::SliceClass::on_demand:
            return walks + std::max<std::size_t>(1, walks / 8);
        case core::SliceClass::backfill:
            break;
    }
    return walks;
}

core::Task<> Collector::refresh_shared() {
    co_await refresh_quarantine();
    if (!std::exchange(knows_owners_, true)) {
        co_await learn_key_owners(context_, source_);
        co_await refresh_quarantine();  // aliases may have changed
    }
    try {
        const auto weights = co_await context_.ports.quota.weights();
        context_.turnstile.set_weights(weights);
    } catch (const core::TransientError& error) {
        context_.saw_redis(false, error.what());
    } catch (const core::ConfigError&) {
        failure_ = std::current_exception();
    }
}

// All processes share what the API refused; a person may have allowed a key again.
core::Task<> Collector::refresh_quarantine() {
    if (context_.accounts.empty()) co_return;
    try {
        if (readmits_) co_await readmit();
        const auto keys = co_await context_.ports.quota.quarantined();
        context_.accounts.set_quarantined(keys);
    } catch (const core::TransientError& error) {
        context_.saw_redis(false, error.what());
    } catch (const core::ConfigError&) {
        failure_ = std::current_exception();
    }
    context_.credentials_refused = context_.accounts.all_refused();
    if (context_.credentials_refused && !paused_told_)
        core::log::error("The API refuses all credentials, the source pauses",
                         {{"source", source_->name}});
    paused_told_ = context_.credentials_refused;
}

// A key that was replaced, or an account that was unlocked, must not need a hand in Redis: a start
// and a reload are a person's word that something changed. What is refused still is refused again
// by its next request.
core::Task<> Collector::readmit() {
    const auto refused = co_await context_.ports.quota.quarantined();
    std::vector<std::string> ours;
    for (const auto& account : context_.accounts.all())
        for (const auto& key : account.keys) ours.push_back(alias_of(account, key));
    for (const auto& key : ours) {
        if (!refused.contains(key)) continue;
        co_await context_.ports.quota.unquarantine(key);
        core::log::info("A refused key is tried again", {{"source", source_->name}, {"key", key}});
    }
    readmits_ = false;
}

core::Task<> Collector::drain() {
    auto& clock = context_.ports.clock;
    const auto deadline = clock.steady() + context_.options.drain;
    while (!context_.held.empty() && clock.steady() < deadline) co_await clock.sleep(busy_pause);
    // A refresh token that is in this process alone would be lost with it.
    while (context_.tokens && context_.tokens->is_unkept() && clock.steady() < deadline)
        co_await clock.sleep(busy_pause);
    context_.abandoned = true;
    std::vector<std::pair<core::SliceId, HeldLease>> left(context_.held.begin(),
                                                          context_.held.end());
    for (const auto& [slice, held] : left) {
        if (held.asked)
            core::log::info("Page discarded, its request is made again",
                            {{"source", source_->name},
                             {"stream", held.stream},
                             {"slice", slice},
                             {"seq", held.seq},
                             {"reason", "the time to stop is over"}});
        co_await hand_back(slice, held.nonce);
    }
    drained_ = true;
    while (beside_ > 0) co_await clock.sleep(busy_pause);
}

core::Task<> Collector::hand_back(core::SliceId slice, core::Nonce nonce) {
    try {
        co_await context_.ports.frontiers.release(slice, nonce);
    } catch (const core::TransientError& error) {
        core::log::debug("A lease could not be handed back, it lapses",
                         {{"source", source_->name}, {"slice", slice}, {"error", error.what()}});
    }
}

void Collector::note_taken(const queue::Lease& lease) {
    HeldLease held;
    held.stream = lease.slice.stream;
    held.slice_class = lease.slice.slice_class;
    held.nonce = lease.nonce;
    held.seq = lease.seq + 1;
    context_.held[lease.slice.slice] = std::move(held);
    if (!lease.lapsed) return;
    core::log::info("Slice taken over after its lease lapsed, its request may be made again",
                    {{"source", source_->name},
                     {"stream", lease.slice.stream},
                     {"slice", lease.slice.slice},
                     {"seq", lease.seq + 1},
                     {"reason", "lapsed lease"}});
}

void Collector::note_foreign(const queue::Lease& lease) {
    if (!foreign_hashes_.insert(lease.slice.request_hash).second) return;
    core::log::warn(
        "Slices of another version of the source file are left alone",
        {{"source", source_->name}, {"stream", lease.slice.stream}, {"slice", lease.slice.slice}});
}

}  // namespace pawl::collector
