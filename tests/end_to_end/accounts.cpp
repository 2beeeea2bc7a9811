#include "tests/end_to_end/accounts.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <sstream>

#include "tests/support/catch.hpp"

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
    Cause{"Asked again", "asked again", true},
    Cause{"Walk broken off, its request may be made again", "broken off", true},
    Cause{"Slice seeded again from its tip", "seeded again", false},
};
constexpr const char* memory_lost = "lost by a server";

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

// Path and query, whatever way led to the host.
std::string target_of(const std::string& url) {
    const auto host = url.find("://");
    const auto path = host == std::string::npos ? host : url.find('/', host + 3);
    return path == std::string::npos ? url : url.substr(path);
}

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

// A request that was made again: its target, and when it had been made before.
struct Repeat {
    std::string target;
    std::int64_t before_us = 0;
};

bool was_lost(const Repeat& repeat, const std::vector<MemoryLoss>& losses) {
    return std::any_of(losses.begin(), losses.end(), [&](const MemoryLoss& loss) {
        return repeat.before_us >= loss.from_us && repeat.before_us <= loss.to_us;
    });
}

// Ties the repeats of one slice to what the log says of it, the narrowest cause first.
void tie(RequestAccount& account, const std::vector<Repeat>& repeats, const Told& told) {
    std::size_t tied = 0;
    std::string wide;
    for (std::size_t i = 0; i < causes.size(); ++i) {
        if (!causes[i].one_request && told.lines[i] > 0) wide = causes[i].name;
        for (int line = 0; causes[i].one_request && line < told.lines[i] && tied < repeats.size();
             ++line, ++tied)
            ++account.causes[causes[i].name];
    }
    if (told.offered > 1) wide = memory_lost;
    if (tied == repeats.size()) return;
    if (!wide.empty()) {
        account.causes[wide] += static_cast<int>(repeats.size() - tied);
        return;
    }
    auto& where = tied == 0 ? account.untied : account.beyond;
    for (std::size_t i = tied; i < repeats.size(); ++i) where.push_back(repeats[i].target);
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
    std::map<std::string, std::vector<std::int64_t>> asked;  // target → when
    std::map<std::string, std::size_t> stored;
    std::map<std::string, std::int64_t> slices;
    for (const auto& request : world.replica().asked()) {
        if (request.status != 200 && request.status != 304) continue;
        ++account.requests;
        asked[request.target].push_back(request.time_us);
    }
    std::istringstream rows(
        world.sql("select slice_id, url from pawl.page where status in (200, 304)"));
    for (std::string row; std::getline(rows, row);) {
        const auto target = target_of(row.substr(row.find('|') + 1));
        ++account.pages;
        ++stored[target];
        slices[target] = std::stoll(row);
    }
    std::map<std::int64_t, std::vector<Repeat>> repeated;
    for (const auto& [target, times] : asked) {
        if (times.size() <= stored[target]) continue;
        const std::size_t extra = times.size() - stored[target];
        account.repeats[target] = static_cast<int>(extra);
        for (std::size_t i = 0; i < extra; ++i) {  // what was stored came of the last requests
            const Repeat repeat{target, times[i]};
            if (was_lost(repeat, world.memory_losses()))
                ++account.causes[memory_lost];
            else
                repeated[slices[target]].push_back(repeat);
        }
    }
    for (const auto& [target, count] : stored)
        if (count > asked[target].size())
            account.unasked[target] = static_cast<int>(count - asked[target].size());
    const auto told = read_log(world.log());
    for (const auto& [slice, repeats] : repeated) {
        const auto found = told.find(slice);
        tie(account, repeats, found == told.end() ? Told{} : found->second);
    }
    return account;
}

RequestAccount check_nothing_lost(World& world, const std::map<std::string, std::string>& expected) {
    // Where the crew came to the end, one more backfill would walk everything again.
    if (world.sql("select exists (select from pawl.slice where state = 'open') or (select count(*) from github.gh_user) > "
                  "(select count(*) from pawl.partition where stream = 'user_star_counts')") == "t") {
        const auto finished = world.run({"backfill", "github"}, std::chrono::seconds(240));
        INFO(finished.errors);
        CHECK(finished.status == 0);
    }
    check_same_tables(expected, world.tables());
    CHECK(world.sql("select count(*) from pawl.dead_letter") == "0");
    const auto verified = world.run({"verify", "github"});
    INFO(verified.output);
    CHECK(verified.status == 0);

    auto account = account_requests(world);
    REQUIRE(account.pages > 300);
    CHECK(account.unasked.empty());
    CHECK(account.untied.empty());
    CHECK(account.beyond.empty());
    CHECK(account.requests == account.pages + account.repeat_count());
    std::cout << account.requests << " requests, " << account.pages << " pages, " << account.repeat_count()
              << " repeats: " << account.causes_text() << std::endl;
    return account;
}

RequestAccount conclude(World& world, Crew& crew, const std::map<std::string, std::string>& expected) {
    world.set_env("TEST_PACE", "2000/s");  // what is left needs no time
    crew.end();
    return check_nothing_lost(world, expected);
}

}  // namespace pawl::test
