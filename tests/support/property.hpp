#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "tests/support/catch.hpp"

namespace pawl::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int cases_divisor = 8;  ///< each takes about ten times as long there
#else
constexpr int cases_divisor = 1;
#endif

/// Holds `property` against `cases` random ones, and tells the smallest that breaks it. The same
/// ones each time; RC_PARAMS="seed=7 max_success=10000" draws others.
template <typename Property>
void check_property(int cases, Property property) {
    rc::detail::TestParams params;
    params.seed = 20261126;
    params.maxSuccess = std::max(cases / cases_divisor, std::min(cases, 6));
    if (std::getenv("RC_PARAMS") != nullptr) params = rc::detail::configuration().testParams;
    const auto result =
        rc::detail::checkTestable(std::move(property), rc::detail::TestMetadata(), params);
    std::ostringstream told;
    rc::detail::printResultMessage(result, told);
    INFO(told.str());
    CHECK(result.template is<rc::detail::SuccessResult>());
}

}  // namespace pawl::test
