#pragma once

#include <string>

namespace pawl::test {

/// Whether `part` stands anywhere in `text`.
[[nodiscard]] inline bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace pawl::test
