#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace pawl::storage {

/// Memory for COPY text that one batch leaves to the next: without it, each batch begins with a page fault for every 4 KiB
/// of its rows. Bounded; one thread at a time.
class SpareBuffers {
  public:
    /// Empty, with room where there is some.
    [[nodiscard]] std::string take() {
        if (spare_.empty()) return {};
        std::string buffer = std::move(spare_.back());
        spare_.pop_back();
        return buffer;
    }
    void give_back(std::string buffer) {
        if (spare_.size() == count_max || buffer.capacity() > bytes_max) return;
        buffer.clear();
        spare_.push_back(std::move(buffer));
    }

  private:
    static constexpr std::size_t count_max = 4;
    static constexpr std::size_t bytes_max = 16u << 20;
    std::vector<std::string> spare_;
};

}  // namespace pawl::storage
