#include "core/http_date.hpp"

#include <array>
#include <charconv>
#include <chrono>
#include <string>
#include <vector>

namespace pawl::core {

namespace {

std::optional<unsigned> month_of(std::string_view word) {
    constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    for (unsigned i = 0; i < months.size(); ++i)
        if (months[i] == word) return i + 1;
    return std::nullopt;
}

std::optional<std::chrono::seconds> time_of_day(std::string_view word) {
    if (word.size() != 8 || word[2] != ':' || word[5] != ':') return std::nullopt;
    const auto hours = parse_integer(word.substr(0, 2));
    const auto minutes = parse_integer(word.substr(3, 2));
    const auto seconds = parse_integer(word.substr(6, 2));
    if (!hours || !minutes || !seconds || *hours > 23 || *minutes > 59 || *seconds > 60)
        return std::nullopt;
    return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) +
           std::chrono::seconds(*seconds);
}

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (words.size() < 8) {
        const auto begin = text.find_first_not_of(" ,-");
        if (begin == std::string_view::npos) break;
        const auto end = text.find_first_of(" ,-", begin);
        words.push_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) break;
        text = text.substr(end);
    }
    return words;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<std::int64_t> parse_http_date(std::string_view text) {
    if (text.size() > 64) return std::nullopt;
    const auto words =
        words_of(text);  // weekday, then day month year time zone, or month day time year
    if (words.size() < 5) return std::nullopt;
    const bool asctime = month_of(words[1]).has_value();
    const auto day = parse_integer(words[asctime ? 2 : 1]);
    const auto month = month_of(words[asctime ? 1 : 2]);
    const auto clock = time_of_day(words[asctime ? 3 : 4]);
    auto year = parse_integer(words[asctime ? 4 : 3]);
    if (!day || !month || !clock || !year || *day < 1 || *day > 31 || *year < 0 || *year > 9999)
        return std::nullopt;
    if (!asctime && (words.size() != 6 || words[5] != "GMT")) return std::nullopt;
    if (*year < 100) *year += *year < 70 ? 2000 : 1900;  // RFC 850: two digits
    const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                           std::chrono::month(*month),
                                           std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok()) return std::nullopt;
    const auto at = std::chrono::sys_days(date).time_since_epoch() + *clock;
    return std::chrono::duration_cast<std::chrono::seconds>(at).count();
}

}  // namespace pawl::core
