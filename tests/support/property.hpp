#pragma once

#include <rapidcheck.h>

#include <cstdlib>
#include <sstream>

#include "tests/support/catch.hpp"

namespace pawl::test {

/// Holds `property` against `cases` random ones, and tells the smallest that breaks it. The same
/// ones each time; RC_PARAMS="seed=7 max_success=10000" draws others.
template <typename Property>
void check_property(int cases, Property property) {
    rc::detail::TestParams params;
    params.seed = 20261126;
    params.maxSuccess = cases;
    if (std::getenv("RC_PARAMS") != nullptr) params = rc::detail::configuration().testParams;
    const auto result =
        rc::detail::checkTestable(std::move(property), rc::detail::TestMetadata(), params);
    std::ostringstream told;
    rc::detail::printResultMessage(result, told);
    INFO(told.str());
    CHECK(result.template is<rc::detail::SuccessResult>());
}

}  // namespace pawl::test
