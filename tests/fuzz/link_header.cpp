#include "core/link_header.hpp"

#include <algorithm>

#include "core/characters.hpp"
#include "tests/fuzz/targets.hpp"

namespace pawl::fuzz {

void fuzz_link_header(std::string_view input) {
    const auto links = core::parse_link_header(input);
    require(links.size() <= 64, "more than 64 links");
    for (const auto& link : links) {
        require(!link.target.empty() && input.find(link.target) != std::string_view::npos, "a target that is not in the header");
        require(link.target.find('>') == std::string::npos, "a target that goes on behind its end");
        for (const auto& relation : link.relations) {
            require(!relation.empty() && relation.find_first_of(" \t") == std::string::npos, "a relation that is not one word");
            require(core::lower(relation) == relation, "a relation that is not in lower case");
        }
    }
    for (const auto* wanted : {"next", "last", "prev"}) {
        const auto first = std::find_if(links.begin(), links.end(), [&](const core::WebLink& link) {
            return std::find(link.relations.begin(), link.relations.end(), wanted) != link.relations.end();
        });
        const auto found = core::find_link(input, wanted);
        require(found.has_value() == (first != links.end()) && (!found || *found == first->target), "another link is found");
    }
}

}  // namespace pawl::fuzz
