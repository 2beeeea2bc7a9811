#include "app/prometheus_telemetry.hpp"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <mutex>
#include <sstream>
#include <unordered_map>
#include <vector>

namespace pawl::app {

namespace {

using core::Metric;
using Labels = std::initializer_list<std::string_view>;

constexpr auto family_count = static_cast<std::size_t>(Metric::count_);

std::vector<std::string> split(std::string_view names) {
    std::vector<std::string> out;
    while (!names.empty()) {
        const auto comma = names.find(',');
        out.emplace_back(names.substr(0, comma));
        names = comma == std::string_view::npos ? std::string_view{} : names.substr(comma + 1);
    }
    return out;
}

/// Seconds from a millisecond (a commit) to a minute (request_timeout); rows up to far beyond
/// batch_rows.
prometheus::Histogram::BucketBoundaries buckets(Metric metric) {
    if (metric == Metric::batch_rows)
        return {1, 10, 100, 300, 1'000, 3'000, 10'000, 30'000, 100'000};
    return {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60};
}

/// The series of one family that were used so far, by their label values.
template <typename Series>
class SeriesTable {
  public:
    template <typename Make>
    Series& at(Labels values, const std::vector<std::string>& names, Make make) {
        std::string key;
        for (const auto value : values) key.append(value).push_back('\x1f');
        const auto found = series_.find(key);
        if (found != series_.end()) return *found->second;
        const bool full = series_.size() >= PrometheusTelemetry::series_max;
        std::map<std::string, std::string> labels;
        auto value = values.begin();
        for (const auto& name : names) {
            labels[name] = full || value == values.end() ? "other" : std::string(*value);
            if (value != values.end()) ++value;
        }
        Series& made = make(labels);
        if (!full) series_.emplace(std::move(key), &made);
        return made;
    }

  private:
    std::unordered_map<std::string, Series*> series_;
};

struct FamilyState {
    std::vector<std::string> names;
    prometheus::Family<prometheus::Counter>* counters = nullptr;
    prometheus::Family<prometheus::Gauge>* gauges = nullptr;
    prometheus::Family<prometheus::Histogram>* histograms = nullptr;
    SeriesTable<prometheus::Counter> counter_series;
    SeriesTable<prometheus::Gauge> gauge_series;
    SeriesTable<prometheus::Histogram> histogram_series;
};

}  // namespace

struct PrometheusTelemetry::State {
    prometheus::Registry registry;
    std::mutex mutex;
    std::array<FamilyState, family_count> families;

    FamilyState& at(Metric metric) { return families[static_cast<std::size_t>(metric)]; }
};

PrometheusTelemetry::PrometheusTelemetry() : state_(std::make_unique<State>()) {
    for (const auto& family : core::metric_families()) {
        auto& state = state_->at(family.metric);
        state.names = split(family.labels);
        const std::string name(family.name), help(family.help);
        if (family.kind == core::MetricKind::counter)
            state.counters =
                &prometheus::BuildCounter().Name(name).Help(help).Register(state_->registry);
        else if (family.kind == core::MetricKind::gauge)
            state.gauges =
                &prometheus::BuildGauge().Name(name).Help(help).Register(state_->registry);
        else
            state.histograms =
                &prometheus::BuildHistogram().Name(name).Help(help).Register(state_->registry);
    }
}

PrometheusTelemetry::~PrometheusTelemetry() = default;

void PrometheusTelemetry::add(Metric metric, Labels labels, double amount) {
    const std::lock_guard lock(state_->mutex);
    auto& family = state_->at(metric);
    if (family.counters == nullptr) return;
    const auto make = [&](const std::map<std::string, std::string>& named) -> prometheus::Counter& {
        return family.counters->Add(named);
    };
    family.counter_series.at(labels, family.names, make).Increment(amount);
}

void PrometheusTelemetry::set(Metric metric, Labels labels, double value) {
    const std::lock_guard lock(state_->mutex);
    auto& family = state_->at(metric);
    if (family.gauges == nullptr) return;
    const auto make = [&](const std::map<std::string, std::string>& named) -> prometheus::Gauge& {
        return family.gauges->Add(named);
    };
    family.gauge_series.at(labels, family.names, make).Set(value);
}

void PrometheusTelemetry::observe(Metric metric, Labels labels, double value) {
    const std::lock_guard lock(state_->mutex);
    auto& family = state_->at(metric);
    if (family.histograms == nullptr) return;
    const auto make =
        [&](const std::map<std::string, std::string>& named) -> prometheus::Histogram& {
        return family.histograms->Add(named, buckets(metric));
    };
    family.histogram_series.at(labels, family.names, make).Observe(value);
}

std::string PrometheusTelemetry::text() const {
    std::ostringstream out;
    out.imbue(std::locale::classic());
    prometheus::TextSerializer().Serialize(out, state_->registry.Collect());
    return out.str();
}

}  // namespace pawl::app
