#pragma once

#include "app/session.hpp"
#include "core/source_file.hpp"
#include "storage/verify.hpp"

namespace pawl::app {

/// What asking again for stored pages showed.
struct SampleReport {
    std::int64_t asked = 0;      ///< pages
    std::int64_t unchanged = 0;  ///< the API answers as it did
    std::int64_t changed = 0;    ///< it answers otherwise
    std::vector<storage::Finding> findings;
};

/// Asks the API again for `count` stored pages at random, one after the other with the source's first key, and compares. Where
/// the answer is what it was, each of its records must be in its table. Throws core::RefusedError where the API refuses the
/// key; what else goes wrong with a page is an explained finding. Blocks.
SampleReport ask_again(Session& session, std::shared_ptr<const core::SourceFile> source, const std::string& stream,
                       std::size_t count);

}  // namespace pawl::app
