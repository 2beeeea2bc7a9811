#include "core/unicode.hpp"

#include <cstdint>

#include "core/characters.hpp"

namespace pawl::core {

namespace {

constexpr std::uint32_t replacement = 0xfffd;

void append_utf8(std::string& out, std::uint32_t point) {
    const auto byte = [&out](std::uint32_t b) { out += static_cast<char>(b); };
    if (point < 0x80) {
        byte(point);
    } else if (point < 0x800) {
        byte(0xc0 | point >> 6);
        byte(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        byte(0xe0 | point >> 12);
        byte(0x80 | (point >> 6 & 0x3f));
        byte(0x80 | (point & 0x3f));
    } else {
        byte(0xf0 | point >> 18);
        byte(0x80 | (point >> 12 & 0x3f));
        byte(0x80 | (point >> 6 & 0x3f));
        byte(0x80 | (point & 0x3f));
    }
}

/// Length of the valid UTF-8 sequence at `at`, or 0. Ranges: Unicode 15, table 3-7.
std::size_t sequence_length(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || at + length > text.size()) return 0;
    unsigned char low = 0x80, high = 0xbf;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    if (byte(1) < low || byte(1) > high) return 0;
    for (std::size_t i = 2; i < length; ++i)
        if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
    return length;
}

}  // namespace

std::size_t first_bad_escape(std::string_view content) {
    for (std::size_t at = content.find('\\'); at != std::string_view::npos; at = content.find('\\', at)) {
        if (at + 1 >= content.size()) return at;
        const char c = content[at + 1];
        if (c == 'u') {
            if (hex_number(content, at + 2, 4) < 0) return at;
            at += 6;
        } else if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos) {
            at += 2;
        } else {
            return at;
        }
    }
    return std::string_view::npos;
}

std::string unescape_json(std::string_view content) {
    std::string out;
    out.reserve(content.size());
    for (std::size_t at = 0; at < content.size();) {
        const auto escape = content.find('\\', at);
        out += content.substr(at, escape - at);
        if (escape == std::string_view::npos) break;
        const char c = content[escape + 1];
        at = escape + 2;
        switch (c) {
            case 'b': out += '\b'; break;
            case 'f': out += '\f'; break;
            case 'n': out += '\n'; break;
            case 'r': out += '\r'; break;
            case 't': out += '\t'; break;
            case 'u': {
                auto point = static_cast<std::uint32_t>(hex_number(content, at, 4));
                at += 4;
                if (point >= 0xd800 && point < 0xe000) {
                    std::int32_t low = -1;
                    if (point < 0xdc00 && content.substr(at, 2) == "\\u") low = hex_number(content, at + 2, 4);
                    if (low >= 0xdc00 && low < 0xe000) {
                        point = 0x10000 + ((point - 0xd800) << 10) + static_cast<std::uint32_t>(low - 0xdc00);
                        at += 6;
                    } else {
                        point = replacement;
                    }
                }
                append_utf8(out, point);
                break;
            }
            default: out += c;  // quote, backslash, slash
        }
    }
    return out;
}

std::string quote_json(std::string_view text) {
    std::string out;
    out.reserve(text.size() + 2);
    append_json(out, text);
    return out;
}

void append_json(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += '"';
    std::size_t plain = 0;  // begin of what has not been appended yet
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
        out += text.substr(plain, i - plain);
        plain = i + 1;
        if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte >> 4];
            out += digits[byte & 15];
        } else {
            out += '\\';
            out += text[i];
        }
    }
    out += text.substr(plain);
    out += '"';
}

bool is_utf8(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const auto length = sequence_length(text, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

std::string with_utf8(std::string text) { return is_utf8(text) ? std::move(text) : repair_utf8(text); }

std::string repair_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto length = sequence_length(text, at);
        if (length == 0) {
            append_utf8(out, replacement);
            ++at;
        } else {
            out += text.substr(at, length);
            at += length;
        }
    }
    return out;
}

}  // namespace pawl::core
