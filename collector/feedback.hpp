#pragma once

#include <optional>
#include <string>
#include <vector>

#include "collector/http.hpp"
#include "core/clock.hpp"
#include "core/json_document.hpp"
#include "core/source_file.hpp"
#include "queue/quota.hpp"

namespace pawl::collector {

/// What a response says about the API's own limits, as settlements of our ledger. Empty where it
/// says nothing we can use. `limits` are those that were granted; `redis_now_us` is Redis TIME when
/// the response came. Resets are put on Redis's clock: the API's clock is known by its Date header,
/// and a difference of less than 5 s is taken for the seconds' cut.
[[nodiscard]] std::vector<queue::LimitFeedback> read_feedback(
    const core::SourceFile& source, const HttpResponse& response,
    const std::vector<queue::LimitAsk>& limits, std::int64_t redis_now_us);

/// Adds to `feedback` what the request cost, for the limits whose cost the response tells. `document`: what was read of
/// the body, nullptr where there is none.
void add_costs(const core::SourceFile& source, const HttpResponse& response, const core::JsonDocument* document,
               const std::vector<queue::LimitAsk>& limits, std::vector<queue::LimitFeedback>& feedback);

/// True when the API tells how much of `limit` remains and when it starts anew: its window can then
/// be spent at any pace. With a `resource` header or the standard's policies those are the limits they name; else the one of
/// the longest period, first in the file.
[[nodiscard]] bool is_told(const core::SourceFile& source, const core::Limit& limit);

/// Retry-After in seconds, or as a date relative to the response's Date; at most an hour. nullopt:
/// absent or unreadable.
[[nodiscard]] std::optional<core::Micros> retry_after(const core::Feedback& feedback,
                                                      const HttpResponse& response);

/// When the response says that nothing remains: time until it does again, with 1 s for the cut of
/// seconds; at most 2 h.
[[nodiscard]] std::optional<core::Micros> time_to_reset(const core::Feedback& feedback,
                                                        const HttpResponse& response);

}  // namespace pawl::collector
