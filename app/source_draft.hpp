#pragma once

#include <string>

#include "app/init_request.hpp"
#include "app/limit_guess.hpp"
#include "app/page_sample.hpp"
#include "app/paging_guess.hpp"
#include "app/record_guess.hpp"

namespace pawl::app {

/// What one answer of an API made `init --from` think.
struct Proposal {
    std::string source, stream;
    InitRequest request;
    std::string seen;  ///< "200, 30 records", for people
    RecordGuess records;
    PagingGuess paging;
    LimitGuess limits;
    bool has_etag = false;
};
[[nodiscard]] Proposal propose(std::string source, std::string stream, InitRequest request, const PageSample& sample);
/// The source file that says it, each guess with its reason in a comment, and for what was not found what to do. Pure.
[[nodiscard]] std::string source_draft(const Proposal& proposal);

}  // namespace pawl::app
