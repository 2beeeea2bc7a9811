#include "tests/replica/routes.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace pawl::replica {
namespace {

std::vector<std::string> owners_of(const Repositories& repositories) {
    std::vector<std::string> owners;
    for (const auto& repository : repositories.all()) owners.push_back(repository.owner);
    return owners;
}

/// "/repos/a/b" → repos, a, b. A path without a slash in front has no parts.
std::vector<std::string> split_path(std::string_view path) {
    std::vector<std::string> parts;
    while (!path.empty() && path.front() == '/') {
        path.remove_prefix(1);
        auto part = path.substr(0, path.find('/'));
        parts.emplace_back(part);
        path.remove_prefix(part.size());
    }
    return parts;
}

std::vector<std::string> after(const std::vector<std::string>& parts, std::size_t count) {
    return {parts.begin() + static_cast<std::ptrdiff_t>(count), parts.end()};
}

bool wants_star_time(const ApiRequest& request) {
    return request.accept.find("star+json") != std::string::npos;
}

ApiResponse not_found() { return error_response("not_found", 404, "Not Found"); }

ApiResponse viewer_response(const std::string& viewer) {
    if (viewer.empty()) return error_response("viewer", 401, "Requires authentication");
    nlohmann::ordered_json body{{"login", viewer},
                                {"id", 1'000 + hash_text(viewer) % 90'000},
                                {"type", "User"},
                                {"site_admin", false}};
    return json_response("viewer", 200, body.dump());
}

/// GitHub sends a renamed repository's old name to its number, whatever was asked of it.
ApiResponse moved_response(const Repository& its, const std::vector<std::string>& rest,
                           const ApiRequest& request) {
    auto url = "http://" + request.host + "/repositories/" + std::to_string(its.id);
    for (const auto& part : rest) url += "/" + part;
    if (auto mark = request.target.find('?'); mark != std::string::npos)
        url += request.target.substr(mark);
    nlohmann::ordered_json body{{"message", "Moved Permanently"},
                                {"url", url},
                                {"documentation_url", "https://docs.github.com/rest"}};
    auto response = json_response("renamed", 301, body.dump());
    response.headers.emplace_back("Location", url);
    return response;
}

void add_link(ApiResponse& response, const ApiRequest& request, const std::string& path,
              std::uint64_t records) {
    auto query = query_of(request);
    auto page = parse_page(query);
    auto link = link_header("http://" + request.host + path, query, page.number,
                            last_page(records, page.size));
    if (!link.empty()) response.headers.emplace_back("Link", link);
}

/// The data never changes, so what was asked for names the answer.
std::string etag_of(const ApiRequest& request, const std::string& varies_by) {
    char tag[32];
    auto hash = hash_text(request.target + "\n" + request.accept + "\n" + varies_by);
    std::snprintf(tag, sizeof tag, "W/\"%016llx\"", static_cast<unsigned long long>(hash));
    return tag;
}

}  // namespace

Routes::Routes(const std::string& folder, std::uint64_t records_max)
    : records_max_(records_max),
      repositories_(Repositories::load(folder)),
      users_(owners_of(repositories_)),
      stargazers_(repositories_.all()),
      documents_(read_file(folder + "/recorded-get-repository.json"), repositories_, users_,
                 stargazers_) {}

ApiResponse Routes::answer(const ApiRequest& request, const std::string& viewer) {
    auto response = request.method == "GET" ? find_resource(request, viewer) : not_found();
    if (response.status != 200) return response;
    auto tag = etag_of(request, response.kind == "viewer" ? viewer : "");
    response.headers.emplace_back("ETag", tag);
    response.headers.emplace_back("Cache-Control", "private, max-age=60, s-maxage=60");
    if (request.if_none_match.find(tag.substr(2)) != std::string::npos) {  // weak comparison
        response.status = 304;
        response.body.clear();
    }
    return response;
}

ApiResponse Routes::find_resource(const ApiRequest& request, const std::string& viewer) {
    auto path = path_of(request);
    if (path == "/raw/sindresorhus/awesome-nodejs/main/readme.md")
        return text_response("readme", "text/plain; charset=utf-8", repositories_.readme());
    if (path == "/user") return viewer_response(viewer);
    auto parts = split_path(path);
    if (parts.size() < 2) return not_found();
    if (parts[0] == "repos" && parts.size() >= 3) {
        if (const auto* its = repositories_.by_name(parts[1], parts[2]))
            return repository(*its, after(parts, 3), request);
        const auto* its = repositories_.by_old_name(parts[1], parts[2]);
        return its ? moved_response(*its, after(parts, 3), request) : not_found();
    }
    auto id = parse_id(parts[1]);
    if (parts[0] == "repositories" && id) {
        const auto* its = repositories_.by_id(*id);
        return its ? repository(*its, after(parts, 2), request) : not_found();
    }
    std::optional<UserIndex> found;
    if (parts[0] == "users") found = users_.by_login(parts[1]);
    if (parts[0] == "user" && id) found = users_.by_id(*id);
    return found ? user(*found, after(parts, 2), request) : not_found();
}

ApiResponse Routes::repository(const Repository& its, const std::vector<std::string>& rest,
                               const ApiRequest& request) {
    auto index = static_cast<std::size_t>(&its - repositories_.all().data());
    if (rest.empty()) return json_response("repository", 200, documents_.repository(index));
    if (rest == std::vector<std::string>{"languages"})
        return json_response("languages", 200, documents_.languages(index));
    if (rest == std::vector<std::string>{"stargazers"}) return stargazers(index, request);
    return not_found();
}

ApiResponse Routes::stargazers(std::size_t index, const ApiRequest& request) const {
    const auto& its = repositories_.all()[index];
    auto page = parse_page(query_of(request));
    if (page.number > last_page(records_max_, page.size))
        return error_response("stargazers", 422,
                              "In order to keep the API fast for everyone, pagination is limited "
                              "for this resource.",
                              "https://docs.github.com/v3/#pagination");
    auto listed = std::min(its.stars, records_max_);
    auto from = std::min((page.number - 1) * page.size, listed);
    auto to = std::min(from + page.size, listed);
    auto body = documents_.stargazers(index, from, to, wants_star_time(request));
    auto response = json_response("stargazers", 200, std::move(body));
    add_link(response, request, "/repositories/" + std::to_string(its.id) + "/stargazers", listed);
    return response;
}

ApiResponse Routes::user(UserIndex user, const std::vector<std::string>& rest,
                         const ApiRequest& request) {
    if (rest.empty()) return json_response("user", 200, documents_.user(user));
    if (rest == std::vector<std::string>{"starred"}) return starred(user, request);
    return not_found();
}

ApiResponse Routes::starred(UserIndex user, const ApiRequest& request) {
    auto page = parse_page(query_of(request));
    auto all = stargazers_.starred_by(user);
    // Divided, not multiplied: a page number may be anything.
    auto from = page.number - 1 < last_page(all.size(), page.size) ? (page.number - 1) * page.size
                                                                   : all.size();
    auto to = std::min<std::uint64_t>(from + page.size, all.size());
    std::vector<std::size_t> shown(all.begin() + static_cast<std::ptrdiff_t>(from),
                                   all.begin() + static_cast<std::ptrdiff_t>(to));
    auto body = documents_.starred(user, shown, wants_star_time(request));
    auto response = json_response("starred", 200, std::move(body));
    add_link(response, request, "/user/" + std::to_string(users_.id(user)) + "/starred",
             all.size());
    return response;
}

}  // namespace pawl::replica
