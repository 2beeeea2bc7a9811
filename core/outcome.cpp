#include "core/outcome.hpp"

#include <array>
#include <utility>

namespace pawl::core {

namespace {

constexpr std::array<std::pair<Outcome, std::string_view>, 10> outcome_words{{
    {Outcome::ok, "ok"},
    {Outcome::not_modified, "not_modified"},
    {Outcome::empty, "empty"},
    {Outcome::gone, "gone"},
    {Outcome::truncated, "truncated"},
    {Outcome::too_large, "too_large"},
    {Outcome::failed, "failed"},
    {Outcome::dead, "dead"},
    {Outcome::cancelled, "cancelled"},
    {Outcome::stuck, "stuck"},
}};

constexpr std::array<std::pair<Shift, std::string_view>, 4> shift_words{{
    {Shift::none, ""},
    {Shift::repeated, "repeated"},
    {Shift::reread, "reread"},
    {Shift::skipped, "skipped"},
}};

}  // namespace

std::string_view to_string(Outcome outcome) { return outcome_words[static_cast<std::size_t>(outcome)].second; }

std::optional<Outcome> parse_outcome(std::string_view word) {
    for (const auto& [outcome, name] : outcome_words)
        if (name == word) return outcome;
    return std::nullopt;
}

std::string_view to_string(Shift shift) { return shift_words[static_cast<std::size_t>(shift)].second; }

std::optional<Shift> parse_shift(std::string_view word) {
    for (const auto& [shift, name] : shift_words)
        if (name == word) return shift;
    return std::nullopt;
}

}  // namespace pawl::core
