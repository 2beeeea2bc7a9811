#pragma once

// Catch2 2 (Debian 12) and 3 (Debian 13) behind one include.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#define PAWL_CATCH_CONTAINS Catch::Matchers::ContainsSubstring
#else
#include <catch2/catch.hpp>
#define PAWL_CATCH_CONTAINS Catch::Matchers::Contains
#endif
#include <string>

namespace pawl_tests {

/// Matcher: the text holds `part`.
inline auto contains(const std::string& part) { return PAWL_CATCH_CONTAINS(part); }

}  // namespace pawl_tests
