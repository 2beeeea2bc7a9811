#include "core/time_reader.hpp"

#include <date/date.h>

#include <algorithm>

#include "core/characters.hpp"
#include "core/decimal.hpp"
#include "core/shown_time.hpp"

namespace pawl::core {

void TimeReader::blanks() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t' || rest_.front() == '\n')) rest_.remove_prefix(1);
}

int TimeReader::number(std::size_t digits_max, int low, int high) {
    std::size_t count = 0;
    int value = 0;
    while (count < digits_max && count < rest_.size() && is_digit(rest_[count])) value = value * 10 + (rest_[count++] - '0');
    ok_ = ok_ && count > 0 && value >= low && value <= high;
    rest_.remove_prefix(count);
    return value;
}

/// The index of the name that stands here, in full or as its first three letters.
template <std::size_t N>
int TimeReader::name(const std::array<std::string_view, N>& names) {
    for (std::size_t i = 0; i < N; ++i)
        for (const auto length : {names[i].size(), std::size_t{3}})
            if (lower(rest_.substr(0, length)) == lower(names[i].substr(0, length))) {
                rest_.remove_prefix(length);
                return static_cast<int>(i);
            }
    ok_ = false;
    return 0;
}

void TimeReader::fraction() {
    std::int64_t unit = micros_a_second / 10;
    std::size_t count = 0;
    micros_ = 0;
    for (; count < rest_.size() && is_digit(rest_[count]); ++count, unit /= 10) micros_ += unit * (rest_[count] - '0');
    ok_ = ok_ && count > 0 && count <= 18;
    rest_.remove_prefix(count);
}

void TimeReader::half_of_day() {
    const auto word = lower(rest_.substr(0, 2));
    ok_ = ok_ && (word == "am" || word == "pm");
    afternoon_ = word == "pm";
    rest_.remove_prefix(std::min<std::size_t>(2, rest_.size()));
}

void TimeReader::offset() {
    offset_minutes_ = 0;
    if (rest_.starts_with('Z') || rest_.starts_with('z')) return rest_.remove_prefix(1);
    const bool west = rest_.starts_with('-');
    ok_ = ok_ && (west || rest_.starts_with('+'));
    if (!ok_) return;
    rest_.remove_prefix(1);
    const int hours = number(2, 0, 15);
    if (rest_.starts_with(':')) rest_.remove_prefix(1);
    const int minutes = rest_.empty() || !is_digit(rest_.front()) ? 0 : number(2, 0, 59);
    offset_minutes_ = (west ? -1 : 1) * (hours * 60 + minutes);
}

void TimeReader::zone_name() {
    for (const std::string_view utc : {"UTC", "GMT", "UT", "Z"})
        if (rest_.starts_with(utc)) {
            offset_minutes_ = 0;
            return rest_.remove_prefix(utc.size());
        }
    ok_ = false;
}

void TimeReader::since_1970() {
    const bool negative = rest_.starts_with('-');
    const auto count = std::min(rest_.find_first_not_of("0123456789", negative ? 1 : 0), rest_.size());
    const auto value = scaled_number(rest_.substr(0, count), 0);
    constexpr std::int64_t far = 1'000'000'000'000;  // beyond the year 9999
    ok_ = ok_ && value && *value > -far && *value < far;
    epoch_ = value.value_or(0);
    rest_.remove_prefix(count);
}

void TimeReader::directive(char which) {
    switch (which) {
        case 'Y': year(); break;
        case 'y': year_ = number(2, 0, 99); year_ += year_ < 69 ? 2000 : 1900; break;  // as POSIX
        case 'm': month_ = number(2, 1, 12); break;
        case 'd':
        case 'e': blanks(); day_ = number(2, 1, 31); break;
        case 'j': day_of_year_ = number(3, 1, 366); break;
        case 'H': blanks(); hour_ = number(2, 0, 23); break;
        case 'I': blanks(); hour12_ = number(2, 1, 12); break;
        case 'M': minute_ = number(2, 0, 59); break;
        case 'S': second_ = number(2, 0, 60); break;
        case 'f': fraction(); break;
        case 'p': half_of_day(); break;
        case 'b':
        case 'h':
        case 'B': month_ = name(english_months) + 1; break;
        case 'a':
        case 'A': (void)name(english_weekdays); break;
        case 'z': offset(); break;
        case 'Z': zone_name(); break;
        case 's': since_1970(); break;
        default: blanks(); break;  // n, t
    }
}

/// All four digits: 26 is no year of ours.
void TimeReader::year() {
    ok_ = ok_ && rest_.size() >= 4 && std::all_of(rest_.begin(), rest_.begin() + 4, is_digit);
    year_ = number(4, 1, 9999);
}

void TimeReader::literal(char c) {
    if (c == ' ') return blanks();
    ok_ = ok_ && rest_.starts_with(c);
    if (ok_) rest_.remove_prefix(1);
}

std::optional<std::int64_t> TimeReader::time(const date::time_zone* zone) const {
    if (!ok_ || !rest_.empty()) return std::nullopt;
    if (epoch_) return time_in_range(*epoch_ * micros_a_second + micros_);
    date::year_month_day day_shown{date::year(year_), date::month(static_cast<unsigned>(month_)),
                                   date::day(static_cast<unsigned>(day_))};
    if (year_ < 1 || !day_shown.ok()) return std::nullopt;
    date::sys_days days{day_shown};
    if (day_of_year_) {
        days = date::sys_days{date::year(year_) / 1 / 1} + date::days(*day_of_year_ - 1);
        if (date::year_month_day{days}.year() != date::year(year_)) return std::nullopt;
    }
    const int shown_hour = hour12_ ? *hour12_ % 12 + (afternoon_ ? 12 : 0) : hour_;
    const std::int64_t local =
        (std::int64_t{days.time_since_epoch().count()} * 86'400 + shown_hour * 3'600 + minute_ * 60 + second_) *
            micros_a_second + micros_;
    if (!offset_minutes_) return time_shown_as(local, zone);
    return time_in_range(local - std::int64_t{*offset_minutes_} * 60 * micros_a_second);
}

}  // namespace pawl::core
