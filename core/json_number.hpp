#pragma once

#include <string_view>

#include "core/characters.hpp"

namespace pawl::core {

/// True when `t` is one number as JSON writes it (RFC 8259, section 6).
[[nodiscard]] inline bool is_json_number(std::string_view t) {
    std::size_t i = 0;
    if (i < t.size() && t[i] == '-') ++i;
    if (i == t.size() || !is_digit(t[i])) return false;
    if (t[i] == '0') ++i;
    else while (i < t.size() && is_digit(t[i])) ++i;
    if (i < t.size() && t[i] == '.') {
        const std::size_t first = ++i;
        while (i < t.size() && is_digit(t[i])) ++i;
        if (i == first) return false;
    }
    if (i < t.size() && (t[i] == 'e' || t[i] == 'E')) {
        ++i;
        if (i < t.size() && (t[i] == '+' || t[i] == '-')) ++i;
        const std::size_t first = i;
        while (i < t.size() && is_digit(t[i])) ++i;
        if (i == first) return false;
    }
    return i == t.size();
}

}  // namespace pawl::core
