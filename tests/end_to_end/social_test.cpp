// The example of docs/social: three sources, each with its own limits and paginator, fill one table.
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/world.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/scripted_server.hpp"

using namespace pawl::test;
using nlohmann::json;

namespace {

/// Three networks that have the same posts, 1 to `newest`, two a page, the newest first.
class Networks {
  public:
    Networks() {
        api_.on_others([this](const std::string& target) { return answer(target); });
    }
    [[nodiscard]] std::string url(std::string_view target = "") const { return api_.url(target); }
    [[nodiscard]] std::size_t requests() const { return api_.requests().size(); }
    void post_more(int newest) {
        const std::lock_guard lock(mutex_);
        newest_ = newest;
    }

  private:
    static std::string time_of(int id) { return "2026-11-0" + std::to_string(id) + "T12:00:00Z"; }

    ScriptedServer::Script answer(const std::string& target) {
        const std::lock_guard lock(mutex_);
        if (target.find("access_token") != std::string::npos) return ScriptedServer::ok(R"({"access_token": "t", "token_type": "bearer", "expires_in": 86400})");
        const bool empty = target.find("opendata") != std::string::npos || target.find("atproto.com") != std::string::npos;
        const auto below = [&](const std::string& parameter) {
            const auto at = target.find(parameter + "=");
            return at == std::string::npos ? newest_ + 1 : std::stoi(target.substr(at + parameter.size() + 1));
        };
        const auto page = [&](int end, auto post) {
            json posts = json::array();
            for (int id = end - 1; !empty && id >= 1 && id > end - 3; --id) posts.push_back(post(id));
            return posts;
        };
        if (target.starts_with("/api/v1/timelines/")) {
            const int end = below("max_id");
            const auto posts = page(end, [](int id) {
                return json{{"id", std::to_string(id)}, {"account", {{"acct", "ann"}}}, {"created_at", time_of(id)}, {"content", "<p>toot</p>"},
                            {"url", "https://m.test/" + std::to_string(id)}, {"favourites_count", id}};
            });
            if (end <= 3) return ScriptedServer::ok(posts.dump());
            return ScriptedServer::ok(posts.dump(), "Link: <" + api_.url(target.substr(0, target.find('?'))) + "?limit=40&max_id=" +
                                                        std::to_string(end - 2) + ">; rel=\"next\"\r\n");
        }
        if (target.starts_with("/xrpc/")) {
            const int end = below("cursor");
            json feed{{"feed", page(end, [](int id) {
                           return json{{"post", {{"uri", "at://" + std::to_string(id)}, {"author", {{"handle", "bob"}}}, {"indexedAt", time_of(id)},
                                                 {"record", {{"createdAt", time_of(id)}, {"text", "skeet"}}}, {"likeCount", id}}}};
                       })}};
            if (!empty && end > 3) feed["cursor"] = std::to_string(end - 2);
            return ScriptedServer::ok(feed.dump());
        }
        const int end = below("after");
        json listing{{"data", {{"children", page(end, [](int id) {
                                    return json{{"data", {{"name", std::to_string(id)}, {"author", "cy"}, {"created_utc", 1'762'000'000.0 + 86'400 * id},
                                                          {"title", "a post"}, {"url", "https://r.test"}, {"score", id}}}};
                                })}}}};
        listing["data"]["after"] = !empty && end > 3 ? json(std::to_string(end - 2)) : json();
        return ScriptedServer::ok(listing.dump());
    }

    ScriptedServer api_;
    std::mutex mutex_;
    int newest_ = 5;
};

}  // namespace

TEST_CASE("the example collects posts of three networks into one table", "[end_to_end][social]") {
    Networks networks;
    PrivateRedis redis;
    TemporaryDirectory folder;
    const auto database = PrivatePostgres::shared().new_database();
    const auto run = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), pawl_binary());
        arguments.insert(arguments.end(), {"--config", std::filesystem::absolute("docs/social/pawl.yaml").string()});
        ChildProcess::Options options;
        options.argv = arguments;
        options.env = {{"PAWL_REDIS_URL", redis.url()}, {"PAWL_POSTGRES_URL", database}, {"PAWL_STATE_DIR", folder.path().string()},
                       {"PAWL_ALLOW_UNSAFE_POSTGRES", "1"}, {"MASTODON_URL", networks.url()}, {"BLUESKY_URL", networks.url()},
                       {"REDDIT_URL", networks.url()}, {"REDDIT_TOKEN_URL", networks.url("/api/v1/access_token")}};
        return run_program(options);
    };
    const auto collect = [&] {
        const auto ran = run({"sync"});
        INFO(ran.errors);
        REQUIRE(ran.status == 0);
        const auto verified = run({"verify"});
        INFO(verified.output);
        CHECK(verified.status == 0);
        return psql(database, "select network, count(*), min(author), sum(likes), count(posted_at) from social.post group by 1 order by 1");
    };
    CHECK(collect() == "bluesky|5|bob|15|5\nmastodon|5|ann|15|5\nreddit|5|cy|15|5");
    const auto before = networks.requests();
    networks.post_more(7);
    CHECK(collect() == "bluesky|7|bob|28|7\nmastodon|7|ann|28|7\nreddit|7|cy|28|7");
    CHECK(networks.requests() - before <= 12);  // two partitions each, and of the busy one no more pages than hold what is new
    const auto refused = run({"forget", "mastodon", "--drop-table", "--yes"});
    CHECK(refused.status != 0);  // two others write it
    CHECK(psql(database, "select count(*) from social.post") == "21");
}
