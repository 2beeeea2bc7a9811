#include "storage/verify.hpp"

#include <algorithm>

namespace pawl::storage {

bool VerifyReport::clean() const {
    // Unexplained findings come before explained ones: where any was left out, others are in the
    // list.
    return std::all_of(findings.begin(), findings.end(),
                       [](const Finding& finding) { return finding.explained; });
}

}  // namespace pawl::storage
