#include "storage/pg_catalogue.hpp"

#include "core/log.hpp"
#include "storage/registration.hpp"
#include "storage/table_scan.hpp"
#include "storage/walks.hpp"

namespace pawl::storage {

using Transaction = pqxx::transaction_base;

struct PgCatalogue::State {
    std::mutex mutex;
    std::map<std::string, Registered> sources;
    SplitWalks split = SplitWalks::refuse;
    std::set<std::string> told;  ///< streams whose table is missing, told once
    std::mutex locks_mutex;      ///< held while a planner lock is asked for
    std::map<std::string, PlannerLock> locks;
};

PgCatalogue::PgCatalogue(std::shared_ptr<ConnectionPool> pool)
    : pool_(std::move(pool)), state_(std::make_shared<State>()) {}
PgCatalogue::~PgCatalogue() = default;

void PgCatalogue::set_split_walks(SplitWalks split) {
    const std::lock_guard lock(state_->mutex);
    state_->split = split;
}

PgCatalogue::Registered PgCatalogue::registered(const std::string& source) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->sources.find(source);
    if (found == state_->sources.end())
        throw core::ConfigError("source " + source + " was not registered");
    return found->second;
}

// Most methods below are plain functions that hand a query to the pool's coroutine: no lambda ever
// stands in an await.

core::Task<Registration> PgCatalogue::register_source(
    std::shared_ptr<const core::SourceFile> source) {
    RegisteredBefore before;
    SplitWalks split;
    {
        const std::lock_guard lock(state_->mutex);
        const auto known = state_->sources.find(source->name);
        if (known != state_->sources.end()) before = known->second.hash;
        split = state_->split;
    }
    std::function<Registration(Transaction&)> query = [source, before, split](Transaction& transaction) {
        return storage::register_source(transaction, *source, before, split);
    };
    Registration registration = co_await pool_->transact<Registration>(std::move(query));
    // Where it may not plan, the epoch kept here is never in force: planning finds nothing to do.
    const std::int64_t epoch = registration.may_plan ? registration.epoch : -1;
    const std::lock_guard lock(state_->mutex);
    state_->sources[source->name] = {source, config_hash(*source), epoch};
    co_return registration;
}

core::Task<bool> PgCatalogue::hold_planner_lock(std::string source) {
    auto held = std::make_shared<bool>(false);
    std::function<void()> work = [state = state_, url = pool_->url(), source, held] {
        const std::lock_guard lock(state->locks_mutex);
        *held = state->locks.try_emplace(source, url, source).first->second.hold();
    };
    co_await pool_->offload(std::move(work));
    co_return *held;
}

core::Task<> PgCatalogue::release_planner_lock(std::string source) {
    std::function<void()> work = [state = state_, source] {
        const std::lock_guard lock(state->locks_mutex);
        const auto found = state->locks.find(source);
        if (found != state->locks.end()) found->second.release();
    };
    co_await pool_->offload(std::move(work));
}

core::Task<std::int64_t> PgCatalogue::fall_due(std::string source,
                                               std::vector<std::string> streams) {
    return pool_->transact<std::int64_t>(
        [known = registered(source), streams = std::move(streams)](Transaction& transaction) {
            std::int64_t woken = 0;
            if (!is_in_force(transaction, known.source->name, known.epoch)) return woken;
            for (const std::string& name : streams) {
                const core::Stream* stream = known.source->find(name);
                if (stream != nullptr)
                    woken += storage::fall_due(transaction, *known.source, *stream);
            }
            return woken;
        });
}

core::Task<Catalogue::Scan> PgCatalogue::scan_table(std::shared_ptr<const core::SourceFile> source,
                                                    std::string stream,
                                                    std::optional<std::string> after,
                                                    std::size_t limit,
                                                    core::SliceClass slice_class) {
    return pool_->transact<Scan>([state = state_, known = registered(source->name), source,
                                  name = std::move(stream), after = std::move(after), limit,
                                  slice_class](Transaction& transaction) {
        const core::Stream* found = source->find(name);
        if (found == nullptr)
            throw core::ConfigError("no stream " + name + " in source " + source->name);
        if (!is_in_force(transaction, source->name, known.epoch)) return Scan{};
        std::string missing;
        Scan scan = scan_step(transaction, *source, *found, after, limit, slice_class, missing);
        if (!missing.empty()) {
            const std::lock_guard lock(state->mutex);
            if (state->told.insert(source->name + "." + name).second) {
                core::log::info("The table to scan is not complete yet, so it has no rows",
                                {{"source", source->name}, {"stream", name}, {"missing", missing}});
            }
        }
        return scan;
    });
}

core::Task<std::int64_t> PgCatalogue::start_walks(std::string source,
                                                  std::vector<std::string> streams,
                                                  std::size_t limit, core::SliceClass slice_class) {
    return pool_->transact<std::int64_t>([known = registered(source), streams = std::move(streams),
                                          limit, slice_class](Transaction& transaction) {
        if (!is_in_force(transaction, known.source->name, known.epoch)) return std::int64_t{0};
        return storage::start_walks(transaction, *known.source, streams, limit, slice_class);
    });
}

core::Task<std::optional<core::WallTime>> PgCatalogue::last_schedule(std::string source) {
    using Answer = std::optional<core::WallTime>;
    return pool_->transact<Answer>(
        [source = std::move(source)](Transaction& transaction) -> Answer {
            const pqxx::result found = transaction.exec_params(
                "select (extract(epoch from last_schedule) * 1000000)::bigint from pawl.source "
                "where name = $1",
                source);
            if (found.empty() || found[0][0].is_null()) return std::nullopt;
            return core::WallTime(core::Micros(found[0][0].as<std::int64_t>()));
        });
}

core::Task<> PgCatalogue::note_schedule(std::string source, core::WallTime at) {
    std::function<bool(Transaction&)> query = [source = std::move(source),
                                               at](Transaction& transaction) {
        transaction.exec_params(
            "update pawl.source set last_schedule = timestamptz 'epoch' + $2::bigint * interval '1 "
            "us' where name = $1",
            source, static_cast<std::int64_t>(at.time_since_epoch().count()));
        return true;
    };
    co_await pool_->transact<bool>(std::move(query));
}

core::Task<std::vector<DueSlice>> PgCatalogue::due_slices(std::string source,
                                                          std::vector<std::string> streams,
                                                          core::Token epoch, std::size_t limit) {
    return pool_->transact<std::vector<DueSlice>>([source = std::move(source),
                                                   streams = std::move(streams), epoch,
                                                   limit](Transaction& transaction) {
        return storage::due_slices(transaction, source, streams, epoch, limit);
    });
}

core::Task<> PgCatalogue::mark_offered(std::vector<core::SliceId> slices, core::Token epoch,
                                       core::Millis quiet) {
    if (slices.empty()) co_return;
    std::function<bool(Transaction&)> query = [slices = std::move(slices), epoch,
                                               quiet](Transaction& transaction) {
        storage::mark_offered(transaction, slices, epoch, quiet);
        return true;
    };
    co_await pool_->transact<bool>(std::move(query));
}

core::Task<std::vector<core::Tip>> PgCatalogue::open_tips(std::vector<core::SliceId> slices) {
    return pool_->transact<std::vector<core::Tip>>(
        [slices = std::move(slices)](Transaction& transaction) {
            return storage::open_tips(transaction, slices);
        });
}

core::Task<std::vector<Validator>> PgCatalogue::validators(std::int64_t partition) {
    return pool_->transact<std::vector<Validator>>([partition](Transaction& transaction) {
        return storage::validators(transaction, partition);
    });
}

core::Task<Catalogue::Remaining> PgCatalogue::remaining(std::string source,
                                                        std::vector<std::string> streams) {
    return pool_->transact<Remaining>(
        [source = std::move(source), streams = std::move(streams)](Transaction& transaction) {
            return storage::remaining(transaction, source, streams);
        });
}

}  // namespace pawl::storage
