#include "app/progress_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "app/text_table.hpp"

namespace pawl::app {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds rate_span{30};  // rates are over this much time: calm, but not stale

double seconds_between(core::SteadyTime from, core::SteadyTime to) {
    return std::chrono::duration<double>(to - from).count();
}

Totals sum(const std::vector<Snapshot>& snapshots, const std::vector<std::string>& streams) {
    Totals all;
    for (const auto& snapshot : snapshots) all += totals_of(snapshot, streams);
    return all;
}

std::string per_second(double rate) {
    return rate >= 10 ? grouped(static_cast<std::int64_t>(rate)) : fmt::format("{:.1f}", rate);
}

}  // namespace

ProgressLine::ProgressLine(core::SteadyTime begin, std::vector<std::string> streams)
    : begin_(begin), streams_(std::move(streams)) {}

void ProgressLine::update(core::SteadyTime now, std::vector<Snapshot> snapshots) {
    // A server that did not answer leaves the numbers as they were; only what it says of itself is
    // new.
    const bool answered =
        std::all_of(snapshots.begin(), snapshots.end(),
                    [](const Snapshot& snapshot) { return snapshot.postgres_error.empty(); });
    if (answered || snapshots_.empty()) {
        looks_.push_back({now, sum(snapshots, streams_)});
        snapshots_ = std::move(snapshots);
    } else {
        for (std::size_t i = 0; i < snapshots.size() && i < snapshots_.size(); ++i) {
            snapshots[i].streams = std::move(snapshots_[i].streams);
            snapshots_[i] = std::move(snapshots[i]);
        }
    }
    while (looks_.size() > 2 && now - looks_[1].at > rate_span) looks_.erase(looks_.begin() + 1);
}

double ProgressLine::rate(std::int64_t Totals::*count) const {
    if (looks_.size() < 2) return 0;
    const Look& last = looks_.back();
    const Look& base = looks_.size() > 2 ? looks_[1] : looks_[0];
    const double seconds = seconds_between(base.at, last.at);
    return seconds <= 0 ? 0
                        : static_cast<double>(last.totals.*count - base.totals.*count) / seconds;
}

/// By the forecasts of the sources, of which the last to end counts; before there are any, by the rate of finished slices.
std::string ProgressLine::time_left() const {
    const Snapshot* last = nullptr;
    double longest = -1;
    for (const auto& snapshot : snapshots_) {
        if (!snapshot.outlook) continue;
        if (!snapshot.outlook->seconds()) return finish_text(*snapshot.outlook);
        const double seconds = seconds_left(*snapshot.outlook);
        if (seconds <= longest) continue;
        longest = seconds;
        last = &snapshot;
    }
    if (last != nullptr) {
        auto outlook = *last->outlook;
        outlook.forecast.seconds = longest + outlook.age_seconds;
        return finish_text(outlook);
    }
    const double finished_rate = rate(&Totals::slices_done);
    const Totals& now = looks_.back().totals;
    if (finished_rate <= 0) return {};
    return "about " + duration_text(static_cast<double>(now.slices_open + now.partitions_due) / finished_rate);
}

/// Where latency binds, what was seen of late knows it better than any measure of single requests.
double ProgressLine::seconds_left(const Outlook& outlook) const {
    const double pages_rate = rate(&Totals::pages);
    if (outlook.forecast.bound_by != "latency" || pages_rate <= 0 || snapshots_.size() > 1)
        return outlook.seconds().value_or(0);
    return std::max(0.0, static_cast<double>(outlook.forecast.requests) / pages_rate - outlook.age_seconds);
}

std::vector<std::string> ProgressLine::waits() const {
    std::vector<std::string> all;
    for (const auto& snapshot : snapshots_)
        for (auto& wait : what_it_waits_for(snapshot))
            if (std::find(all.begin(), all.end(), wait) == all.end())
                all.push_back(std::move(wait));
    return all;
}

std::int64_t ProgressLine::queued() const {
    std::int64_t jobs = 0;
    for (const auto& snapshot : snapshots_) jobs += snapshot.queue.jobs;
    return jobs;
}

Totals ProgressLine::gained() const {
    if (looks_.empty()) return {};
    Totals now = looks_.back().totals;
    const Totals& before = looks_.front().totals;
    now.pages -= before.pages;
    now.records -= before.records;
    now.inserted -= before.inserted;
    now.updated -= before.updated;
    now.rejected -= before.rejected;
    now.slices_done -= before.slices_done;
    return now;
}

std::string ProgressLine::text() const {
    if (looks_.empty()) return "starting";
    const Totals& now = looks_.back().totals;
    const Totals since = gained();
    const std::int64_t left = now.slices_open + now.partitions_due;
    std::string line = fmt::format(
        "{} · {} pages ({}/s) · {} records ({}/s) · {} of {} slices left",
        duration_text(seconds_between(begin_, looks_.back().at)), grouped(since.pages),
        per_second(rate(&Totals::pages)), grouped(since.records),
        per_second(rate(&Totals::records)), grouped(left), grouped(left + now.slices_done));
    if (const auto end = time_left(); left > 0 && !end.empty()) line += ", " + end;
    if (queued() > 0) line += " · queue " + grouped(queued());
    const auto waiting = waits();
    for (std::size_t i = 0; i < waiting.size(); ++i)
        line += (i == 0 ? " · waits for " : "; ") + waiting[i];
    return line;
}

nlohmann::ordered_json ProgressLine::json() const {
    if (looks_.empty()) return Json::object();
    const Totals& now = looks_.back().totals;
    const Totals since = gained();
    Json streams = Json::array();
    for (const auto& snapshot : snapshots_)
        for (const auto& stream : snapshot.streams)
            streams.push_back({{"source", snapshot.source},
                               {"stream", stream.stream},
                               {"pages", stream.pages},
                               {"records", stream.records},
                               {"slices_open", stream.slices_open}});
    Json forecasts = Json::array();
    for (const auto& snapshot : snapshots_)
        if (snapshot.outlook)
            forecasts.push_back({{"source", snapshot.source},
                                 {"requests", snapshot.outlook->forecast.requests},
                                 {"at_least", snapshot.outlook->is_at_least()},
                                 {"seconds", snapshot.outlook->seconds() ? Json(seconds_left(*snapshot.outlook)) : Json(nullptr)},
                                 {"bound_by", snapshot.outlook->forecast.bound_by}});
    return {{"elapsed_seconds", seconds_between(begin_, looks_.back().at)},
            {"pages", since.pages},
            {"records", since.records},
            {"inserted", since.inserted},
            {"updated", since.updated},
            {"pages_per_second", rate(&Totals::pages)},
            {"records_per_second", rate(&Totals::records)},
            {"slices_left", now.slices_open + now.partitions_due},
            {"slices_done", now.slices_done},
            {"slices_lost", now.slices_lost},
            {"dead_letters", now.dead_letters},
            {"queue_jobs", queued()},
            {"waits_for", waits()},
            {"forecasts", std::move(forecasts)},
            {"streams", std::move(streams)}};
}

std::string ProgressLine::summary() const {
    TextTable table({"stream", "slices", "pages", "records", "inserted", "updated", "rejected",
                     "dead letters"});
    for (const auto& snapshot : snapshots_) {
        for (const auto& stream : snapshot.streams) {
            std::int64_t slices = 0;
            for (const auto& [word, count] : stream.slices_by_outcome) slices += count;
            table.add({snapshot.source + "." + stream.stream, grouped(slices),
                       grouped(stream.pages), grouped(stream.records), grouped(stream.inserted),
                       grouped(stream.updated), grouped(stream.rejected),
                       grouped(stream.dead_letters)});
        }
    }
    return table.text();
}

}  // namespace pawl::app
