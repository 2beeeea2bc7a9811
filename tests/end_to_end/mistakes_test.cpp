// Mistakes of the script that pawl replaces: its pattern for owners had no hyphen, and a user whose
// stars fit on one page (no Link header then) counted as none.
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "tests/end_to_end/http_client.hpp"
#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"

using namespace pawl::test;

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

// "owner/name" of every link to GitHub in the README whose owner has a hyphen. Read with GitHub's
// own rule for logins.
std::set<std::string> hyphenated_links() {
    std::ifstream file("tests/data/github/awesome-nodejs.md");
    std::stringstream text;
    text << file.rdbuf();
    const std::string readme = text.str();
    const std::regex link(
        "https://github\\.com/([A-Za-z0-9]+(?:-[A-Za-z0-9]+)+)/([A-Za-z0-9._-]+)");
    std::set<std::string> links;
    for (std::sregex_iterator it(readme.begin(), readme.end(), link), end; it != end; ++it)
        links.insert(lower((*it)[1].str() + "/" + (*it)[2].str()));
    return links;
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

}  // namespace

TEST_CASE("owners with a hyphen are collected, and a user with exactly one star counts 1",
          "[end_to_end][mistakes]") {
    World world({.source = "tests/end_to_end/awesome_github.yaml", .lease = "10s", .walks_max = 16});
    const auto ran = world.run({"backfill", "github"});
    INFO(ran.output);
    REQUIRE(ran.status == 0);

    const auto links = hyphenated_links();
    REQUIRE(links.size() >= 30);
    const auto parts =
        lines_of(world.sql("select part from pawl.partition where stream = 'repos' and part like "
                           "'%-%/%' and last_outcome = 'ok'"));
    CHECK(std::set<std::string>(parts.begin(), parts.end()) == links);
    // Two that are real in the data, not derived.
    for (const std::string name : {"leonidas-from-xiv/node-xml2js", "parcel-bundler/parcel"}) {
        INFO(name);
        CHECK(links.contains(name));
        CHECK(world.sql("select count(*) from github.repository where lower(full_name) = '" + name +
                        "'") == "1");
    }

    CHECK(world.sql("select count(*) from github.gh_user where stars is null") == "0");
    // Counted anew, by the list itself: users with none, with one and with several stars.
    for (const std::string wanted : {"stars = 0", "stars = 1", "stars between 2 and 99"}) {
        const auto users =
            lines_of(world.sql("select login || ' ' || stars from github.gh_user where " + wanted +
                               " order by login limit 15"));
        INFO(wanted);
        REQUIRE(users.size() >= 5);
        for (const auto& user : users) {
            const auto blank = user.find(' ');
            const auto reply = http_get(
                world.replica().url() + "/users/" + user.substr(0, blank) + "/starred?per_page=100",
                {{"Authorization", "Bearer key-alice"}});
            REQUIRE(reply.status == 200);
            INFO(user);
            CHECK(nlohmann::json::parse(reply.body).size() == std::stoul(user.substr(blank + 1)));
        }
    }
}
