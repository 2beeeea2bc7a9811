#pragma once

#include <string>
#include <vector>

namespace pawl::app {

/// Rows of text in columns, for people. Numbers stand right, texts left; control characters are
/// shown as spaces.
class TextTable {
  public:
    explicit TextTable(std::vector<std::string> header);
    void add(std::vector<std::string> row);
    /// Cells longer than `cell_max` characters are cut with an ellipsis.
    [[nodiscard]] std::string text(std::size_t cell_max = 40) const;

  private:
    std::vector<std::vector<std::string>> rows_;  // the first is the header
};

/// 1234567 → "1,234,567"
[[nodiscard]] std::string grouped(std::int64_t number);
/// 75.2 → "1 min 15 s": seconds, minutes or hours, two units at most.
[[nodiscard]] std::string duration_text(double seconds);
/// 1536 → "1.5 KiB"
[[nodiscard]] std::string bytes_text(std::int64_t bytes);

}  // namespace pawl::app
