#pragma once

#include <string>
#include <vector>

#include "app/page_sample.hpp"
#include "app/record_guess.hpp"

namespace pawl::app {

/// How the next page is asked for, as `paginate` says it, and why.
struct PagingGuess {
    std::string yaml = "none";
    std::string why;
    std::vector<std::string> parameters;  ///< of the URL's query, which the paginator sets itself
};

/// Pure. Looks in this order, the surest first: a Link header, a next URL, a cursor, page numbers, an offset, a list that says
/// there is more.
[[nodiscard]] PagingGuess guess_paging(const PageSample& sample, const RecordGuess& records);

}  // namespace pawl::app
