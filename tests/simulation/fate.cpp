#include "tests/simulation/fate.hpp"

#include <array>

namespace pawl::simulation {

std::string_view to_string(Fault fault) {
    constexpr std::array<std::string_view, static_cast<std::size_t>(Fault::count_)> words{
        "kill",       "pause",          "request lost", "reply lost",  "slow",       "redis wipe", "redis rollback",
        "redis full", "postgres abort", "api refuses",  "api breaks", "api drifts", "api reorders",
        "api expires", "clock jump"};
    return words[static_cast<std::size_t>(fault)];
}

bool Fate::strikes(Fault fault, double chance, std::int64_t at_ms, const std::string& what) {
    if (over_ || random_.fraction() >= chance) return false;
    const int number = next_++;
    if (left_out_.contains(number)) return false;
    ++counts_[fault];
    events_.push_back({number, fault, at_ms, what});
    return true;
}

std::int64_t Fate::count(Fault fault) const {
    const auto found = counts_.find(fault);
    return found == counts_.end() ? 0 : found->second;
}

}  // namespace pawl::simulation
