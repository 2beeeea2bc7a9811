#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>

namespace pawl::collector {

/// How much room on the queue to reserve for a page before it is fetched: about the 95th percentile
/// of a stream's compressed bodies. Follows it by steps: a larger body lifts the estimate by 19 %,
/// a smaller one lowers it by 1 %, which balances where one body in twenty is larger. No samples
/// are kept.
class RoomEstimate {
  public:
    [[nodiscard]] std::size_t bytes(const std::string& stream) const {
        const auto found = estimates_.find(stream);
        return static_cast<std::size_t>(found == estimates_.end() ? first : found->second);
    }
    void saw(const std::string& stream, std::size_t compressed_bytes) {
        auto& estimate = estimates_.try_emplace(stream, first).first->second;
        estimate *= static_cast<double>(compressed_bytes) > estimate ? 1.19 : 0.99;
        estimate = std::clamp(estimate, least, most);
    }

  private:
    static constexpr double first = 65'536;
    static constexpr double least = 512;       // envelopes alone are about that
    static constexpr double most = 32u << 20;  // body_max by default
    std::map<std::string, double> estimates_;
};

}  // namespace pawl::collector
