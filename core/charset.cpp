#include "core/charset.hpp"

#include <iconv.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "core/characters.hpp"
#include "core/errors.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

namespace {

constexpr std::string_view unknown = "\xef\xbf\xbd";  // U+FFFD

struct ByteOrderMark {
    std::string_view bytes;
    const char* charset;
};
// The longer one first: UTF-16's is the beginning of UTF-32's.
constexpr std::array<ByteOrderMark, 5> marks{{{{"\xff\xfe\0\0", 4}, "utf-32le"},
                                             {{"\0\0\xfe\xff", 4}, "utf-32be"},
                                             {"\xff\xfe", "utf-16le"},
                                             {"\xfe\xff", "utf-16be"},
                                             {"\xef\xbb\xbf", "utf-8"}}};

/// The value behind `name=` in `text`, with or without quotes around it; "" where there is none.
std::string value_behind(std::string_view text, std::string_view name) {
    const std::string small = lower(text);
    std::size_t at = small.find(name);
    if (at == std::string::npos) return "";
    at = small.find_first_not_of(" \t\r\n", at + name.size());
    if (at == std::string::npos || small[at] != '=') return "";
    at = small.find_first_not_of(" \t\r\n\"'", at + 1);
    if (at == std::string::npos) return "";
    return small.substr(at, small.find_first_of(" \t\r\n\"';?,", at) - at);
}

std::string declared_by_xml(std::string_view body) {
    if (!body.starts_with("<?xml")) return "";
    return value_behind(body.substr(0, std::min<std::size_t>(body.find("?>"), 400)), "encoding");
}

/// As browsers read it (WHATWG Encoding): what calls itself Latin 1 is Windows-1252 nearly always.
bool is_latin1(const std::string& charset) {
    return charset == "iso-8859-1" || charset == "iso8859-1" || charset == "latin1" || charset == "windows-1252" ||
           charset == "cp1252" || charset == "us-ascii" || charset == "ascii";
}

struct CloseIconv {
    void operator()(void* descriptor) const { iconv_close(descriptor); }
};

/// Bytes of the units that a charset is made of.
std::size_t unit_of(std::string_view charset) { return charset.starts_with("utf-32") ? 4 : charset.starts_with("utf-16") ? 2 : 1; }

/// U+FFFD for each unit that `charset` does not know.
std::string convert(std::string_view body, const char* charset) {
    const iconv_t opened = iconv_open("UTF-8", charset);
    if (opened == reinterpret_cast<iconv_t>(-1))
        throw PermanentError(std::string("its charset is not known: ") + charset);
    const std::unique_ptr<void, CloseIconv> closing(opened);
    std::string out;
    out.reserve(body.size() + body.size() / 4);
    std::array<char, 16 << 10> room;
    char* from = const_cast<char*>(body.data());  // iconv does not write there
    std::size_t left = body.size();
    while (left > 0) {
        char* to = room.data();
        std::size_t free = room.size();
        const auto done = iconv(opened, &from, &left, &to, &free);
        const int error = errno;
        out.append(room.data(), room.size() - free);
        if (done != static_cast<std::size_t>(-1) || error == E2BIG) continue;
        out += unknown;
        const std::size_t unit = std::min(left, unit_of(charset));
        from += unit;
        left -= unit;
    }
    return out;
}

}  // namespace

std::string as_utf8(std::string body, Stream::Decode decode, std::string_view content_type) {
    for (const auto& mark : marks) {
        if (!body.starts_with(mark.bytes)) continue;
        const auto rest = std::string_view(body).substr(mark.bytes.size());
        return mark.bytes.size() == 3 ? std::string(rest) : convert(rest, mark.charset);
    }
    if (decode == Stream::Decode::json || decode == Stream::Decode::jsonl) return body;
    std::string charset = value_behind(content_type, "charset");
    if (charset.empty() && decode == Stream::Decode::xml) charset = declared_by_xml(body);
    if (charset.empty() || charset == "utf-8" || charset == "utf8") return body;
    if (is_latin1(charset)) return is_utf8(body) ? body : convert(body, "windows-1252");
    if (charset.size() > 40 || charset.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_:.()+") != std::string::npos)
        charset = "(none)";
    try {
        return convert(body, charset.c_str());
    } catch (const PermanentError&) {
        if (!is_utf8(body)) throw;
        return body;
    }
}

}  // namespace pawl::core
