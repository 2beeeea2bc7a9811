#include "core/column_names.hpp"

#include <map>
#include <set>

#include "core/characters.hpp"
#include "core/unicode.hpp"

namespace pawl::core {

std::vector<std::string> distinct_names(const std::vector<std::string>& found) {
    std::vector<std::string> names;
    names.reserve(found.size());
    // What stands there as it is goes before what is made: `a, a, a_2` are a, a_3 and a_2.
    std::set<std::string> taken;
    for (const auto& name : found) taken.insert(std::string(trimmed(name)));
    std::set<std::string> given;
    std::map<std::string, int> last_number;  // behind a name; a thousand columns may have one name
    for (const auto& name : found) {
        std::string one(trimmed(name));
        if (one.empty()) one = "column_" + std::to_string(names.size() + 1);
        const std::string first = one;
        while (given.contains(one) || (one != trimmed(name) && taken.contains(one))) {
            auto& number = last_number.try_emplace(first, 1).first->second;
            one = first + "_" + std::to_string(++number);
        }
        given.insert(one);
        names.push_back(std::move(one));
    }
    return names;
}

std::vector<std::string> quoted_members(const std::vector<std::string>& names) {
    std::vector<std::string> members;
    members.reserve(names.size());
    for (const auto& name : names) members.push_back(quote_json(name) + ':');
    return members;
}

}  // namespace pawl::core
