#include "storage/copy_text.hpp"

#include <array>
#include <charconv>
#include <cstring>

#include "core/identity.hpp"

namespace pawl::storage {

namespace {

using core::ColumnType;
using core::Value;

constexpr std::size_t number_bytes_max = 1'000;  // jsonb and numeric keep every digit
constexpr int exponent_max = 308;                // that of float8: what JSON is used for elsewhere
constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

constexpr std::uint64_t ones = 0x0101010101010101u;
constexpr std::uint64_t highs = 0x8080808080808080u;

constexpr std::uint64_t zero_bytes(std::uint64_t word) { return (word - ones) & ~word & highs; }

/// First backslash or control character (and, for JSON strings, quote) in [at, end): eight bytes at
/// a time.
template <bool with_quote>
const char* find_special(const char* at, const char* end) {
    for (; end - at >= 8; at += 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        std::uint64_t found =
            zero_bytes(word ^ (ones * '\\')) | ((word - ones * 0x20) & ~word & highs);
        if constexpr (with_quote) found |= zero_bytes(word ^ (ones * '"'));
        if (found != 0) break;
    }
    for (; at != end; ++at) {
        const auto c = static_cast<unsigned char>(*at);
        if (c < 0x20 || c == '\\' || (with_quote && c == '"')) break;
    }
    return at;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// JSON's grammar of numbers, within what numeric and jsonb may store.
bool is_storable_number(std::string_view text) {
    if (text.empty() || text.size() > number_bytes_max) return false;
    std::size_t i = text[0] == '-' ? 1 : 0;
    const auto digits = [&] {
        const std::size_t from = i;
        while (i < text.size() && is_digit(text[i])) ++i;
        return i > from;
    };
    if (!digits()) return false;
    if (i < text.size() && text[i] == '.') {
        ++i;
        if (!digits()) return false;
    }
    if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
        ++i;
        if (i < text.size() && text[i] == '+') ++i;
        int exponent = 0;
        const auto [end, error] =
            std::from_chars(text.data() + i, text.data() + text.size(), exponent);
        if (error != std::errc() || exponent > exponent_max || exponent < -exponent_max)
            return false;
        i = static_cast<std::size_t>(end - text.data());
    }
    return i == text.size();
}

bool is_bigint(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

bool is_float8(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number - number == 0;
}

/// Two digits at `at` as a number, or -1.
int two_digits(std::string_view text, std::size_t at) {
    if (at + 2 > text.size() || !is_digit(text[at]) || !is_digit(text[at + 1])) return -1;
    return (text[at] - '0') * 10 + (text[at + 1] - '0');
}

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

enum class TimeText { no, with_offset, without_offset };

/// Date, `T` or space, hh:mm:ss, fraction, offset. Postgres takes second 60 (without a fraction)
/// and offsets up to ±15:59.
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
        while (i < text.size() && is_digit(text[i])) ++i;
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

int hex_value(char c) {
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/// The code unit of `\uXXXX` at `at` (which points at the backslash), or -1.
int unicode_escape(const char* at, const char* end) {
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
    int unit = 0;
    for (int i = 2; i < 6; ++i) {
        const int digit = hex_value(at[i]);
        if (digit < 0) return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

bool is_high_surrogate(int unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_surrogate(int unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/// Appends the escape at `at` (a backslash inside a JSON string) for COPY and returns what is
/// behind it.
const char* append_json_escape(std::string& out, const char* at, const char* end, bool& repaired) {
    const int unit = unicode_escape(at, end);
    if (unit < 0) {  // \n, \", \\ and so on: two characters
        out += "\\\\";
        if (at + 1 == end) return end;
        if (at[1] == '\\') out += '\\';
        out += at[1];
        return at + 2;
    }
    if (is_high_surrogate(unit) && is_low_surrogate(unicode_escape(at + 6, end))) {
        out.append("\\\\").append(at + 1, 5).append("\\\\").append(at + 7, 5);
        return at + 12;
    }
    if (unit == 0 || is_high_surrogate(unit) || is_low_surrogate(unit)) {
        out += "\\\\ufffd";
        repaired = true;
    } else {
        out.append("\\\\").append(at + 1, 5);
    }
    return at + 6;
}

/// A JSON text as it came, its escapes doubled for COPY. Strings are skipped over eight bytes at a
/// time; between them only numbers and line breaks are of interest.
Encoded append_json(std::string& out, std::string_view json) {
    const char* const end = json.data() + json.size();
    const char* at = json.data();
    const char* kept = at;  // from here on nothing is in `out` yet
    bool repaired = false;
    while (at != end) {
        const char c = *at;
        if (c == '"') {
            ++at;
            while (true) {
                at = find_special<true>(at, end);
                if (at == end) break;
                if (*at == '"') {
                    ++at;
                    break;
                }
                if (*at != '\\') {
                    ++at;
                    continue;
                }
                out.append(kept, at);
                at = append_json_escape(out, at, end, repaired);
                kept = at;
            }
        } else if (is_digit(c) || c == '-') {
            const char* const from = at;
            bool exponent = false;
            while (at != end && (is_digit(*at) || *at == '.' || *at == '-' || *at == '+' ||
                                 *at == 'e' || *at == 'E')) {
                exponent = exponent || *at == 'e' || *at == 'E';
                ++at;
            }
            const auto size = static_cast<std::size_t>(at - from);
            if ((exponent || size > number_bytes_max) && !is_storable_number({from, size}))
                return Encoded::misfit;
        } else if (c == '\n' || c == '\r' || c == '\t') {
            out.append(kept, at);
            out += ' ';
            kept = ++at;
        } else {
            ++at;
        }
    }
    out.append(kept, end);
    return repaired ? Encoded::repaired : Encoded::ok;
}

/// A text as a JSON string, for COPY.
Encoded append_json_string(std::string& out, std::string_view text) {
    constexpr std::string_view hex = "0123456789abcdef";
    const char* const end = text.data() + text.size();
    const char* at = text.data();
    bool repaired = false;
    out += '"';
    while (true) {
        const char* const special = find_special<true>(at, end);
        out.append(at, special);
        if (special == end) break;
        const char c = *special;
        at = special + 1;
        if (c == '\\') {
            out += "\\\\\\\\";
        } else if (c == '"') {
            out += "\\\\\"";
        } else if (c == '\0') {
            out += "\\\\ufffd";
            repaired = true;
        } else {
            const auto code = static_cast<unsigned char>(c);
            out += "\\\\u00";
            out += hex[code >> 4];
            out += hex[code & 15];
        }
    }
    out += '"';
    return repaired ? Encoded::repaired : Encoded::ok;
}

Encoded append_if(std::string& out, bool storable, std::string_view text) {
    if (!storable) return Encoded::misfit;
    out += text;
    return Encoded::ok;
}

Encoded append_boolean(std::string& out, const Value& value, bool asked) {
    std::string_view text = value.text;
    if (value.kind != Value::Kind::boolean) {
        if (!asked) return Encoded::misfit;
        if (text == "1" || text == "True" || text == "TRUE") text = "true";
        if (text == "0" || text == "False" || text == "FALSE") text = "false";
    }
    if (text != "true" && text != "false") return Encoded::misfit;
    out += text[0];
    return Encoded::ok;
}

Encoded append_timestamptz(std::string& out, std::string_view text, bool asked) {
    if (is_date(text)) {
        out.append(text).append(" 00:00:00+00");
        return Encoded::ok;
    }
    const TimeText form = time_text(text);
    if (form == TimeText::no || (form == TimeText::without_offset && !asked))
        return Encoded::misfit;
    out += text;
    if (form == TimeText::without_offset) out += "+00";
    return Encoded::ok;
}

Encoded append_jsonb(std::string& out, const Value& value) {
    switch (value.kind) {
        case Value::Kind::text:
            return append_json_string(out, value.text);
        case Value::Kind::json:
            return append_json(out, value.text);
        case Value::Kind::number:
            return append_if(out, is_storable_number(value.text), value.text);
        default:
            return append_if(out, true, value.text);
    }
}

}  // namespace

Encoded append_copy_text(std::string& out, std::string_view text) {
    const char* const end = text.data() + text.size();
    const char* at = text.data();
    bool repaired = false;
    while (true) {
        const char* const special = find_special<false>(at, end);
        out.append(at, special);
        if (special == end) break;
        switch (*special) {
            case '\\':
                out += "\\\\";
                break;
            case '\n':
                out += "\\n";
                break;
            case '\r':
                out += "\\r";
                break;
            case '\t':
                out += "\\t";
                break;
            case '\0':
                out += replacement;
                repaired = true;
                break;
            default:
                out += *special;
        }
        at = special + 1;
    }
    return repaired ? Encoded::repaired : Encoded::ok;
}

void append_copy_integer(std::string& out, std::int64_t number) {
    std::array<char, 20> digits;
    const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc()) out.append(digits.data(), end);
}

Encoded append_copy(std::string& out, const Value& value, ColumnType type) {
    using Kind = Value::Kind;
    if (value.kind == Kind::null) {
        out += "\\N";
        return Encoded::ok;
    }
    if (type == ColumnType::text) return append_copy_text(out, value.text);
    if (type == ColumnType::jsonb) return append_jsonb(out, value);
    if (value.kind == Kind::json) return Encoded::misfit;

    const std::string_view text = value.text;
    const bool asked = value.as.has_value();
    const bool number = value.kind == Kind::number || (value.kind == Kind::text && asked);
    switch (type) {
        case ColumnType::boolean:
            return append_boolean(out, value, asked);
        case ColumnType::bigint:
            return append_if(out, number && is_bigint(text), text);
        case ColumnType::numeric:
            return append_if(out, number && is_storable_number(text), text);
        case ColumnType::float8:
            return append_if(out, number && is_float8(text), text);
        case ColumnType::uuid:
            return append_if(out, value.kind == Kind::text && core::Token::parse(text), text);
        case ColumnType::date:
            if (value.kind != Kind::text) return Encoded::misfit;
            if (asked && time_text(text) != TimeText::no)
                return append_if(out, true, text.substr(0, 10));
            return append_if(out, is_date(text), text);
        case ColumnType::timestamptz:
            if (value.kind != Kind::text) return Encoded::misfit;
            return append_timestamptz(out, text, asked);
        default:
            return Encoded::misfit;
    }
}

}  // namespace pawl::storage
