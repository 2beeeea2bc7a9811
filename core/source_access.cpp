#include <fmt/format.h>

#include "core/redact.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

/// `header` or `query`, exactly one of them.
void read_target(const MapReader& map, std::string& header, std::string& query,
                 Problems& problems) {
    const auto which = map.one_of({"header", "query"});
    if (!which)
        problems.add(map.at(), "\"header\" or \"query\" is missing: where does the key go?");
    else if (*which == "header")
        header = map.header_name("header");
    else
        query = map.text("query");
}

Template read_inject_value(const YamlNode& node, Problems& problems) {
    const auto value = read_template(node, "value", problems);
    if (!value) return {};
    bool has_key = false;
    for (const auto& [name, needed] : value->names()) {
        has_key = has_key || name == "key";
        if (name != "key")
            problems.add(node.at, fmt::format("{{{}}} is not known here: the key is {{key}}", name));
    }
    for (const Template::Part& part : value->parts())
        if (part.value && (part.value->bare_names().empty() || part.value->uses_window()))
            problems.add(node.at, fmt::format("{{{}}} is not known here: the key is {{key}}", part.value->text()));
    if (!has_key) problems.add(node.at, "\"value\" must hold {key}");
    return *value;
}

/// The request that tells whose key it is.
void read_owner(const MapReader& file, const MapReader& map, Credentials& credentials, Problems& problems) {
    const auto owner = map.open("owner");
    if (!owner) return;
    (void)owner->require("path");
    (void)owner->require("select");
    credentials.owner_path = owner->text("path");
    credentials.owner_select = owner->expression("select");
    if (!credentials.owner_path.empty() && !credentials.owner_path.starts_with('/'))
        problems.add(owner->find("path")->at, "\"path\" begins with /: it is appended to base_url");
    if (!file.has("base_url")) problems.add(owner->at(), "\"owner\" needs \"base_url\"");
}

void read_basic(const MapReader& map, Auth& auth) {
    auth.kind = Auth::Kind::basic;
    const auto basic = map.open("basic");
    if (!basic) return;
    (void)basic->require("user");
    auth.user = basic->text("user");
    auth.password = read_secret(*basic, "password");
}

void read_api_key(const MapReader& map, Auth& auth, Problems& problems) {
    auth.kind = Auth::Kind::api_key;
    const auto api_key = map.open("api_key");
    if (!api_key) return;
    read_target(*api_key, auth.header, auth.query, problems);
    auth.token = read_secret(*api_key, "value");
}

/// A line break in a credential would end the header it goes into.
void refuse_line_breaks(const MapReader& map, const Auth& auth, Problems& problems) {
    for (const std::string& text : {auth.token, auth.user, auth.password})
        if (text.find_first_of("\r\n") != std::string::npos)
            problems.add(map.at(), "a credential must not hold a line break");
}

}  // namespace

void read_inject(const MapReader& map, std::string& header, std::string& query, Template& text, Problems& problems) {
    const auto inject = map.open("inject");
    if (!inject) return;
    header.clear();
    read_target(*inject, header, query, problems);
    text = Template::compile("{key}");
    if (const YamlNode* value = inject->find("value")) text = read_inject_value(*value, problems);
}

std::string read_secret(const MapReader& map, std::string_view name) {
    const YamlNode* node = map.require(name);
    if (node == nullptr) return "";
    remember_secret(node->text);
    for (const std::string& value : node->variable_values) remember_secret(value);
    const std::string text = map.text(name);
    return text;
}

std::optional<Credentials> read_credentials(const MapReader& file, Problems& problems) {
    const auto map = file.open("credentials");
    if (!map) return std::nullopt;
    Credentials credentials;
    (void)map->require("from", "where are the keys?");
    if (const auto from = map->open("from")) {
        const auto which = from->one_of({"env", "file", "dir"});
        if (!which)
            problems.add(from->at(),
                         "\"env\", \"file\" or \"dir\" is missing: where are the keys?");
        credentials.from = choose<Credentials::From>(which,
                                                     {{"env", Credentials::From::env},
                                                      {"file", Credentials::From::file},
                                                      {"dir", Credentials::From::dir}},
                                                     Credentials::From::env);
        if (which) credentials.name = from->text(*which);
    }
    credentials.inject_header = "authorization";
    credentials.inject_value = Template::compile("Bearer {key}");
    read_inject(*map, credentials.inject_header, credentials.inject_query, credentials.inject_value, problems);
    read_owner(file, *map, credentials, problems);
    return credentials;
}

std::optional<Auth> read_auth(const MapReader& file, Problems& problems) {
    const auto map = file.open("auth");
    if (!map) return std::nullopt;
    if (file.has("credentials"))
        problems.add(map->at(), "\"credentials\" and \"auth\" exclude each other");
    Auth auth;
    const auto which = map->one_of({"bearer", "basic", "api_key", "oauth2", "jwt", "session"});
    if (!which)
        problems.add(map->at(), "\"bearer\", \"basic\", \"api_key\", \"oauth2\", \"jwt\" or \"session\" is missing");
    if (which == "bearer") auth.token = read_secret(*map, "bearer");
    if (which == "basic") read_basic(*map, auth);
    if (which == "api_key") read_api_key(*map, auth, problems);
    if (which == "oauth2") {
        auth.kind = Auth::Kind::oauth2;
        auth.grant = read_oauth2(*map, problems);
    }
    if (which == "jwt") {
        auth.kind = Auth::Kind::jwt;
        auth.grant = read_jwt(*map, problems);
    }
    if (which == "session") read_session(*map, auth, problems);
    refuse_line_breaks(*map, auth, problems);
    return auth;
}

}  // namespace pawl::core::reading
