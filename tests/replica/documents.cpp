#include "tests/replica/documents.hpp"

#include <array>
#include <nlohmann/json.hpp>

namespace pawl::replica {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::string_view api = "https://api.github.com";

void replace_all(std::string& text, std::string_view what, std::string_view with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

/// The short user object that stands inside others. Text is appended piece by piece: a page of
/// stargazers has a hundred.
void append_user(std::string& out, std::uint64_t id, const std::string& login) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 9> links{{
        {"followers_url", "/followers"},
        {"following_url", "/following{/other_user}"},
        {"gists_url", "/gists{/gist_id}"},
        {"starred_url", "/starred{/owner}{/repo}"},
        {"subscriptions_url", "/subscriptions"},
        {"organizations_url", "/orgs"},
        {"repos_url", "/repos"},
        {"events_url", "/events{/privacy}"},
        {"received_events_url", "/received_events"},
    }};
    auto number = std::to_string(id);
    out.append("{\"login\":\"").append(login).append("\",\"id\":").append(number);
    out.append(",\"node_id\":\"U_")
        .append(number)
        .append("\",\"avatar_url\":\"https://avatars.githubusercontent.com/u/");
    out.append(number)
        .append("?v=4\",\"gravatar_id\":\"\",\"url\":\"")
        .append(api)
        .append("/users/")
        .append(login);
    out.append("\",\"html_url\":\"https://github.com/").append(login).append("\"");
    for (const auto& [name, path] : links) {
        out.append(",\"")
            .append(name)
            .append("\":\"")
            .append(api)
            .append("/users/")
            .append(login)
            .append(path)
            .append("\"");
    }
    out.append(",\"type\":\"User\",\"user_view_type\":\"public\",\"site_admin\":false}");
}

}  // namespace

Documents::Documents(const std::string& recorded, const Repositories& repositories,
                     const Users& users, const Stargazers& stargazers)
    : repositories_(repositories), users_(users), stargazers_(stargazers) {
    auto shape = Json::parse(recorded).at(0).at("response");
    // What only the recording's own token could see.
    for (const char* name :
         {"permissions", "temp_clone_token", "organization", "allow_squash_merge",
          "allow_merge_commit", "allow_rebase_merge", "allow_auto_merge", "delete_branch_on_merge",
          "allow_update_branch", "use_squash_pr_title_as_default"})
        shape.erase(name);
    shape_ = shape.dump();
}

const std::string& Documents::repository(std::size_t index) {
    auto& written = written_[index];
    if (!written.empty()) return written;
    const auto& its = repositories_.all()[index];
    auto text = shape_;
    replace_all(text, "octokit-fixture-org", its.owner);
    replace_all(text, "hello-world", its.name);
    auto json = Json::parse(text);
    std::string owner;
    append_user(owner, users_.id(*users_.by_login(its.owner)), its.owner);
    json["id"] = its.id;
    json["node_id"] = "R_" + std::to_string(its.id);
    json["owner"] = Json::parse(owner);
    json["description"] = its.description.empty() ? Json(nullptr) : Json(its.description);
    json["language"] = its.language.empty() ? Json(nullptr) : Json(its.language);
    json["created_at"] = format_time(its.created_at);
    json["updated_at"] = json["pushed_at"] = format_time(its.last_commit);
    for (const char* name : {"stargazers_count", "watchers_count", "watchers"})
        json[name] = its.stars;
    for (const char* name : {"forks_count", "forks", "network_count"}) json[name] = its.forks;
    for (const char* name : {"open_issues_count", "open_issues"}) json[name] = its.issues;
    json["size"] = 1 + mix(its.id) % 3'000'000'000;  // kilobytes
    json["subscribers_count"] = its.stars / 50;
    json["topics"] = Json::array();
    if (!its.language.empty()) json["topics"].push_back(lower(its.language));
    if (mix(its.id + 1) % 3 == 0) json["topics"].push_back("awesome");
    if (its.derived) json["derived"] = true;
    return written = json.dump();
}

std::string Documents::languages(std::size_t index) const {
    static constexpr std::array<std::string_view, 6> others{"Shell",      "HTML", "Makefile",
                                                            "Dockerfile", "CSS",  "C++"};
    const auto& its = repositories_.all()[index];
    auto json = Json::object();
    if (its.language.empty()) return json.dump();
    auto size = mix(its.id ^ 7);
    auto bytes =
        10'000 + size % (size % 40 == 0 ? 5'000'000'000 : 3'000'000);  // few are beyond 2^31
    json[its.language] = bytes;
    for (std::size_t i = mix(its.id ^ 8) % (others.size() + 1); i < others.size(); ++i) {
        if (others[i] != its.language) json[std::string(others[i])] = (bytes /= 5) + 1;
    }
    return json.dump();
}

std::string Documents::user(UserIndex user) const {
    auto id = users_.id(user);
    std::string text;
    append_user(text, id, users_.login(user));
    auto json = Json::parse(text);
    json["name"] = nullptr;
    json["public_repos"] = mix(id) % 40;
    json["followers"] = mix(id + 1) % 500;
    json["created_at"] =
        format_time(1'207'785'600 + static_cast<std::int64_t>(mix(id + 2) % 500'000'000));
    return json.dump();
}

std::string Documents::stargazers(std::size_t index, std::uint64_t from, std::uint64_t to,
                                  bool with_time) const {
    std::string body = "[";
    body.reserve(2 + (to - std::min(from, to)) * 1'200);
    for (auto position = from; position < to; ++position) {
        auto user = stargazers_.at(index, position);
        if (position > from) body += ',';
        if (with_time)
            body.append("{\"starred_at\":\"")
                .append(format_time(stargazers_.starred_at(index, position)))
                .append("\",\"user\":");
        append_user(body, users_.id(user), users_.login(user));
        if (with_time) body += '}';
    }
    return body += ']';
}

std::string Documents::starred(UserIndex user, const std::vector<std::size_t>& starred,
                               bool with_time) {
    std::string body = "[";
    for (auto index : starred) {
        if (body.size() > 1) body += ',';
        if (with_time) {
            auto time = stargazers_.starred_at(index, *stargazers_.position(index, user));
            body.append("{\"starred_at\":\"").append(format_time(time)).append("\",\"repo\":");
        }
        body += repository(index);
        if (with_time) body += '}';
    }
    return body += ']';
}

}  // namespace pawl::replica
