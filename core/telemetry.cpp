#include "core/telemetry.hpp"

#include <array>
#include <map>
#include <mutex>
#include <vector>

namespace pawl::core {

namespace {

using enum MetricKind;

// Names follow Prometheus: base units, _total for counters. In the order of the enum.
constexpr std::array<MetricFamily, static_cast<std::size_t>(Metric::count_)> table{{
    {Metric::pages, "pawl_pages_total", counter, "source,stream,outcome", "Pages committed to Postgres, by outcome."},
    {Metric::page_shifts, "pawl_page_shifts_total", counter, "source,stream,shift",
     "Pages of numbered lists that did not continue the page before: repeated, reread, skipped."},
    {Metric::requests, "pawl_http_requests_total", counter, "source,status",
     "HTTP responses by status; status \"error\" where there was none."},
    {Metric::request_seconds, "pawl_http_request_duration_seconds", histogram, "source",
     "Time from sending a request to the last byte of its response."},
    {Metric::response_bytes, "pawl_http_response_bytes_total", counter, "source", "Bytes received in response bodies."},
    {Metric::retries, "pawl_retries_total", counter, "source,reason", "Requests that will be repeated, by reason."},
    {Metric::rate_limited, "pawl_rate_limited_total", counter, "source", "Refusals by the API for asking too often."},
    {Metric::rows, "pawl_rows_total", counter, "source,table,operation",
     "Records by what they did to their table: inserted, updated, same, stale, duplicate, rejected, deleted."},
    {Metric::commits, "pawl_page_commits_total", counter, "source,verdict",
     "Pages that asked to extend a slice, by verdict."},
    {Metric::batch_seconds, "pawl_batch_duration_seconds", histogram, "phase",
     "Duration of a batch's phases: decode, commit, acknowledge."},
    {Metric::batch_rows, "pawl_batch_rows", histogram, "", "Rows in a committed batch."},
    {Metric::dead_letters, "pawl_dead_letters_total", counter, "source,stream", "Pages that became dead letters."},
    {Metric::rejected_records, "pawl_rejected_records_total", counter, "source,table",
     "Single records that could not become rows."},
    {Metric::advances, "pawl_advances_total", counter, "source,answer",
     "Answers to a page asking to move the frontier: ok, duplicate, fenced, full."},
    {Metric::leases, "pawl_leases_total", counter, "source,event",
     "Leases of slices: taken, lapsed (taken over from a silent collector), resumed, released."},
    {Metric::seeds, "pawl_offers_total", counter, "source,answer",
     "Slices offered to Redis, by what was found: offered, waiting, leased, chained, same, reseeded, behind."},
    {Metric::jobs_claimed, "pawl_jobs_claimed_total", counter, "source",
     "Jobs that another worker had started and not finished."},
    {Metric::parked_jobs, "pawl_parked_jobs", gauge, "source", "Jobs that wait for a page before them."},
    {Metric::queue_jobs, "pawl_queue_jobs", gauge, "source", "Jobs on the page queue."},
    {Metric::queue_bytes, "pawl_queue_bytes", gauge, "source", "Compressed bytes on the page queue."},
    {Metric::queue_age_seconds, "pawl_queue_oldest_seconds", gauge, "source", "Age of the oldest job on the page queue."},
    {Metric::slices, "pawl_slices", gauge, "source,state", "Slices known to Redis: offered, leased."},
    {Metric::quota_limit, "pawl_quota_limit", gauge, "source,owner,limit", "Requests allowed per window."},
    {Metric::quota_remaining, "pawl_quota_remaining", gauge, "source,owner,limit",
     "Requests left in the window."},
    {Metric::quota_reset_seconds, "pawl_quota_reset_seconds", gauge, "source,owner,limit",
     "Seconds until the window resets."},
    {Metric::quota_waiting, "pawl_quota_waiting", gauge, "source", "Walks that wait for quota. Waiting is healthy."},
    {Metric::quota_in_flight, "pawl_quota_in_flight", gauge, "source,owner,limit", "Requests under way."},
    {Metric::quota_blocked, "pawl_quota_blocked", gauge, "source,owner,limit", "1 while the API asked to pause."},
    {Metric::quota_lapsed, "pawl_quota_lapsed", gauge, "source,owner,limit",
     "Units of all windows so far that ended unused while work waited."},
    {Metric::quota_last_window_ratio, "pawl_quota_last_window_ratio", gauge, "source,owner,limit",
     "Share of the last window that was used, 0 to 1."},
    {Metric::quota_spent, "pawl_quota_spent_total", counter, "source,stream,limit", "Units that requests took."},
    {Metric::keys_refused, "pawl_keys_refused", gauge, "source", "Keys that the API refuses."},
    {Metric::token_renewals, "pawl_token_renewals_total", counter, "source,result",
     "Tokens that were to be renewed: renewed, adopted (another process had), failed, refused."},
    {Metric::last_success_timestamp_seconds, "pawl_last_success_timestamp_seconds", gauge, "source,stream",
     "When a page of the stream was last committed, as Unix time."},
    {Metric::dependency_up, "pawl_dependency_up", gauge, "dependency", "1 while redis, postgres can be reached."},
    {Metric::build_info, "pawl_build_info", gauge, "version", "Always 1; the version is the label."},
}};

}  // namespace

std::span<const MetricFamily> metric_families() { return table; }

const MetricFamily& family(Metric metric) { return table[static_cast<std::size_t>(metric)]; }

struct CountingTelemetry::State {
    std::mutex mutex;
    std::map<std::pair<Metric, std::vector<std::string>>, double> sums;
};

CountingTelemetry::CountingTelemetry() : state_(std::make_unique<State>()) {}
CountingTelemetry::~CountingTelemetry() = default;

void CountingTelemetry::add(Metric metric, std::initializer_list<std::string_view> labels, double amount) {
    const std::lock_guard lock(state_->mutex);
    state_->sums[{metric, {labels.begin(), labels.end()}}] += amount;
}

void CountingTelemetry::set(Metric metric, std::initializer_list<std::string_view> labels, double value) {
    const std::lock_guard lock(state_->mutex);
    state_->sums[{metric, {labels.begin(), labels.end()}}] = value;
}

void CountingTelemetry::observe(Metric metric, std::initializer_list<std::string_view> labels, double value) {
    add(metric, labels, value);
}

double CountingTelemetry::total(Metric metric, std::string_view label) const {
    const std::lock_guard lock(state_->mutex);
    double sum = 0;
    for (const auto& [key, value] : state_->sums) {
        if (key.first != metric) continue;
        bool counts = label.empty();
        for (const auto& held : key.second) counts = counts || held == label;
        if (counts) sum += value;
    }
    return sum;
}

}  // namespace pawl::core
