#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "app/snapshot.hpp"

namespace pawl::app {

/// What a budget is doing, for people: quarantined (the API refuses the owner's keys), cooling (it asked to pause),
/// exhausted (nothing left until the reset), ok. Pure.
[[nodiscard]] std::string quota_state(const queue::LimitView& limit, const Snapshot& snapshot);

/// The budgets of a source: for each limit and owner what is allowed, left and spent by stream, when it resets, what
/// lapsed, its state. "" where none was ever asked for. Pure.
[[nodiscard]] std::string quota_text(const Snapshot& snapshot);
[[nodiscard]] nlohmann::ordered_json quota_json(const Snapshot& snapshot);

}  // namespace pawl::app
