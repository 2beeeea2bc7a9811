#include "tests/end_to_end/accounts.hpp"

#include <sstream>

namespace pawl::test {

std::int64_t RequestAccount::repeat_count() const {
    std::int64_t sum = 0;
    for (const auto& [target, count] : repeats) sum += count;
    return sum;
}

RequestAccount account_requests(World& world) {
    RequestAccount account;
    std::map<std::string, int> asked, stored;
    for (const auto& request : world.replica().asked()) {
        if (request.status != 200 && request.status != 304) continue;
        ++account.requests;
        ++asked[request.target];
    }
    const std::string base = world.replica().url();
    std::istringstream rows(world.sql("select url from pawl.page where status in (200, 304)"));
    for (std::string url; std::getline(rows, url);) {
        ++account.pages;
        ++stored[url.starts_with(base) ? url.substr(base.size()) : url];
    }
    for (const auto& [target, count] : asked)
        if (const int extra = count - stored[target]; extra > 0) account.repeats[target] = extra;
    for (const auto& [target, count] : stored)
        if (count > asked[target]) account.unasked[target] = count - asked[target];
    return account;
}

}  // namespace pawl::test
