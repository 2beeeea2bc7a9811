// auth: oauth2, jwt and session, where the source says how a token is got.
#include <fmt/format.h>

#include <tuple>

#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

using Grant = TokenGrant::Kind;

constexpr Micros jwt_lifetime_least =
    std::chrono::minutes(2);                                 // a minute of it is over at the start
constexpr Micros jwt_lifetime_most = std::chrono::hours(1);  // Google: at most an hour
constexpr Micros session_lifetime_untold = std::chrono::hours(1), session_lifetime_least = std::chrono::minutes(1);

/// What goes there is a secret: in the clear it may go to this machine only.
bool is_safe_place(std::string_view url) {
    if (url.starts_with("https://")) return true;
    for (const std::string_view host : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
        if (!url.starts_with(host)) continue;
        const auto rest = url.substr(host.size());
        return rest.empty() || rest.front() == ':' || rest.front() == '/';
    }
    return false;
}

std::string read_token_url(const MapReader& map, std::string_view name, Problems& problems) {
    const YamlNode* node = map.require(name, "who gives tokens?");
    if (node == nullptr) return "";
    std::string url = map.text(name);
    if (url.empty()) return url;
    std::optional<std::string> fault = url_fault(url);
    if (!fault && !is_safe_place(url)) fault = "must begin with https://: secrets are sent there";
    if (fault) problems.add(node->at, fmt::format("\"{}\" {}", name, *fault));
    return url;
}

std::string optional_secret(const MapReader& map, std::string_view name) {
    return map.has(name) ? read_secret(map, name) : "";
}

/// Key files in JSON and environments hold line breaks as `\n`.
std::string with_line_breaks(std::string pem) {
    for (auto at = pem.find("\\n"); at != std::string::npos; at = pem.find("\\n", at))
        pem.replace(at, 2, "\n");
    return pem;
}

void read_private_key(const MapReader& map, TokenGrant& grant, Problems& problems) {
    const auto which = map.one_of({"private_key", "private_key_file"});
    if (!which)
        problems.add(map.at(),
                     "\"private_key\" or \"private_key_file\" is missing: what is signed "
                     "with?");
    else if (*which == "private_key_file")
        grant.private_key_file = map.text("private_key_file");
    else
        grant.private_key = with_line_breaks(read_secret(map, "private_key"));
    const std::string& pem = grant.private_key;
    if (pem.empty()) return;
    if (pem.find("-----BEGIN ") == std::string::npos ||
        pem.find("PRIVATE KEY-----") == std::string::npos)
        problems.add(map.node().find("private_key")->at,
                     "\"private_key\" must be a private key in PEM, -----BEGIN PRIVATE KEY----- …");
}

void read_claims(const MapReader& jwt, TokenGrant& grant, Problems& problems) {
    const auto map = jwt.open("claims");
    if (!map) return;
    for (const YamlNode::Member& member : map->node().members) {
        if (member.name == "iss" || member.name == "iat" || member.name == "exp" ||
            member.name == "aud")
            problems.add(member.at,
                         fmt::format("claim \"{}\" is set by \"issuer\", \"audience\" and "
                                     "\"lifetime\"",
                                     member.name));
        else
            grant.claims.emplace_back(member.name, map->text(member.name));
    }
}

void read_exchange(const MapReader& jwt, TokenGrant& grant, Problems& problems) {
    (void)jwt.require("exchange", "where is the JWT exchanged for a token?");
    const auto map = jwt.open("exchange");
    if (!map) return;
    grant.url = read_token_url(*map, "url", problems);
    grant.kind = choose<Grant>(map->choice("send"),
                               {{"bearer", Grant::jwt_bearer}, {"assertion", Grant::jwt_assertion}},
                               Grant::jwt_bearer);
}

/// Known from the answer to a login, and from nothing else.
bool is_in_answer(const Expression& expression) {
    return expression.uses_response() && expression.parent_names().empty() &&
           expression.list_names().empty() && !expression.uses_window();
}

}  // namespace

TokenGrant read_oauth2(const MapReader& auth, Problems& problems) {
    TokenGrant grant;
    const auto map = auth.open("oauth2");
    if (!map) return grant;
    grant.url = read_token_url(*map, "token_url", problems);
    grant.kind = choose<Grant>(map->choice("grant"),
                               {{"client_credentials", Grant::client_credentials},
                                {"refresh_token", Grant::refresh_token}},
                               Grant::client_credentials);
    (void)map->require("client_id");
    grant.client_id = map->text("client_id");
    if (grant.rotates()) {
        grant.client_secret = optional_secret(*map, "client_secret");
        grant.refresh_token = read_secret(*map, "refresh_token");
    } else {
        grant.client_secret = read_secret(*map, "client_secret");
        if (const YamlNode* node = map->find("refresh_token"))
            problems.add(node->at, "\"refresh_token\" is for grant: refresh_token only");
    }
    grant.scope = map->text("scope");
    grant.audience = map->text("audience");
    grant.secret_in_body = map->choice("send") == "body";
    return grant;
}

TokenGrant read_jwt(const MapReader& auth, Problems& problems) {
    TokenGrant grant;
    grant.kind = Grant::jwt_bearer;
    const auto map = auth.open("jwt");
    if (!map) return grant;
    (void)map->require("issuer", "who signs?");
    grant.issuer = map->text("issuer");
    read_private_key(*map, grant, problems);
    grant.key_id = map->text("key_id");
    grant.audience = map->text("audience");
    read_claims(*map, grant, problems);
    if (const auto lifetime = map->duration("lifetime")) {
        grant.lifetime = *lifetime;
        if (*lifetime < jwt_lifetime_least || *lifetime > jwt_lifetime_most)
            problems.add(map->node().find("lifetime")->at, "\"lifetime\" must be from 2m to 1h");
    }
    read_exchange(*map, grant, problems);
    return grant;
}

void read_session(const MapReader& map, Auth& auth, Problems& problems) {
    auth.kind = Auth::Kind::session;
    TokenGrant& grant = auth.grant.emplace();
    grant.kind = Grant::session;
    const auto session = map.open("session");
    if (!session) return;
    grant.url = read_token_url(*session, "url", problems);
    std::tie(grant.login, grant.login_type) = read_fixed_body(*session, problems);
    const auto which = session->one_of({"token", "cookie"});
    if (!which) problems.add(session->at(), "\"token\" or \"cookie\" is missing: what does the login give?");
    if (which == "token") grant.token_at = session->expression("token");
    if (grant.token_at && !is_in_answer(*grant.token_at))
        problems.add(session->find("token")->at, "\"token\" must be one value of the answer: $.token, or header.x_session");
    if (which == "cookie") grant.cookie = session->text("cookie");
    if (grant.cookie.find_first_of(" =;,\t\"") != std::string::npos)
        problems.add(session->find("cookie")->at, "\"cookie\" is the name of a cookie, without its value");
    grant.lifetime = session->duration("lifetime").value_or(session_lifetime_untold);
    if (grant.lifetime < session_lifetime_least) problems.add(session->find("lifetime")->at, "\"lifetime\" must be at least 1m");
    auth.header = which == "cookie" ? "cookie" : "authorization";
    auth.inject_value = Template::compile(which == "cookie" ? "{key}" : "Bearer {key}");
    read_inject(*session, auth.header, auth.query, auth.inject_value, problems);
}

}  // namespace pawl::core::reading
