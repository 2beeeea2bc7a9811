#include "core/decimal.hpp"

#include <algorithm>
#include <charconv>

#include "core/characters.hpp"
#include "core/duration.hpp"

namespace pawl::core {

namespace {

constexpr std::int64_t exponent_max = 400;                       // of a number that is added
constexpr std::int64_t exponent_saturated = 1'000'000'000'000;  // compared only; no text is as long

/// digits × 10^exponent.
struct Decimal {
    bool negative = false;
    std::string digits;  ///< without leading zeros; empty: 0
    std::int64_t exponent = 0;

    [[nodiscard]] int sign() const { return digits.empty() ? 0 : negative ? -1 : 1; }
    /// Where its first digit stands: 0 for 0.5, 1 for 5.
    [[nodiscard]] std::int64_t top() const { return static_cast<std::int64_t>(digits.size()) + exponent; }
};

std::int64_t read_exponent(std::string_view text) {
    const bool negative = text.starts_with('-');
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value > exponent_saturated) value = exponent_saturated;
    return negative ? -value : value;
}

std::optional<Decimal> read_decimal(std::string_view text) {
    if (!is_json_number(text)) return std::nullopt;
    Decimal number;
    number.negative = text.front() == '-';
    if (number.negative) text.remove_prefix(1);
    if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
        number.exponent = read_exponent(text.substr(e + 1));
        text = text.substr(0, e);
    }
    const auto point = std::min(text.find('.'), text.size());
    number.digits = text.substr(0, point);
    if (point < text.size()) {
        number.digits += text.substr(point + 1);
        number.exponent -= static_cast<std::int64_t>(text.size() - point - 1);
    }
    number.digits.erase(0, std::min(number.digits.find_first_not_of('0'), number.digits.size()));
    return number;
}

std::string_view without_trailing_zeros(std::string_view digits) {
    return digits.substr(0, digits.find_last_not_of('0') + 1);
}

std::strong_ordering compare_magnitudes(const Decimal& a, const Decimal& b) {
    if (a.top() != b.top()) return a.top() <=> b.top();
    return without_trailing_zeros(a.digits).compare(without_trailing_zeros(b.digits)) <=> 0;
}

/// Both of the same length.
std::string sum_of(std::string a, const std::string& b) {
    int carry = 0;
    for (std::size_t i = a.size(); i-- > 0;) {
        const int digit = (a[i] - '0') + (b[i] - '0') + carry;
        a[i] = static_cast<char>('0' + digit % 10);
        carry = digit / 10;
    }
    return carry > 0 ? "1" + a : a;
}

/// Both of the same length, `a` not below `b`.
std::string difference_of(std::string a, const std::string& b) {
    int borrowed = 0;
    for (std::size_t i = a.size(); i-- > 0;) {
        const int digit = (a[i] - '0') - (b[i] - '0') - borrowed;
        a[i] = static_cast<char>('0' + (digit + 10) % 10);
        borrowed = digit < 0 ? 1 : 0;
    }
    return a;
}

/// `digits` with `decimals` of them behind the point.
std::string written(bool negative, std::string digits, std::size_t decimals) {
    if (digits.size() <= decimals) digits.insert(0, decimals + 1 - digits.size(), '0');
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size() - decimals - 1));
    const bool zero = digits.find_first_not_of('0') == std::string::npos;
    if (decimals > 0) digits.insert(digits.size() - decimals, 1, '.');
    return negative && !zero ? "-" + digits : digits;
}

std::string sum_of(const Decimal& a, const Decimal& b) {
    const std::int64_t exponent = std::min({a.exponent, b.exponent, std::int64_t{0}});
    const auto digits_of = [exponent](const Decimal& number) {
        return number.digits + std::string(static_cast<std::size_t>(number.exponent - exponent), '0');
    };
    std::string left = digits_of(a), right = digits_of(b);
    const auto width = std::max(left.size(), right.size());
    left.insert(0, width - left.size(), '0');
    right.insert(0, width - right.size(), '0');
    const auto decimals = static_cast<std::size_t>(-exponent);
    if (a.negative == b.negative) return written(a.negative, sum_of(std::move(left), right), decimals);
    if (left < right) return written(b.negative, difference_of(std::move(right), left), decimals);
    return written(a.negative, difference_of(std::move(left), right), decimals);
}

/// Where both fit into 64 bits; what nearly all numbers do.
std::optional<std::pair<std::int64_t, std::int64_t>> small_pair(std::string_view a, std::string_view b) {
    if (!is_json_number(a) || !is_json_number(b)) return std::nullopt;
    const auto left = parse_whole_number(a), right = parse_whole_number(b);
    if (!left || !right) return std::nullopt;
    return std::pair{*left, *right};
}

}  // namespace

bool is_json_number(std::string_view text) {
    const auto digits = [&text] {
        std::size_t n = 0;
        while (n < text.size() && is_digit(text[n])) ++n;
        text.remove_prefix(n);
        return n;
    };
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool leading_zero = text.starts_with('0');
    const std::size_t whole = digits();
    if (whole == 0 || (leading_zero && whole > 1)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (digits() == 0) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        if (digits() == 0) return false;
    }
    return text.empty();
}

std::optional<std::strong_ordering> compare_numbers(std::string_view a, std::string_view b) {
    if (const auto small = small_pair(a, b)) return small->first <=> small->second;
    const auto left = read_decimal(a), right = read_decimal(b);
    if (!left || !right) return std::nullopt;
    if (left->sign() != right->sign() || left->sign() == 0) return left->sign() <=> right->sign();
    return left->negative ? compare_magnitudes(*right, *left) : compare_magnitudes(*left, *right);
}

std::optional<std::string> add_numbers(std::string_view a, std::string_view b) {
    std::int64_t sum = 0;
    if (const auto small = small_pair(a, b); small && !__builtin_add_overflow(small->first, small->second, &sum))
        return std::to_string(sum);
    const auto left = read_decimal(a), right = read_decimal(b);
    if (!left || !right) return std::nullopt;
    for (const auto text : {a, b}) {
        const auto e = text.find_first_of("eE");
        if (e == std::string_view::npos) continue;
        const auto exponent = read_exponent(text.substr(e + 1));
        if (exponent > exponent_max || exponent < -exponent_max) return std::nullopt;
    }
    return sum_of(*left, *right);
}

std::optional<std::int64_t> scaled_number(std::string_view text, int places) {
    const auto number = read_decimal(text);
    if (!number) return std::nullopt;
    if (number->sign() == 0) return 0;
    const std::int64_t whole = number->top() + places;  // digits before the point
    if (whole > 19) return std::nullopt;
    const auto kept = static_cast<std::size_t>(std::max<std::int64_t>(whole, 0));
    std::string digits = number->digits.substr(0, kept);
    const bool cut = without_trailing_zeros(number->digits).size() > digits.size();
    digits.resize(kept, '0');
    auto value = parse_whole_number((number->negative ? "-0" : "0") + digits);
    if (value && cut && number->negative && __builtin_sub_overflow(*value, 1, &*value)) return std::nullopt;
    return value;
}

}  // namespace pawl::core
