#include "storage/time_text.hpp"

#include <array>

#include "core/characters.hpp"

namespace pawl::storage {

namespace {

/// Two digits at `at` as a number, or -1.
int two_digits(std::string_view text, std::size_t at) {
    if (at + 2 > text.size() || !core::is_digit(text[at]) || !core::is_digit(text[at + 1])) return -1;
    return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

}  // namespace

bool is_date(std::string_view text) {
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    const int century = two_digits(text, 0), rest = two_digits(text, 2);
    const int month = two_digits(text, 5), day = two_digits(text, 8);
    if (century < 0 || rest < 0 || month < 1 || month > 12 || day < 1) return false;
    const int year = century * 100 + rest;
    if (year == 0) return false;
    constexpr std::array<int, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= days[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

TimeText time_text(std::string_view text) {
    if (text.size() < 19 || text.size() > 60 || !is_date(text.substr(0, 10))) return TimeText::no;
    if (text[10] != 'T' && text[10] != 't' && text[10] != ' ') return TimeText::no;
    const int hour = two_digits(text, 11), minute = two_digits(text, 14),
              second = two_digits(text, 17);
    if (text[13] != ':' || text[16] != ':') return TimeText::no;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return TimeText::no;
    std::size_t i = 19;
    if (i < text.size() && text[i] == '.') {
        const std::size_t from = ++i;
        while (i < text.size() && core::is_digit(text[i])) ++i;
        if (i == from) return TimeText::no;
        if (second == 60 &&
            text.substr(from, i - from).find_first_not_of('0') != std::string_view::npos)
            return TimeText::no;
    }
    if (i == text.size()) return TimeText::without_offset;
    if (text[i] == 'Z' || text[i] == 'z')
        return i + 1 == text.size() ? TimeText::with_offset : TimeText::no;
    if (text[i] != '+' && text[i] != '-') return TimeText::no;
    const int offset_hour = two_digits(text, i + 1);
    if (offset_hour < 0 || offset_hour > 15) return TimeText::no;
    i += 3;
    if (i == text.size()) return TimeText::with_offset;
    if (text[i] == ':') ++i;
    const int offset_minute = two_digits(text, i);
    if (offset_minute < 0 || offset_minute > 59 || i + 2 != text.size()) return TimeText::no;
    return TimeText::with_offset;
}

}  // namespace pawl::storage
