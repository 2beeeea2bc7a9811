#pragma once

#include <string>
#include <string_view>

namespace pawl::core {

/// Offset of the first escape that RFC 8259 does not know in the content of a JSON string; npos when all are fine.
[[nodiscard]] std::size_t first_bad_escape(std::string_view content);

/// The content of a JSON string (between its quotes, escapes valid) as UTF-8. Lone surrogates become U+FFFD; NUL stays.
[[nodiscard]] std::string unescape_json(std::string_view content);

/// `text` as a JSON string with its quotes. Control characters are escaped, everything else stays as it is.
[[nodiscard]] std::string quote_json(std::string_view text);
/// The same at the end of `out`.
void append_json(std::string& out, std::string_view text);

/// True when `text` is valid UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text);

/// `text` with each byte that is no part of valid UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string repair_utf8(std::string_view text);
/// The same, without a copy where `text` is valid.
[[nodiscard]] std::string with_utf8(std::string text);

}  // namespace pawl::core
