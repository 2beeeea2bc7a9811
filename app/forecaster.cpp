#include "app/forecaster.hpp"

#include <algorithm>

#include "core/errors.hpp"
#include "core/log.hpp"

namespace pawl::app {

namespace {

constexpr core::Millis reading_patience{5'000};
constexpr std::chrono::seconds read_every{10};
constexpr std::chrono::seconds idle_every{2};  // the planner is about to find something
constexpr int share_of_time = 50;

}  // namespace

core::Task<std::optional<Outlook>> Forecaster::look(std::shared_ptr<const core::SourceFile> source,
                                                    const Snapshot* snapshot) {
    if (clock_.steady() >= next_) co_await read(std::move(source), snapshot);
    if (!last_) co_return std::nullopt;
    Outlook aged = *last_;
    aged.age_seconds = std::chrono::duration<double>(clock_.steady() - read_at_).count();
    co_return aged;
}

core::Task<> Forecaster::read(std::shared_ptr<const core::SourceFile> source, const Snapshot* snapshot) {
    const auto begin = clock_.steady();
    last_.reset();
    try {
        OutlookFacts facts;
        facts.streams = options_.streams;
        facts.backlog = co_await backlog_.backlog(source, options_.streams, reading_patience);
        facts.ledger = snapshot->quota;
        facts.quarantined = snapshot->quarantined;
        facts.keys = options_.keys;
        facts.walks = std::max(options_.walks_max, snapshot->slices.leased);
        facts.now = clock_.now();
        last_ = outlook_of(*source, facts);
        if (last_->is_idle()) last_.reset();
    } catch (const core::TransientError& error) {
        core::log::debug("No forecast", {{"source", source->name}, {"error", error.what()}});
    } catch (const core::ConfigError& error) {
        core::log::debug("No forecast", {{"source", source->name}, {"error", error.what()}});
    }
    read_at_ = clock_.steady();
    next_ = read_at_ + std::max<core::SteadyTime::duration>(last_ ? read_every : idle_every,
                                                           (read_at_ - begin) * share_of_time);
}

}  // namespace pawl::app
