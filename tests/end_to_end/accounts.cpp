#include "tests/end_to_end/accounts.hpp"

#include <array>
#include <sstream>

namespace pawl::test {

namespace {

// A line of the log that explains why a slice's requests are made again.
struct Cause {
    const char* sentence;
    const char* name;
    bool one_request;  // explains the request that was in flight; else all pages that were not
                       // stored yet
};
constexpr std::array causes{
    Cause{"Slices of an earlier process reclaimed", "killed", true},
    Cause{"Lease lapsed, slice taken over", "lapsed", true},
    Cause{"Page discarded, its request is made again", "discarded", true},
    Cause{"Walk broken off, its request may be made again", "broken off", true},
    Cause{"Slice seeded again from its tip", "seeded again", false},
};
constexpr const char* redis_lost = "Redis lost";

// The ids in `name=7` or `name="7 8 9"` of a line.
std::vector<std::int64_t> ids_in(const std::string& line, const std::string& name) {
    const auto at = line.find(" " + name + "=");
    if (at == std::string::npos) return {};
    auto text = line.substr(at + name.size() + 2);
    text = text.starts_with('"') ? text.substr(1, text.find('"', 1) - 1)
                                 : text.substr(0, text.find(' '));
    std::vector<std::int64_t> ids;
    std::istringstream words(text);
    for (std::int64_t id = 0; words >> id;) ids.push_back(id);
    return ids;
}

// What the log says of one slice, in the order of `causes`, the loss of Redis last.
struct Told {
    std::array<int, causes.size()> lines{};
    int offered =
        0;  // offered to a Redis that did not know it: more than once only when Redis forgot it
};

std::map<std::int64_t, Told> read_log(const std::string& log) {
    std::map<std::int64_t, Told> told;
    std::istringstream in(log);
    for (std::string line; std::getline(in, line);) {
        for (std::size_t i = 0; i < causes.size(); ++i) {
            if (line.find(causes[i].sentence) == std::string::npos) continue;
            for (const auto slice : ids_in(line, "slice")) ++told[slice].lines[i];
            for (const auto slice : ids_in(line, "slices")) ++told[slice].lines[i];
        }
        if (line.find("Slice offered") != std::string::npos && line.ends_with("answer=offered"))
            for (const auto slice : ids_in(line, "slice")) ++told[slice].offered;
    }
    return told;
}

// Ties the repeats of one slice to what the log says of it, the narrowest cause first.
void tie(RequestAccount& account, const std::vector<std::string>& targets, const Told& told,
         bool redis_restarted) {
    std::size_t tied = 0;
    std::string wide;
    for (std::size_t i = 0; i < causes.size(); ++i) {
        if (!causes[i].one_request && told.lines[i] > 0) wide = causes[i].name;
        for (int line = 0; causes[i].one_request && line < told.lines[i] && tied < targets.size();
             ++line, ++tied)
            ++account.causes[causes[i].name];
    }
    if (wide.empty() && redis_restarted) wide = "Redis restarted";
    if (told.offered > 1) wide = redis_lost;
    if (tied == targets.size()) return;
    const auto left = static_cast<int>(targets.size() - tied);
    if (!wide.empty())
        account.causes[wide] += left;
    else if (tied == 0)
        account.untied.insert(account.untied.end(), targets.begin(), targets.end());
    else
        account.beyond.insert(account.beyond.end(), targets.end() - left, targets.end());
}

}  // namespace

std::int64_t RequestAccount::repeat_count() const {
    std::int64_t sum = 0;
    for (const auto& [target, count] : repeats) sum += count;
    return sum;
}

std::string RequestAccount::causes_text() const {
    std::string text;
    for (const auto& [cause, count] : causes)
        text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + cause;
    return text.empty() ? "none" : text;
}

RequestAccount account_requests(World& world) {
    RequestAccount account;
    std::map<std::string, int> asked, stored;
    std::map<std::string, std::int64_t> slices;
    for (const auto& request : world.replica().asked()) {
        if (request.status != 200 && request.status != 304) continue;
        ++account.requests;
        ++asked[request.target];
    }
    const std::string base = world.replica().url();
    std::istringstream rows(
        world.sql("select slice_id, url from pawl.page where status in (200, 304)"));
    for (std::string row; std::getline(rows, row);) {
        const auto url = row.substr(row.find('|') + 1);
        const auto target = url.starts_with(base) ? url.substr(base.size()) : url;
        ++account.pages;
        ++stored[target];
        slices[target] = std::stoll(row);
    }
    std::map<std::int64_t, std::vector<std::string>> repeated;
    for (const auto& [target, count] : asked) {
        const int extra = count - stored[target];
        if (extra <= 0) continue;
        account.repeats[target] = extra;
        auto& targets = repeated[slices[target]];
        targets.insert(targets.end(), static_cast<std::size_t>(extra), target);
    }
    for (const auto& [target, count] : stored)
        if (count > asked[target]) account.unasked[target] = count - asked[target];
    const auto told = read_log(world.log());
    // A page that Redis had taken and lost in a crash, and a slice that then waited as before: no
    // line names it.
    const bool redis_restarted = world.told("Connected to Redis again") > 0;
    for (const auto& [slice, targets] : repeated) {
        const auto found = told.find(slice);
        tie(account, targets, found == told.end() ? Told{} : found->second, redis_restarted);
    }
    return account;
}

}  // namespace pawl::test
