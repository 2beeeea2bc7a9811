#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/characters.hpp"
#include "core/duration.hpp"
#include "core/redact.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

// The HTTP client writes these itself; a second value would be sent beside its own or break the
// message.
constexpr std::array<std::string_view, 4> own_headers{"host", "content-length", "transfer-encoding",
                                                      "connection"};

bool same_name(std::string_view a, std::string_view b, bool headers) {
    return headers ? lower(a) == lower(b) : a == b;
}

bool check_header_name(const YamlNode::Member& member, Problems& problems) {
    const YamlNode name{.kind = YamlNode::Kind::scalar, .at = member.at, .text = member.name};
    if (!read_header_name(name, "headers", problems)) return false;
    if (std::find(own_headers.begin(), own_headers.end(), lower(member.name)) == own_headers.end())
        return true;
    problems.add(member.at, fmt::format("header \"{}\" is set by pawl itself", member.name));
    return false;
}

/// A credential written as a header all the same must not be shown either.
void remember_header_secret(const YamlNode::Member& member) {
    const std::string name = lower(member.name);
    if (name == "authorization" || name == "cookie" || name.find("api-key") != std::string::npos ||
        name.find("token") != std::string::npos)
        for (const std::string& value : member.value.variable_values) remember_secret(value);
}

/// Puts the entries of the map `name` over `base`: the same name replaces, `~` removes.
void read_templates(const MapReader& map, std::string_view name, NamedTemplates& base,
                    Problems& problems) {
    const bool headers = name == "headers";
    const auto entries = map.open(name);
    if (!entries) return;
    for (const YamlNode::Member& member : entries->node().members) {
        if (headers && !check_header_name(member, problems)) continue;
        if (headers) remember_header_secret(member);
        std::erase_if(base,
                      [&](const auto& b) { return same_name(b.first, member.name, headers); });
        if (member.value.is_null() || member.value.kind == YamlNode::Kind::invalid) continue;
        if (auto value = read_template(member.value, member.name, problems))
            base.emplace_back(member.name, std::move(*value));
    }
}

/// `into` is a stream, or the defaults of all.
void read_conditional_and_refresh(const MapReader& map, auto& into) {
    if (const auto word = map.choice("conditional")) {
        into.conditional = word != "none";
        into.etag_per_owner = word == "etag_per_owner";
    }
    if (const auto duration = map.duration("refresh")) into.refresh = duration;
}

/// Units of the limits that a request takes: of all, or by limit.
std::map<std::string, std::int64_t> read_cost(const MapReader& map, Problems& problems) {
    constexpr Bounds bounds{0, 1'000'000'000};
    std::map<std::string, std::int64_t> cost;
    const YamlNode* node = map.find("cost");
    if (node == nullptr) return cost;
    if (!node->is_map()) {
        if (const auto units = read_whole_number(*node, "cost", bounds, problems)) cost[""] = *units;
        return cost;
    }
    for (const YamlNode::Member& member : node->members)
        if (const auto units = read_whole_number(member.value, member.name, bounds, problems))
            cost[member.name] = *units;
    return cost;
}

/// Words as the API writes them: read:org, https://example.com/auth/read.
void read_scopes(const MapReader& map, Stream& stream, Problems& problems) {
    const YamlNode* node = map.find("scopes");
    if (node == nullptr) return;
    const auto add = [&](const YamlNode& item) {
        const auto scope = read_text(item, "scopes", problems);
        if (scope && (scope->empty() || scope->find_first_of(" \t,") != std::string::npos))
            problems.add(item.at, fmt::format("\"{}\" is not a scope: one word without blanks or commas", *scope));
        else if (scope)
            stream.scopes.push_back(*scope);
    };
    if (!node->is_sequence()) add(*node);
    for (const YamlNode& item : node->items) add(item);
    if (!stream.with_credentials)
        problems.add(node->at, "\"scopes\" are those of a key, and this stream asks without credentials");
}

std::optional<Expect> read_expect(const MapReader& stream, Problems& problems) {
    const auto map = stream.open("expect");
    if (!map) return std::nullopt;
    const YamlNode* node = map->require("count", "how many records should there be?");
    if (node == nullptr) return std::nullopt;
    auto count = read_expression(*node, "count", problems);
    if (count && count->uses_response()) {
        problems.add(node->at, "\"count\" must be known before anything is asked",
                     "it is made of parent.NAME, list.NAME and numbers");
        return std::nullopt;
    }
    if (!count) return std::nullopt;
    Expect expect{.count = std::move(*count)};
    if (const YamlNode* share = map->find("tolerance")) {
        const auto tolerance = share->is_scalar() ? parse_share(share->text) : std::nullopt;
        if (tolerance)
            expect.tolerance = *tolerance;
        else
            add_wrong_type(*share, "tolerance", "a share such as 1% or 0.01", problems);
    }
    expect.page_size = map->whole_number("page_size", {1, 1'000'000}, 0);
    return expect;
}

/// What is asked for: base_url + path, or url.
void read_url(const MapReader& map, const std::string& base_url, Stream& stream,
              Problems& problems) {
    const auto which = map.one_of({"path", "url"});
    if (!which) {
        problems.add(map.at(), "\"path\" or \"url\" is missing: what is asked for?");
        return;
    }
    const YamlNode* node = map.find(*which);
    if (node == nullptr) return;
    auto compiled = read_template(*node, *which, problems);
    if (!compiled) return;
    if (*which == "path") {
        if (!node->text.starts_with('/')) {
            problems.add(node->at,
                         fmt::format("\"path\" must begin with /, not \"{}\"", node->text));
        } else if (base_url.empty()) {
            problems.add(node->at, "\"path\" needs \"base_url\"");
        } else {
            stream.url = Template::compile(base_url + node->text);
        }
        return;
    }
    const bool placeholder_first =
        !compiled->parts().empty() && compiled->parts().front().value.has_value();
    if (const auto fault = url_fault(node->text); fault && !placeholder_first)
        problems.add(node->at, "\"url\" " + *fault);
    stream.url = std::move(*compiled);
}

/// The nearest bound wins: in the stream's own paginator, in the stream, in the default paginator,
/// in the defaults.
void read_stream_pagination(const MapReader& map, const StreamDefaults& defaults, Stream& stream,
                            Problems& problems) {
    PaginationPart part = defaults.paginate;
    if (const YamlNode* node = map.find("paginate")) part = read_pagination(*node, problems);
    const PageBounds own = read_page_bounds(map);
    const bool own_paginator = map.has("paginate");
    const auto pick = [&](const auto& paginator, const auto& stream_wide, const auto& file_wide) {
        if (own_paginator && paginator) return paginator;
        if (stream_wide) return stream_wide;
        return paginator ? paginator : file_wide;
    };
    stream.paginate = part.pagination;
    if (const auto pages = pick(part.bounds.max_pages, own.max_pages, defaults.bounds.max_pages))
        stream.paginate.max_pages = *pages;
    if (const auto on_max = pick(part.bounds.on_max, own.on_max, defaults.bounds.on_max))
        stream.paginate.on_max = *on_max;
}

}  // namespace

StreamDefaults read_stream_defaults(const MapReader& file, Problems& problems) {
    StreamDefaults defaults;
    read_templates(file, "headers", defaults.headers, problems);
    const auto map = file.open("defaults");
    if (!map) return defaults;
    read_templates(*map, "query", defaults.query, problems);
    read_templates(*map, "headers", defaults.headers, problems);
    if (const YamlNode* node = map->find("paginate"))
        defaults.paginate = read_pagination(*node, problems);
    defaults.bounds = read_page_bounds(*map);
    read_conditional_and_refresh(*map, defaults);
    return defaults;
}

Stream read_stream(const YamlNode::Member& member, const StreamDefaults& defaults,
                   const std::string& base_url, Problems& problems) {
    const MapReader map{member.value, "streams.*", problems};
    Stream stream;
    stream.name = member.name;
    stream.query = defaults.query;
    stream.headers = defaults.headers;
    stream.conditional = defaults.conditional;
    stream.etag_per_owner = defaults.etag_per_owner;
    stream.refresh = defaults.refresh;
    if (const YamlNode* node = map.find("foreach")) stream.foreach_ = read_foreach(*node, problems);
    read_url(map, base_url, stream, problems);
    read_templates(map, "query", stream.query, problems);
    read_templates(map, "headers", stream.headers, problems);
    read_method_and_body(map, stream, problems);
    stream.cost = read_cost(map, problems);
    if (map.has("credentials")) stream.with_credentials = map.choice("credentials") != "none";
    read_scopes(map, stream, problems);
    read_stream_pagination(map, defaults, stream, problems);
    read_records(map, stream, problems);
    stream.emits = read_emits(map, stream.name, problems);
    read_incremental(map, stream, problems);
    check_places(map, stream, problems);
    read_conditional_and_refresh(map, stream);
    stream.expect = read_expect(map, problems);
    return stream;
}

}  // namespace pawl::core::reading
