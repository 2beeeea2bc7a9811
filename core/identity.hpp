#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/random.hpp"

namespace pawl::core {

using SliceId = std::int64_t;

/// 128 random bits: the identity of a page (its *link*), of a lease (its *nonce*), of an instance. Compared by equality only.
struct Token {
    std::array<std::uint8_t, 16> bytes{};

    [[nodiscard]] static Token random(Random& random);
    /// Accepts the text of a uuid (36 characters, any case); nothing else.
    [[nodiscard]] static std::optional<Token> parse(std::string_view uuid);
    /// Lower-case uuid text, 36 characters: what Postgres and Redis hold.
    [[nodiscard]] std::string str() const;
    friend bool operator==(const Token&, const Token&) = default;
    friend auto operator<=>(const Token&, const Token&) = default;
};

using Link = Token;
using Nonce = Token;

/// A page has at most this many bits of sequence number in its page id, so a slice has at most 1,048,575 pages.
inline constexpr int page_seq_bits = 20;
inline constexpr std::int64_t page_seq_max = (std::int64_t{1} << page_seq_bits) - 1;

/// What the column `_pawl_page` of user tables holds, and `pawl.page.page_id`: slice and sequence number in one bigint.
[[nodiscard]] constexpr std::int64_t page_id(SliceId slice, std::int64_t seq) { return (slice << page_seq_bits) | seq; }
[[nodiscard]] constexpr SliceId slice_of_page(std::int64_t page_id) { return page_id >> page_seq_bits; }

/// SHA-256 of `bytes`, as 64 hexadecimal digits.
[[nodiscard]] std::string sha256_hex(std::string_view bytes);

}  // namespace pawl::core
