#include "tests/replica/api.hpp"

#include <nlohmann/json.hpp>

#include "tests/support/catch.hpp"

using namespace pawl::replica;
using nlohmann::json;

namespace {

constexpr Time start = 1'800'000'000 * second;

struct Client {
    explicit Client(ApiOptions options = {}) : api(with_token(std::move(options))) {}

    static ApiOptions with_token(ApiOptions options) {
        options.tokens["key-alice"] = "alice";
        return options;
    }
    ApiResponse get(const std::string& target, const std::string& accept = "",
                    const std::string& etag = "") {
        return ask({"GET", target, "127.0.0.1:80", token.empty() ? "" : "Bearer " + token, accept,
                    etag, ""});
    }
    ApiResponse post(const std::string& target, const std::string& body) {
        return ask({"POST", target, "h", "", "", "", body});
    }
    ApiResponse ask(const ApiRequest& request) {
        auto response = api.answer(request, now);
        api.finish(response);
        return response;
    }
    json report() { return json::parse(get("/_replica/report").body); }

    Api api;
    Time now = start;
    std::string token = "key-alice";
};

std::string header(const ApiResponse& response, std::string_view name) {
    for (const auto& [key, value] : response.headers)
        if (key == name) return value;
    return "";
}

}  // namespace

TEST_CASE("a repository is the same by name and by id, and complete", "[replica]") {
    Client client;
    auto response = client.get("/repos/sindresorhus/awesome");
    REQUIRE(response.status == 200);
    auto body = json::parse(response.body);
    CHECK(body["full_name"] == "sindresorhus/awesome");
    CHECK(body["stargazers_count"] == 498'692);
    CHECK(body["owner"]["login"] == "sindresorhus");
    CHECK_FALSE(body.contains("derived"));
    CHECK(body.size() > 70);
    CHECK(client.get("/repositories/" + body["id"].dump()).body == response.body);
    CHECK(client.get("/repos/sindresorhus/no-such-thing").status == 404);
    CHECK(client.get("/repositories/1").status == 404);
}

TEST_CASE("the README is served as text and asks for no token", "[replica]") {
    Client client;
    client.token = "";
    auto response = client.get("/raw/sindresorhus/awesome-nodejs/main/readme.md");
    CHECK(response.status == 200);
    CHECK(response.body.size() == 68'690);
    CHECK(header(response, "Content-Type") == "text/plain; charset=utf-8");
}

TEST_CASE("stargazers come with their time only when asked for", "[replica]") {
    Client client;
    auto id = json::parse(client.get("/repos/sindresorhus/awesome").body)["id"].dump();
    auto plain = client.get("/repos/sindresorhus/awesome/stargazers?per_page=3");
    auto timed = client.get("/repositories/" + id + "/stargazers?per_page=3",
                            "application/vnd.github.star+json");
    auto users = json::parse(plain.body), stars = json::parse(timed.body);
    REQUIRE(users.size() == 3);
    REQUIRE(stars.size() == 3);
    CHECK(stars[1]["user"] == users[1]);
    CHECK(stars[1]["starred_at"].get<std::string>().size() == 20);
    CHECK(header(plain, "Link")
              .starts_with("<http://127.0.0.1:80/repositories/" + id +
                           "/stargazers?per_page=3&page=2>; rel=\"next\""));
}

TEST_CASE("a list of stargazers ends at page 400, and 422 comes after it", "[replica]") {
    Client client;
    auto last = client.get("/repos/sindresorhus/awesome/stargazers?per_page=100&page=400");
    CHECK(json::parse(last.body).size() == 100);
    CHECK(header(last, "Link").find("rel=\"next\"") == std::string::npos);
    auto after = client.get("/repos/sindresorhus/awesome/stargazers?per_page=100&page=401");
    CHECK(after.status == 422);
    CHECK(after.body.find("pagination is limited") != std::string::npos);
}

TEST_CASE("the last page of a user's stars, one a page, is the number of stars", "[replica]") {
    Client client;
    bool seen_one = false, seen_many = false;
    auto users =
        json::parse(client.get("/repos/sindresorhus/awesome/stargazers?per_page=100").body);
    for (const auto& user : users) {
        std::string login = user["login"];
        auto response = client.get("/users/" + login + "/starred?per_page=1");
        REQUIRE(json::parse(response.body).size() == 1);
        auto all =
            json::parse(client.get("/user/" + user["id"].dump() + "/starred?per_page=100").body);
        auto link = header(response, "Link");
        if (all.size() == 1) {
            CHECK(link.empty());
            seen_one = true;
        } else if (all.size() < 100) {
            CHECK(link.find("page=" + std::to_string(all.size()) + ">; rel=\"last\"") !=
                  std::string::npos);
            seen_many = true;
        }
    }
    CHECK(seen_one);
    CHECK(seen_many);
}

TEST_CASE("a renamed repository is moved permanently to its id", "[replica]") {
    Client client;
    auto repositories = Repositories::load("tests/data/github");
    auto renamed = std::find_if(repositories.all().begin(), repositories.all().end(),
                                [](const auto& its) { return !its.old_name.empty(); });
    REQUIRE(renamed != repositories.all().end());
    auto response = client.get("/repos/" + renamed->owner + "/" + renamed->old_name);
    CHECK(response.status == 301);
    auto location = header(response, "Location");
    CHECK(location == "http://127.0.0.1:80/repositories/" + std::to_string(renamed->id));
    auto body = json::parse(client.get(location.substr(location.find("/repositories"))).body);
    CHECK(body["full_name"] == renamed->owner + "/" + renamed->name);
    CHECK(body["derived"] == true);
}

TEST_CASE("an unknown token is refused and costs nothing", "[replica]") {
    Client client;
    client.token = "wrong";
    auto response = client.get("/user");
    CHECK(response.status == 401);
    CHECK(json::parse(response.body)["message"] == "Bad credentials");
    client.token = "key-alice";
    CHECK(json::parse(client.get("/user").body)["login"] == "alice");
}

TEST_CASE("a matching ETag answers 304, which is free", "[replica]") {
    Client client;
    auto first = client.get("/repos/sindresorhus/awesome");
    CHECK(header(first, "X-RateLimit-Remaining") == "4999");
    auto again = client.get("/repos/sindresorhus/awesome", "", header(first, "ETag"));
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    CHECK(header(again, "X-RateLimit-Remaining") == "4999");
    CHECK(client.get("/repos/sindresorhus/awesome", "application/other", header(first, "ETag"))
              .status == 200);
    CHECK(client.report()["free"] == 1);
}

TEST_CASE("/rate_limit is free and tells the same as the headers", "[replica]") {
    Client client;
    auto response = client.get("/user");
    auto core = json::parse(client.get("/rate_limit").body)["resources"]["core"];
    CHECK(core["used"] == 1);
    CHECK(std::to_string(core["reset"].get<std::int64_t>()) ==
          header(response, "X-RateLimit-Reset"));
}

TEST_CASE("beyond the limit comes 403 with nothing remaining, and it is a violation", "[replica]") {
    ApiOptions options;
    options.rates.limit = 2;
    options.rates.window = 10 * second;
    Client client(options);
    client.get("/user");
    client.get("/user");
    auto response = client.get("/user");
    CHECK(response.status == 403);
    CHECK(header(response, "X-RateLimit-Remaining") == "0");
    client.now += 10 * second;
    CHECK(client.get("/user").status == 200);
    auto report = client.report();
    CHECK(report["requests"] == 4);
    CHECK(report["refused"] == 1);
    CHECK(report["violations"]["exhausted"] == 1);
    CHECK(report["owners"]["alice"]["windows"][0]["utilisation"] == 1.0);
}

TEST_CASE("a secondary limit tells how long to wait", "[replica]") {
    ApiOptions options;
    options.rates.per_minute_max = 1;
    options.rates.retry_after = 7 * second;
    Client client(options);
    client.get("/user");
    auto response = client.get("/user");
    CHECK(response.status == 429);
    CHECK(header(response, "Retry-After") == "7");
}

TEST_CASE("faults are turned on and off while it runs", "[replica]") {
    Client client;
    CHECK(client.post("/_replica/faults", R"({"server_error": 1})").status == 200);
    CHECK(client.get("/user").status >= 500);
    CHECK(client.post("/_replica/faults", R"({"nonsense": 1})").status == 422);
    CHECK(client.post("/_replica/faults", R"({"html": 1})").status == 200);
    auto page = client.get("/user");
    CHECK(page.status == 200);
    CHECK(header(page, "Content-Type") == "text/html; charset=utf-8");
    CHECK(client.post("/_replica/faults", "{}").status == 200);
    CHECK(client.get("/user").status == 200);
    CHECK(client.report()["faults"] == json{{"server_error", 1}, {"html", 1}});
}

TEST_CASE("the log lists every request once and goes on from a number", "[replica]") {
    Client client;
    client.get("/user");
    client.get("/repos/sindresorhus/awesome");
    auto first = json::parse(client.get("/_replica/log?after=0").body);
    REQUIRE(first["entries"].size() == 2);
    CHECK(first["entries"][1]["target"] == "/repos/sindresorhus/awesome");
    CHECK(first["entries"][1]["cost"] == 1);
    client.get("/user");
    auto next = json::parse(client.get("/_replica/log?after=" + first["next"].dump()).body);
    CHECK(next["entries"].size() == 1);
    client.post("/_replica/reset", "");
    CHECK(client.report()["requests"] == 0);
}
