#pragma once

#include <cstdint>
#include <cstring>

namespace pawl::storage {

/// First backslash or control character (and, for JSON strings, quote) in [at, end): eight bytes at
/// a time.
template <bool with_quote>
[[nodiscard]] const char* find_special(const char* at, const char* end) {
    constexpr std::uint64_t ones = 0x0101010101010101u;
    constexpr std::uint64_t highs = 0x8080808080808080u;
    const auto zero_bytes = [](std::uint64_t word) { return (word - ones) & ~word & highs; };
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

}  // namespace pawl::storage
