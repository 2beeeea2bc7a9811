#include "storage/identifier.hpp"

#include <algorithm>
#include <array>

#include "core/identity.hpp"

namespace pawl::storage {

namespace {

constexpr std::size_t kept_bytes = 54;                    // 54 + '_' + 8 = 63: NAMEDATALEN - 1
constexpr std::string_view unreadable = "\xEF\xBF\xBD";  // U+FFFD

constexpr std::array<std::string_view, 6> system_columns{"ctid", "xmin",     "xmax",
                                                         "cmin", "tableoid", "cmax"};

bool is_reserved(std::string_view name) {
    return name.empty() || name.starts_with("_pawl_") ||
           std::find(system_columns.begin(), system_columns.end(), name) != system_columns.end();
}

/// Bytes of the UTF-8 character at the start of `text`; 0 where there is none.
std::size_t character_bytes(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
    const unsigned char lead = byte(0);
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (!follows(1) || !follows(2)) return 0;
        if (lead == 0xE0 && byte(1) < 0xA0) return 0;  // overlong
        if (lead == 0xED && byte(1) > 0x9F) return 0;  // surrogates
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (!follows(1) || !follows(2) || !follows(3)) return 0;
        if (lead == 0xF0 && byte(1) < 0x90) return 0;
        if (lead == 0xF4 && byte(1) > 0x8F) return 0;  // beyond U+10FFFF
        return 4;
    }
    return 0;
}

std::string doubled(std::string_view text, char quote) {
    std::string out(1, quote);
    for (const char c : text) {
        if (c == quote) out += quote;
        out += c;
    }
    out += quote;
    return out;
}

}  // namespace

std::string valid_text(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const std::size_t bytes = text[0] == '\0' ? 0 : character_bytes(text);
        out += bytes == 0 ? unreadable : text.substr(0, bytes);
        text.remove_prefix(bytes == 0 ? 1 : bytes);
    }
    return out;
}

std::string identifier(std::string_view name) {
    std::string lower = valid_text(name);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool had_nul = name.find('\0') != std::string_view::npos;
    if (lower.size() <= kept_bytes && !had_nul && !is_reserved(lower)) return lower;
    const std::string hash = core::sha256_hex(had_nul ? std::string(name) : lower).substr(0, 8);
    std::size_t cut = std::min(lower.size(), kept_bytes);
    while (cut > 0 && cut < lower.size() && (static_cast<unsigned char>(lower[cut]) & 0xC0) == 0x80)
        --cut;
    lower.resize(cut);
    // `_pawl_…` stays pawl's: a column of the data that is called so gives its first character
    // away.
    if (lower.starts_with("_pawl_")) lower.erase(0, 1);
    return lower + "_" + hash;
}

std::string quoted(const std::string& identifier) { return doubled(identifier, '"'); }

std::string quoted_table(std::string_view schema, std::string_view table) {
    return quoted(identifier(schema)) + "." + quoted(identifier(table));
}

std::string literal(std::string_view text) { return doubled(valid_text(text), '\''); }

}  // namespace pawl::storage
