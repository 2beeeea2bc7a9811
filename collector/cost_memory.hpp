#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "queue/quota.hpp"

namespace pawl::collector {

/// What the requests of each stream cost last, where only their answers tell: the best guess for the next one.
class CostMemory {
  public:
    void saw(const std::string& stream, const std::vector<queue::LimitFeedback>& feedback) {
        for (const auto& told : feedback)
            if (told.cost) last_[{stream, told.name}] = *told.cost;
    }
    [[nodiscard]] std::optional<std::int64_t> last(const std::string& stream, const std::string& limit) const {
        const auto found = last_.find({stream, limit});
        return found == last_.end() ? std::nullopt : std::optional(found->second);
    }

  private:
    std::map<std::pair<std::string, std::string>, std::int64_t> last_;
};

}  // namespace pawl::collector
