#include "storage/copy_json.hpp"

#include <charconv>
#include <cstring>

#include "core/characters.hpp"
#include "storage/special_bytes.hpp"

namespace pawl::storage {

namespace {

constexpr std::size_t number_bytes_max = 1'000;  // jsonb and numeric keep every digit
constexpr int exponent_max = 308;                // that of float8: what JSON is used for elsewhere

/// The code unit of `\uXXXX` at `at` (which points at the backslash), or -1.
int unicode_escape(const char* at, const char* end) {
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return -1;
    return core::hex_number({at + 2, 4}, 0, 4);
}

const char* find(const char* at, const char* end, char what) {
    const void* found = at == end ? nullptr : std::memchr(at, what, static_cast<std::size_t>(end - at));
    return found == nullptr ? end : static_cast<const char*>(found);
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

}  // namespace

bool is_storable_number(std::string_view text) {
    if (text.empty() || text.size() > number_bytes_max) return false;
    std::size_t i = text[0] == '-' ? 1 : 0;
    const auto digits = [&] {
        const std::size_t from = i;
        while (i < text.size() && core::is_digit(text[i])) ++i;
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

// Valid JSON has no control characters in its strings, so there only a backslash is of interest, which most records have
// none of; between strings, numbers and line breaks are.
Encoded append_json(std::string& out, std::string_view json) {
    const char* const end = json.data() + json.size();
    const char* at = json.data();
    const char* kept = at;  // from here on nothing is in `out` yet
    const char* backslash = find(at, end, '\\');
    bool repaired = false;
    while (at != end) {
        const char c = *at;
        if (c == '"') {
            const char* quote = find(++at, end, '"');
            while (backslash < quote) {
                out.append(kept, backslash);
                kept = at = append_json_escape(out, backslash, end, repaired);
                backslash = find(at, end, '\\');
                if (at > quote) quote = find(at, end, '"');
            }
            at = quote == end ? end : quote + 1;
        } else if (core::is_digit(c) || c == '-') {
            const char* const from = at;
            bool exponent = false;
            while (at != end && (core::is_digit(*at) || *at == '.' || *at == '-' || *at == '+' ||
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

}  // namespace pawl::storage
