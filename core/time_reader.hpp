#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/time_zone.hpp"

namespace pawl::core {

/// Reads a text by the parts of a format, from the front. Part of core/time_format.cpp.
class TimeReader {
  public:
    explicit TimeReader(std::string_view text) : rest_(text) {}

    void directive(char which);
    /// A blank stands for any number of them.
    void literal(char c);
    /// False from the first thing on that is not as the format says.
    [[nodiscard]] bool ok() const { return ok_; }
    /// The time that was read, where all of the text was; `zone` is that of a text that tells none.
    [[nodiscard]] std::optional<std::int64_t> time(const date::time_zone* zone) const;

  private:
    void blanks();
    int number(std::size_t digits_max, int low, int high);
    template <std::size_t N>
    int name(const std::array<std::string_view, N>& names);
    void year();
    void fraction();
    void half_of_day();
    void offset();
    void zone_name();
    void since_1970();

    std::string_view rest_;
    bool ok_ = true;
    int year_ = 0, month_ = 1, day_ = 1, hour_ = 0, minute_ = 0, second_ = 0;
    std::int64_t micros_ = 0;
    std::optional<int> day_of_year_, hour12_, offset_minutes_;
    std::optional<std::int64_t> epoch_;
    bool afternoon_ = false;
};

}  // namespace pawl::core
