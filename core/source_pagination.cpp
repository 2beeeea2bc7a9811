#include <fmt/format.h>

#include "core/identity.hpp"
#include "core/source_parts.hpp"

namespace pawl::core::reading {

namespace {

constexpr std::string_view path = "streams.*.paginate";
constexpr std::int64_t number_max = 1'000'000'000;
constexpr std::int64_t overlap_max = 100;

/// `size` and `size_param` mean something only together.
void read_page(const MapReader& map, Pagination& pagination, Problems& problems) {
    pagination.param = map.text("param", "page");
    pagination.start = map.whole_number("start", {0, number_max}, 1);
    pagination.size_param = map.text("size_param");
    pagination.size = map.whole_number("size", {1, number_max}, 0);
    pagination.last = map.expression("last");
    if (map.has("size") != map.has("size_param"))
        problems.add(map.at(), map.has("size") ? "\"size\" needs \"size_param\""
                                               : "\"size_param\" needs \"size\"");
}

void read_offset(const MapReader& map, Pagination& pagination, Problems& problems) {
    pagination.param = map.text("param", "offset");
    pagination.size = map.whole_number("limit", {1, number_max}, 0);
    if (pagination.size > 0 || map.has("limit_param"))
        pagination.size_param = map.text("limit_param", "limit");
    pagination.last = map.expression("total");
    pagination.overlap = map.whole_number("overlap", {0, overlap_max}, 1);
    if (map.has("limit_param") && !map.has("limit"))
        problems.add(map.at(), "\"limit_param\" needs \"limit\"");
}

void read_cursor(const MapReader& map, Pagination& pagination, Problems& problems) {
    (void)map.require("next", "where is the token?");
    pagination.next = map.expression("next");
    pagination.more = map.expression("more");
    const YamlNode* into = map.require("into", "which parameter takes the token?");
    if (into == nullptr) return;
    const std::string text = map.text("into");
    if (text.starts_with("query.") && text.size() > 6)
        pagination.into_query = text.substr(6);
    else if (text.starts_with("body."))
        problems.add(into->at, not_supported("into: body.…"));
    else if (!text.empty())
        problems.add(into->at, fmt::format("\"into\" must be query.NAME, not \"{}\"", text));
}

void read_kind(const MapReader& map, Pagination& pagination, Problems& problems) {
    using Kind = Pagination::Kind;
    const auto which = map.one_of({"type", "next_url", "page", "offset", "cursor"});
    if (which == "type")
        pagination.kind = choose<Kind>(map.choice("type"),
                                       {{"none", Kind::none}, {"link", Kind::link}}, Kind::none);
    if (which == "next_url") {
        pagination.kind = Kind::next_url;
        pagination.next = map.expression("next_url");
    }
    if (which == "page") {
        pagination.kind = Kind::page;
        if (const auto page = map.open("page")) read_page(*page, pagination, problems);
    }
    if (which == "offset") {
        pagination.kind = Kind::offset;
        if (const auto offset = map.open("offset")) read_offset(*offset, pagination, problems);
    }
    if (which == "cursor") {
        pagination.kind = Kind::cursor;
        if (const auto cursor = map.open("cursor")) read_cursor(*cursor, pagination, problems);
    }
    if (!which && !map.has("last_id"))
        problems.add(
            map.at(),
            "\"type\", \"next_url\", \"page\", \"offset\" or \"cursor\" is missing: how is "
            "the next page found?");
}

/// `none` or `link`; names of paginators that need more are told so.
void read_word(const YamlNode& node, Pagination& pagination, Problems& problems) {
    using Kind = Pagination::Kind;
    for (const std::string_view kind : {"next_url", "page", "offset", "cursor"}) {
        if (node.text != kind) continue;
        problems.add(node.at,
                     fmt::format("\"{}\" needs its fields: paginate: {{{}: …}}", kind, kind));
        return;
    }
    pagination.kind =
        choose<Kind>(read_choice(node, "paginate", "streams.*.paginate.type", problems),
                     {{"none", Kind::none}, {"link", Kind::link}}, Kind::none);
}

}  // namespace

PageBounds read_page_bounds(const MapReader& map) {
    PageBounds bounds;
    if (const auto pages = map.whole_number("max_pages", {1, page_seq_max}, 0); pages > 0)
        bounds.max_pages = pages;
    using OnMax = Pagination::OnMax;
    if (const auto word = map.choice("on_max"))
        bounds.on_max = choose<OnMax>(
            word, {{"truncated", OnMax::truncated}, {"stuck", OnMax::stuck}}, OnMax::stuck);
    return bounds;
}

PaginationPart read_pagination(const YamlNode& node, Problems& problems) {
    PaginationPart part;
    if (node.is_map()) {
        const MapReader map{node, std::string(path), problems};
        read_kind(map, part.pagination, problems);
        part.bounds = read_page_bounds(map);
    } else if (node.is_scalar()) {
        read_word(node, part.pagination, problems);
    } else {
        problems.add(node.at, "\"paginate\" must be none, link or a map");
    }
    return part;
}

}  // namespace pawl::core::reading
