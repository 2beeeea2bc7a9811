#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace pawl::core {

/// Every metric family, in one table (core/telemetry.cpp): name, kind, labels, help. docs/operations.md and a test follow it.
enum class Metric : std::uint8_t {
    pages,               ///< counter  source, stream, outcome: pages committed
    page_shifts,         ///< counter  source, stream, shift: repeated, reread, skipped (core::Shift)
    requests,            ///< counter  source, status: HTTP responses ("error" where there was none)
    request_seconds,     ///< histogram source
    response_bytes,      ///< counter  source
    retries,             ///< counter  source, reason
    rate_limited,        ///< counter  source: refusals by the API
    rows,                ///< counter  source, table, operation
    commits,             ///< counter  source, verdict: committed, duplicate, superseded, finished, fork, gap, cancelled, stuck, unknown
    batch_seconds,       ///< histogram phase: decode, commit, acknowledge
    batch_rows,          ///< histogram (no labels)
    dead_letters,        ///< counter  source, stream
    rejected_records,    ///< counter  source, table
    advances,            ///< counter  source, answer: ok, duplicate, fenced, full
    leases,              ///< counter  source, event: taken, lapsed, released, resumed
    seeds,               ///< counter  source, answer: offered, waiting, chained, same, reseeded
    jobs_claimed,        ///< counter  source: found unfinished on a shard taken over
    parked_jobs,         ///< gauge    source
    queue_jobs,          ///< gauge    source
    queue_bytes,         ///< gauge    source
    queue_age_seconds,   ///< gauge    source: of the oldest job
    slices,              ///< gauge    source, state: offered, leased
    quota_limit,         ///< gauge    source, owner, limit
    quota_remaining,     ///< gauge    source, owner, limit
    quota_reset_seconds, ///< gauge    source, owner, limit: until it resets
    quota_waiting,       ///< gauge    source: walks that wait for quota
    quota_in_flight,     ///< gauge    source, owner, limit
    quota_blocked,       ///< gauge    source, owner, limit: 1 while the API asked to pause
    quota_lapsed,        ///< gauge    source, owner, limit: units that ended unused while work waited
    quota_last_window_ratio,  ///< gauge source, owner, limit: share of the last window that was used
    quota_spent,         ///< counter  source, stream, limit: units
    keys_refused,        ///< gauge    source
    token_renewals,      ///< counter  source, result: renewed, adopted, failed, refused
    last_success_timestamp_seconds,  ///< gauge source, stream: last commit; freshness
    dependency_up,       ///< gauge    dependency: redis, postgres
    build_info,          ///< gauge    version
    count_
};

enum class MetricKind : std::uint8_t { counter, gauge, histogram };
struct MetricFamily {
    Metric metric;
    std::string_view name;  ///< "pawl_pages_total"
    MetricKind kind;
    std::string_view labels;  ///< "source,stream,outcome"
    std::string_view help;
};
[[nodiscard]] std::span<const MetricFamily> metric_families();
[[nodiscard]] const MetricFamily& family(Metric metric);

/// Port: where numbers go. Values of labels come in the order of the family's label names.
class Telemetry {
  public:
    virtual ~Telemetry() = default;
    virtual void add(Metric metric, std::initializer_list<std::string_view> labels, double amount = 1) = 0;   // counter
    virtual void set(Metric metric, std::initializer_list<std::string_view> labels, double value) = 0;        // gauge
    virtual void observe(Metric metric, std::initializer_list<std::string_view> labels, double value) = 0;    // histogram
};

/// Keeps sums in memory: for tests, simulation and one-shot commands. Thread-safe.
class CountingTelemetry : public Telemetry {
  public:
    CountingTelemetry();
    ~CountingTelemetry() override;
    void add(Metric metric, std::initializer_list<std::string_view> labels, double amount = 1) override;
    void set(Metric metric, std::initializer_list<std::string_view> labels, double value) override;
    void observe(Metric metric, std::initializer_list<std::string_view> labels, double value) override;
    /// Sum over all label values, or of those whose labels hold `label`.
    [[nodiscard]] double total(Metric metric, std::string_view label = {}) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace pawl::core
