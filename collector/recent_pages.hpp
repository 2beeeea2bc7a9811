#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <string>

namespace pawl::collector {

/// The last 64 pages a walk asked for, to notice a list that runs in circles before the ledger
/// does.
class RecentPages {
  public:
    [[nodiscard]] bool contains(const std::string& url) const {
        const auto known = std::min(count_, hashes_.size());
        return std::find(hashes_.begin(), hashes_.begin() + static_cast<std::ptrdiff_t>(known),
                         hash(url)) != hashes_.begin() + static_cast<std::ptrdiff_t>(known);
    }
    void remember(const std::string& url) { hashes_[count_++ % hashes_.size()] = hash(url); }

  private:
    static std::size_t hash(const std::string& url) { return std::hash<std::string>{}(url); }
    std::array<std::size_t, 64> hashes_{};
    std::size_t count_ = 0;
};

}  // namespace pawl::collector
