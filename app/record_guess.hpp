#pragma once

#include <string>
#include <vector>

#include "app/page_sample.hpp"

namespace pawl::app {

/// Where the records of a page are, what tells one from another, and what says how new it is. Each with why.
struct RecordGuess {
    std::string path;  ///< for `records`; "": absent, the document is the record or the array of them
    std::string path_why;
    std::vector<std::string> steps;  ///< to the array
    bool is_list = false;            ///< an array, and not the document as one record
    std::size_t count = 0;

    std::string key;  ///< a member of each record; "": none is fit
    std::string key_why;
    std::vector<std::string> members;  ///< of the records; empty: they are plain values

    std::string since;  ///< a member that is a time; "": none
    bool since_is_number = false;
};

/// Pure.
[[nodiscard]] RecordGuess guess_records(const PageSample& sample);

}  // namespace pawl::app
